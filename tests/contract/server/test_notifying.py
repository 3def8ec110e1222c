"""From the end of a run to its receiver: a server, and real receivers on loopback that behave as they like."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.notify.retrying import Patience
from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from ..senders.conftest import Hooks, Post, post_office
from .conftest import Api, Description, Json, eventually

CHANNELS, DELIVERIES = "/api/notifications/channels", "/api/notifications/deliveries"
AGENTS = r"""
  - slug: tester
    name: Tester
    connector: {type: sample}
    queries:
      - name: quick
        title: Quick
        parameters: {n: {type: integer, default: 1}}
        sql: select $n as n
        answer: 'n is {{ row.n }}.'
        anomalies:
          - {when: n > 100, message: 'n is {{ n }}, over 100'}
      - name: fragile
        title: Fragile
        parameters: {ok: {type: boolean, default: true}}
        sql: select case when $ok then 1 else cast('no number' as integer) end as n
"""
EVERYTHING = ["completed_run", "failed_run", "anomaly"]


class Office(Api):
    """An organisation whose channels lead to receivers here."""

    def channel(self, name: str, url: str | None, **changes: Any) -> Json:
        body = {"name": name, "type": "webhook", "url": url, **changes}
        answer = self("POST", CHANNELS, json={key: value for key, value in body.items() if value is not None})
        assert answer.status_code == 201, answer.text
        return answer.json()["channel"]

    def telling(self, query: str = "quick", *channels: str, **changes: Any) -> Json:
        attached = [{"channel": channel, "topics": EVERYTHING} for channel in channels]
        parameters = {"n": {"type": "integer", "default": 1}, "ok": {"type": "boolean", "default": True}}
        return self.create(prompts=[{"text": "go", "query": query}], parameters=parameters,
                           **{"notifications": attached, **changes})  # fmt: skip

    def deliveries(self, **query: Any) -> list[Json]:
        return self.all(DELIVERIES, "deliveries", **query)

    def settled(self, state: str, count: int = 1, **query: Any) -> list[Json]:
        """The deliveries in a state, once there are so many."""
        eventually(lambda: len(self.deliveries(state=state, **query)) >= count, seconds=20,
                   said=lambda: json.dumps(self.deliveries())[:2000])  # fmt: skip
        return self.deliveries(state=state, **query)


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    made = post_office.__wrapped__()  # type: ignore[attr-defined]  # one for all tests of this module
    yield next(made)()
    next(made, None)


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory, posts: Post, sample: Path) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("telling")
    agents = folder / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
    with EmbeddedServer(
        folder / "data", port=0, agents=agents, allow_private=("127.0.0.1",), patience=Patience(first=0.1, longest=0.4),
        sample_folder=sample,
        smtp_url=f"smtp://127.0.0.1:{posts.port}?tls=none", mail_from="interact@example.com",
        public_url="https://interact.example.com",
    ) as server:  # fmt: skip
        yield server


@pytest.fixture
def office(telling: EmbeddedServer, description: Description) -> Iterator[Office]:
    organization, key = telling.create_organization("office")
    with httpx.Client(base_url=telling.url, timeout=30) as client:
        yield Office(description, client, key, organization)


def bodies(hooks: Hooks, path: str) -> list[Json]:
    return [json.loads(one.body) for one in hooks.received if one.path == path]


def test_a_run_is_told_once_to_each_channel(office: Office, hooks: Hooks, posts: Post) -> None:
    office.channel("one", f"{hooks.url}/ok/one")
    office.channel("two", f"{hooks.url}/ok/two")
    office.channel("mail", None, type="email", to=["ada@example.com"])
    job = office.telling("quick", "one", "two", "mail", name="Weekly report")
    chat = office.run(job, {"parameters": {"n": 7}})
    office.settled("sent", 3)
    time.sleep(0.3)
    (one,), (two,) = bodies(hooks, "/ok/one"), bodies(hooks, "/ok/two")
    assert (one["event"], one["id"] != two["id"]) == (two["event"], True)
    assert one["title"] == "Weekly report: completed"
    assert one["parts"][0]["chatId"] == chat["id"]
    assert one["parts"][0]["url"].startswith("https://interact.example.com/")
    mail = posts.mails[-1]
    assert "Weekly report: completed" in str(mail["Subject"])
    assert "n is 7." in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_fan_out_is_one_message_with_its_table(office: Office, hooks: Hooks) -> None:
    office.channel("one", f"{hooks.url}/ok/one")
    job = office.telling("fragile", "one")
    answer = office.trigger(job, {"combinations": [{"ok": True}, {"ok": False}, {"ok": True, "n": 2}]})
    for chat in answer["chats"]:
        office.until(chat["id"], "completed", "failed")
    office.settled("sent")
    time.sleep(0.3)
    (told,) = bodies(hooks, "/ok/one")
    assert told["run"]["chats"] == {"completed": 2, "failed": 1, "cancelled": 0}
    assert told["topic"] == "failed_run"
    assert [part["result"] for part in told["parts"]] == ["failed", "completed", "completed"]


def test_level_and_topics_of_channel_and_attachment(office: Office, hooks: Hooks) -> None:
    office.channel("all", f"{hooks.url}/ok/all")
    office.channel("grave", f"{hooks.url}/ok/grave", level="error")
    office.channel("odd", f"{hooks.url}/ok/odd", topics=["anomaly"])
    job = office.telling("quick", "all", "grave", "odd")
    office.run(job)
    office.run(job, {"parameters": {"n": 101}})
    broken = office.telling("fragile", "grave", "odd")
    office.run(broken, {"parameters": {"ok": False}})
    office.settled("sent", 4)
    time.sleep(0.3)
    topics = {name: [told["topic"] for told in bodies(hooks, f"/ok/{name}")] for name in ("all", "grave", "odd")}
    assert topics == {"all": ["completed_run", "anomaly"], "grave": ["failed_run"], "odd": ["anomaly"]}


def test_after_failures_in_a_row_and_on_recovery(office: Office, hooks: Hooks) -> None:
    office.channel("patient", f"{hooks.url}/ok/patient")
    attached = {"channel": "patient", "topics": ["failed_run"], "afterFailures": 3, "onRecovery": True}
    job, markers = office.telling("fragile", notifications=[attached]), itertools.count()

    def run(*goods: bool) -> list[str]:
        before = len(bodies(hooks, "/ok/patient"))
        for good in goods:
            office.run(job, {"parameters": {"ok": good}})
        # A message to somebody else, queued after these, says when they are through.
        marker = office.channel(f"marker-{next(markers)}", f"{hooks.url}/ok/marker")
        said = office.ok("POST", f"{CHANNELS}/{marker['id']}/test")["delivery"]
        eventually(lambda: office.ok("GET", f"{DELIVERIES}/{said['id']}")["delivery"]["state"] == "sent", seconds=20,
                   said=lambda: "the marker waits")  # fmt: skip
        return [told["title"] for told in bodies(hooks, "/ok/patient")[before:]]

    assert run(False, False, True) == [], "two failures are not three"
    assert len(run(False, False, False)) == 1
    assert len(run(False)) == 1, "and each one after the third"
    (recovered,) = run(True)
    assert "again" in recovered or "recover" in recovered, recovered
    assert run(True) == []


@pytest.mark.parametrize(("path", "error"), [("gone", "404"), ("elsewhere", "redirect")])
def test_a_permanent_error_ends_it_at_once(office: Office, hooks: Hooks, path: str, error: str) -> None:
    office.channel("bad", f"{hooks.url}/{path}/x")
    office.run(office.telling("quick", "bad"))
    (dead,) = office.settled("dead")
    assert error in dead["error"].lower() or error in dead["error"], dead
    assert dead["tries"] == 1
    assert "\x1b" not in dead["error"]
    assert len([one for one in hooks.received if one.path == f"/{path}/x"]) == 1
    assert not bodies(hooks, "/ok")


@pytest.mark.parametrize("path", ["broken", "busy", "reset", "garbage", "huge"])
def test_other_errors_are_tried_again_until_it_arrives(office: Office, hooks: Hooks, path: str) -> None:
    channel = office.channel("bad", f"{hooks.url}/{path}/x")
    office.run(office.telling("quick", "bad"))
    if path == "huge":  # whoever says yes, and then says more than anybody reads, has the message
        office.settled("sent")
        return
    eventually(lambda: (office.deliveries()[0]["tries"]) >= (1 if path == "busy" else 2), seconds=20,
               said=lambda: str(office.deliveries()))  # fmt: skip
    (waiting,) = office.deliveries()
    assert (waiting["state"], bool(waiting["error"])) == ("waiting", True)
    if path == "busy":
        return  # seven seconds were asked for
    fields = {key: channel[key] for key in ("name", "type", "level", "topics")}
    answer = office("PUT", f"{CHANNELS}/{channel['id']}", headers={"If-Match": channel["etag"]},
                    json={**fields, "url": f"{hooks.url}/ok/mended"})  # fmt: skip
    assert answer.is_success, answer.text
    (sent,) = office.settled("sent")
    assert sent["id"] == waiting["id"]
    assert {one.path for one in hooks.received} == {f"/{path}/x", "/ok/mended"}
    assert len(bodies(hooks, "/ok/mended")) == 1


def test_what_was_given_up_can_be_sent_again(office: Office, hooks: Hooks) -> None:
    office.run(office.telling("quick", "later"))
    (dead,) = office.settled("dead")
    assert "there is no channel 'later'" in dead["error"]
    office.channel("later", f"{hooks.url}/ok/later")
    office.ok("POST", f"{DELIVERIES}/{dead['id']}/resend")
    (sent,) = office.settled("sent")
    assert sent["id"] == dead["id"]
    assert len(bodies(hooks, "/ok/later")) == 1
    office.problem(409, "already_sent", "POST", f"{DELIVERIES}/{dead['id']}/resend")


def test_who_hangs_does_not_keep_the_others_waiting_for_long(office: Office, hooks: Hooks) -> None:
    office.channel("hangs", f"{hooks.url}/hang/x")
    office.channel("fine", f"{hooks.url}/ok/fine")
    both = office.telling("quick", "hangs", "fine", overlap="allow")
    began = time.monotonic()
    for _ in range(5):
        office.run(both)
    office.settled("sent", 5, channel="fine")
    assert time.monotonic() - began < 60
    assert len(bodies(hooks, "/ok/fine")) == 5


def test_an_internal_address_is_refused_redirects_included(office: Office, hooks: Hooks) -> None:
    for number, url in enumerate(("http://127.0.0.2:1/x", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/",
                                  "http://[::1]:1/", "http://2130706433/", "http://localhost:1/")):  # fmt: skip
        answer = office("POST", CHANNELS, json={"name": f"inside-{number}", "type": "webhook", "url": url})
        if answer.is_success:
            office.run(office.telling("quick", f"inside-{number}"))
            (dead,) = office.settled("dead", channel=f"inside-{number}")
            assert "internal" in dead["error"] or "allow" in dead["error"], dead
        else:
            assert answer.status_code in (400, 422), answer.text


def test_no_message_for_a_run_that_did_not_end_and_none_for_a_cancelled_one(office: Office, hooks: Hooks) -> None:
    office.channel("one", f"{hooks.url}/ok/one")
    job = office.telling("quick", "one")
    body = {"combinations": [{"n": n} for n in range(-200, 0)], "maxParallel": 1}
    chats = office.trigger(job, body)["chats"]
    office.until(chats[0]["id"], "completed")
    assert office.deliveries() == []
    office("POST", f"/api/agents/chats/{chats[-1]['id']}/cancel")
    for chat in chats[1:]:
        office("POST", f"/api/agents/chats/{chat['id']}/cancel")
    for chat in chats:
        office.until(chat["id"], "completed", "cancelled")
    time.sleep(0.3)
    assert [one["topic"] for one in office.deliveries()] == []


HOSTILE = ("<!channel> @everyone <@U123> [x](javascript:alert(1)) <img src=x onerror=alert(1)> \u202etxt\u202c "
           "{{ 7*7 }} \\u003c!here> &lt;!channel&gt; *b* _i_ `c`")  # fmt: skip


def test_hostile_text_pings_nobody_and_breaks_out_of_nothing(office: Office, hooks: Hooks, posts: Post) -> None:
    office.channel("slack", f"{hooks.url}/ok/slack", type="slack")
    office.channel("teams", f"{hooks.url}/ok/teams", type="teams")
    office.channel("hook", f"{hooks.url}/ok/hook")
    office.channel("mail", None, type="email", to=["ada@example.com"])
    answer = office("POST", "/api/agents/jobs", json={
        "key": "hostile", "name": HOSTILE[:150], "agent": {"slug": "tester"},
        "prompts": [{"text": HOSTILE, "query": "quick"}],
        "parameters": {"n": {"type": "integer", "default": 1}, "text": {"type": "string", "default": HOSTILE}},
        "notifications": [{"channel": name, "topics": EVERYTHING} for name in ("slack", "teams", "hook", "mail")],
    })  # fmt: skip
    assert answer.status_code == 201, answer.text
    before = len(posts.mails)
    office.run(answer.json()["job"])
    office.settled("sent", 4)
    slack = next(one.body.decode() for one in hooks.received if one.path == "/ok/slack")
    assert "<!channel>" not in json.dumps(json.loads(slack), ensure_ascii=False)
    assert "<@U123>" not in slack
    teams = json.dumps(json.loads(next(one.body for one in hooks.received if one.path == "/ok/teams")))
    assert '"TextBlock"' not in teams, "what reads markdown; a TextRun is text"
    mail = posts.mails[before]
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<img" not in html
    assert "49" not in str(mail["Subject"])
    assert "\u202e" not in html + str(mail["Subject"])
    assert list(mail.keys()).count("Subject") == 1


def test_a_server_that_stops_sends_the_rest_after_its_next_start(
    tmp_path_factory: pytest.TempPathFactory, sample: Path, hooks: Hooks, description: Description
) -> None:
    folder = tmp_path_factory.mktemp("again")
    options: dict[str, Any] = {
        "port": 0, "sample_folder": sample, "allow_private": ("127.0.0.1",),
        "patience": Patience(first=0.1, longest=0.2),
    }  # fmt: skip
    with EmbeddedServer(folder, **options) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        api = Office(description, client, server.api_key, server.organization_id)
        api.channel("one", f"{hooks.url}/broken/one")
        job = api.create(agent={"slug": "paid-search-analyst"}, prompts=[{"text": "overview of campaigns by spend"}],
                         notifications=[{"channel": "one", "topics": EVERYTHING}])  # fmt: skip
        api.run(job)
        eventually(lambda: len(api.deliveries()) == 1, seconds=20, said=lambda: "nothing is told")
        channel = api.all(CHANNELS, "channels")[0]
    with EmbeddedServer(folder, **options) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        api = Office(description, client, server.api_key, server.organization_id)
        fields = {key: channel[key] for key in ("name", "type", "level", "topics")}
        answer = api("PUT", f"{CHANNELS}/{channel['id']}", headers={"If-Match": channel["etag"]},
                     json={**fields, "url": f"{hooks.url}/ok/one"})  # fmt: skip
        assert answer.is_success, answer.text
        api.settled("sent")
        assert len(bodies(hooks, "/ok/one")) == 1
