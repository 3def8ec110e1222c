"""Each channel's form: within its published limits, and with nothing in it that a text could have put there."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from interact_gitops.errors import Failure
from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.composing import compose
from interact_gitops.notify.messages.escaping import mrkdwn, unpinged
from interact_gitops.shapes import schema

from .conftest import WARN, hostile, part, run

FAILED = {"result": "failed", "error": "stopped after 300 s", "remedy": "ask for less"}
EVENTS = {
    "one": run(part(findings=(WARN,))),
    "failed": run(part(**FAILED), failures=2),
    "fan-out": run(part(3, **FAILED), part(1, findings=(WARN,)), part(2), failures=1),
    "long": run(part(answer="A sentence that goes on and on. " * 40_000)),
    "hostile": hostile(),
    "hostile alone": hostile(1),
}
LINK = "https://interact.example.com"


def message(event, url=LINK):
    return compose(event, delivery="dlv_1", topic="failed_run", public_url=url)


@pytest.fixture(params=EVENTS)
def told(request):
    return message(EVENTS[request.param])


def strings(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ((name, text) if isinstance(inner, str) else (path, text)
                        for path, text in ([(name, inner)] if isinstance(inner, str) else strings(inner)))  # fmt: skip
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner) if not isinstance(inner, str) else [("", inner)]


def test_slack_stays_within_its_limits(told):
    raw = forms.slack(told)
    body = json.loads(raw)
    assert len(raw.decode()) <= 40_000
    assert len(body["blocks"]) <= 50
    assert len(body["text"]) <= 300
    for block in body["blocks"]:
        assert block["type"] in {"section", "context"}
        texts = [block["text"]] if block["type"] == "section" else block["elements"]
        assert 1 <= len(texts) <= 10
        for text in texts:
            assert (text["type"], text["verbatim"]) == ("mrkdwn", True)
            assert 1 <= len(text["text"]) <= 3_000


def test_nothing_pings_or_links_in_slack(told):
    body = json.loads(forms.slack(told))
    allowed = {f"<{LINK}/chats/chat_{number}|Open in Interact>" for number in range(60)}
    for name, text in strings(body):
        if name == "text" and text not in allowed:
            assert "<" not in text
            assert ">" not in text
            assert not re.search(r"&(?!(amp|lt|gt);)", text)
            assert text.count("```") in {0, 2}
            assert text.replace("```", "").count("`") in {0, 2}


def test_a_slack_message_reads_well():
    texts = [text for name, text in strings(json.loads(forms.slack(message(EVENTS["fan-out"])))) if name == "text"]
    assert texts[0] == "✖ Weekly report: 1 of 3 failed, 1 anomaly"
    assert texts[1] == "✖ *Weekly report: 1 of 3 failed, 1 anomaly*"
    assert texts[2] == (
        "*Failed: campaign_id CMP-2026-003*\nstopped after 300 s\nask for less\n"
        "Run it again: `interact-gitops run weekly -p campaign_id=CMP-2026-003 -p days=7`"
    )
    assert texts[4].startswith("```campaign_id   result     took   says\nCMP-2026-003  failed     1.2 s  stopped")
    assert texts[-1] == f"<{LINK}/chats/chat_3|Open in Interact>"
    alone = [text for name, text in strings(json.loads(forms.slack(message(EVENTS["one"], None)))) if name == "text"]
    assert "*Brand* spent 12,300.\n\n• Clicks fell by 12%\n• Best day: Tuesday" in alone
    assert alone[-1] == "Whole record: `interact-gitops chat chat_1`"


def test_teams_is_a_card_of_1_4_within_28_kb(told):
    raw = forms.teams(told)
    assert len(raw) <= 28 * 1024
    body = json.loads(raw)
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"], attachment["contentUrl"]) == (
        "message", "application/vnd.microsoft.card.adaptive", None,
    )  # fmt: skip
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert "entities" not in card["msteams"]
    assert [action["type"] for action in card["actions"]] == ["Action.OpenUrl"]
    kinds = {text for name, text in strings(card) if name == "type"}
    # Text blocks and fact sets would read Markdown and mentions; text runs do not.
    assert kinds <= {"AdaptiveCard", "RichTextBlock", "TextRun", "Container", "ColumnSet", "Column", "Action.OpenUrl"}
    for name, text in strings(card):
        assert name != "text" or (text and "\n" not in text)


def test_a_card_without_a_link_has_no_action():
    card = json.loads(forms.teams(message(EVENTS["one"], None)))["attachments"][0]["content"]
    assert card["actions"] == []
    assert "interact-gitops chat chat_1" in str(card)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.links, self.text = set(), set(), []

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.links |= {value for name, value in attributes if name in {"href", "src"}}
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data):
        self.text.append(data)


def test_an_email_has_our_tags_only_and_says_the_same_in_plain_text(told):
    letter = forms.email(told)
    tags = Tags()
    tags.feed(letter.html)
    assert tags.seen <= {
        "html", "head", "meta", "title", "body", "table", "tr", "td", "th", "h1", "div", "p", "a", "strong", "ul", "li",
        "pre",
    }  # fmt: skip
    assert tags.links == {told.url}
    assert len(letter.subject) <= 150
    assert letter.subject.isprintable()
    assert len(letter.html) < 100_000
    assert told.title in letter.text
    assert told.title in "".join(tags.text)
    for failed in told.failed:
        assert failed.why in letter.text
        assert failed.command in "".join(tags.text)
    assert "\n\n\n" not in letter.text
    # What others wrote is indented, so that none of it passes for a line of ours.
    ours = [line for line in letter.text.splitlines() if line and not line.startswith(" ")]
    known = r"(Failed: |… and |Needs attention$|Answer$|Combinations$|[^:]+: |The whole record: |In the browser: )"
    assert all(re.match(known, line) for line in ours[1:]), ours


def test_a_webhooks_body_fits_its_schema_and_256_kib(told):
    raw = forms.webhook(told)
    assert len(raw) <= 256 * 1024
    body = json.loads(raw)
    Draft202012Validator(schema("notification.schema.json")).validate(body)
    assert body["id"] == "dlv_1"
    assert sum(body["run"]["chats"].values()) == len(body["parts"]) + body["partsLeftOut"]


def test_short_text_is_short(told):
    assert len(forms.short_text(told, 2_000)) <= 2_000


def test_a_message_that_cannot_be_shortened_enough_is_a_failure(monkeypatch):
    monkeypatch.setattr(forms, "TEAMS_BYTES", 100)
    with pytest.raises(Failure, match="too large"):
        forms.teams(message(EVENTS["one"]))


@settings(max_examples=150)
@given(
    st.text(max_size=80), st.text(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=3)
)
def test_no_text_breaks_out(name, answer, parameters):
    event = run(part(parameters=parameters, answer=answer, result="failed", error=answer, remedy=name), job_name=name,
                agent=answer, initiator=name)  # fmt: skip
    told = message(event, None)
    for text in (text for key, text in strings(json.loads(forms.slack(told))) if key == "text"):
        assert "<" not in text
        assert ">" not in text
    kinds = {text for key, text in strings(json.loads(forms.teams(told))) if key == "type"}
    assert not kinds - {"message", "AdaptiveCard", "RichTextBlock", "TextRun", "Container"}
    tags = Tags()
    tags.feed(forms.email(told).html)
    assert not tags.links
    assert "script" not in tags.seen
    assert forms.email(told).subject.isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!channel> & co", "&lt;!channel&gt; &amp; co"),
        ("*bold* 2*3*4 _i_ snake_case ~s~ `c`", "∗bold∗ 2*3*4 ˍiˍ snake_case ∼s∼ ˋcˋ"),
    ],
)
def test_mrkdwn_is_text(text, said):
    assert mrkdwn(text) == said


def test_mrkdwn_is_cut_as_slack_counts():
    assert mrkdwn("a" * 9, 5) == "aaaa…"
    assert mrkdwn("&&&&", 11) == "&amp;&amp;…"
    assert mrkdwn("&&", 10) == "&amp;&amp;"


def test_elsewhere_nobody_is_called():
    assert unpinged("@everyone <@1> a@b") == "@\u200beveryone ‹@\u200b1› a@\u200bb"
