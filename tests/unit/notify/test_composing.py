"""What a message says: title, answer, what failed, the table, the commands."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from interact_gitops.notify.events import Finding, Remark, topics
from interact_gitops.notify.messages.cleaning import first_lines, one_line, plain
from interact_gitops.notify.messages.composing import again, compose, duration, title
from interact_gitops.notify.messages.message import shortened

from .conftest import HOSTILE, WARN, hostile, part, run

FAILED = {"result": "failed", "error": "stopped after 300 s", "remedy": "ask for less"}


def made(event, **changes):
    return compose(event, **{"delivery": "dlv_1", "topic": "completed_run", "public_url": None, **changes})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (run(), "completed"),
        (run(part(findings=(WARN,))), "1 anomaly"),
        (run(part(**FAILED), failures=1), "failed"),
        (run(part(**FAILED), failures=3), "failed, 3 times in a row"),
        (run(recovered_after=1), "works again after 1 failure"),
        (run(part(findings=(WARN, WARN)), recovered_after=4), "works again after 4 failures in a row, 2 anomalies"),
        (run(part(1), part(2)), "2 of 2 completed"),
        (run(part(1, **FAILED), part(2, findings=(WARN,)), failures=1), "1 of 2 failed, 1 anomaly"),
        (run(part(1, result="cancelled"), part(2, findings=(WARN,))), "1 of 2 cancelled, 1 anomaly"),
        (run(part(result="cancelled")), "cancelled"),
        (run(part(1), total={"completed": 1_200}, fan_out=True), "1,200 of 1,200 completed"),
    ],
)
def test_the_title_says_job_and_result(event, said):
    assert title(event) == f"Weekly report: {said}"


def test_a_run_tells_its_answer_parameters_and_how_to_see_the_rest():
    message = made(run(part(findings=(WARN,))), public_url="https://interact.example.com/")
    assert [(line.text, line.item) for line in message.answer] == [
        ("Brand spent 12,300.", False), ("", False), ("Clicks fell by 12%", True), ("Best day: Tuesday", True),
    ]  # fmt: skip
    assert message.answer[0].pieces == (("Brand", True), (" spent 12,300.", False))
    assert dict(message.facts) == {
        "Job": "weekly", "Agent": "Paid search analyst", "campaign_id": "CMP-2026-001", "days": "7",
        "Started by": "schedule", "For": "2026-11-23 07:00 UTC", "Took": "12 s",
    }  # fmt: skip
    assert message.findings == (WARN,)
    assert (message.level, message.mark, message.table) == ("warning", "⚠", None)
    assert message.look == "interact-gitops chat chat_1"
    assert message.url == "https://interact.example.com/chats/chat_1"
    assert made(run()).url is None


def test_a_failure_says_what_failed_and_the_command_that_runs_it_again():
    (failed,) = made(run(part(**FAILED), failures=1)).failed
    assert (failed.what, failed.why, failed.remedy) == ("weekly", "stopped after 300 s", "ask for less")
    assert failed.command == "interact-gitops run weekly -p campaign_id=CMP-2026-001 -p days=7"
    (nameless,) = made(run(part(result="failed"))).failed
    assert (nameless.why, nameless.remedy) == ("no reason is known", None)


def test_a_fan_out_is_one_message_with_a_table_of_what_differs():
    message = made(run(part(3, **FAILED), part(1, findings=(WARN,)), part(2), failures=1))
    assert message.table.columns == ("campaign_id",)
    assert [(row.values, row.result) for row in message.table.rows] == [
        (("CMP-2026-003",), "failed"), (("CMP-2026-001",), "anomaly"), (("CMP-2026-002",), "completed"),
    ]  # fmt: skip
    assert [row.said for row in message.table.rows] == [
        "stopped after 300 s", WARN.message, "Brand spent 12,300. Clicks fell by 12% Best day: Tuesday",
    ]  # fmt: skip
    assert message.table.left == 0
    assert dict(message.facts)["days"] == "7"
    assert "campaign_id" not in dict(message.facts)
    assert message.failed[0].what == "campaign_id CMP-2026-003"
    assert message.findings[0].message == f"campaign_id CMP-2026-001: {WARN.message}"
    assert message.answer == ()
    assert made(run(part(1), part(2, seconds=None, answer=""))).table.rows[1].took == ""


def test_a_fan_out_of_thousands_is_counted_not_listed():
    parts = [part(number, parameters={"n": number}, **(FAILED if number < 20 else {})) for number in range(50)]
    message = made(run(*parts, total={"completed": 9_980, "failed": 20}, failures=1))
    assert len(message.table.rows) == 30
    assert message.table.left == 9_970
    assert (len(message.failed), message.failed_left) == (5, 15)
    assert message.record["partsLeftOut"] == 9_950
    half = shortened(message, 0.5)
    assert (len(half.table.rows), half.table.left) == (15, 9_985)
    least = shortened(message, 0.0)
    assert (least.table.rows, len(least.failed), least.failed_left) == ((), 1, 19)


def test_a_run_without_chats_in_reach_is_told_all_the_same():
    message = made(replace(run(fan_out=True), parts=(), total={"completed": 3}))
    assert message.title == "Weekly report: 3 of 3 completed"
    assert (message.look, message.table.left) == (None, 3)


@pytest.mark.parametrize(
    ("value", "command"),
    [
        ("it's", "interact-gitops run weekly -p 'a=it'\"'\"'s'"),
        ("$(reboot)", "interact-gitops run weekly -p 'a=$(reboot)'"),
        (True, "interact-gitops run weekly -p a=true"),
        ("two\nlines", "interact-gitops run weekly"),
        ("\u202eturned", "interact-gitops run weekly"),
        ("x" * 500, "interact-gitops run weekly"),
        (None, "interact-gitops run weekly"),
    ],
)
def test_a_command_can_be_pasted_or_leaves_the_value_out(value, command):
    assert again("weekly", part(parameters={"a": value})) == command
    assert shlex.split(command)[:3] == ["interact-gitops", "run", "weekly"]


def test_a_remark_is_a_message_too():
    remark = Remark(id="missed:a", time="2026-11-23T07:00:05.000Z", topic="missed_run", level="error", title="a missed",
                    text="Nobody was there.", job_key="a", run_key="a@x")  # fmt: skip
    message = made(remark)
    assert (message.event, message.topic, message.title, message.level) == (
        "missed:a",
        "missed_run",
        "a missed",
        "error",
    )
    assert message.facts == (("Job", "a"), ("Run", "a@x"))
    assert [line.text for line in message.answer] == ["Nobody was there."]
    assert message.record["run"] is None
    assert made(replace(remark, job_key=None)).record["job"] is None


@pytest.mark.parametrize(
    ("result", "worst", "news"),
    [
        ("completed", None, {"completed_run": "info"}),
        ("failed", None, {"failed_run": "error"}),
        ("completed", "warning", {"anomaly": "warning", "completed_run": "info"}),
        ("cancelled", None, {}),
        ("cancelled", "error", {"anomaly": "error"}),
    ],
)
def test_what_a_run_is_news_of(result, worst, news):
    assert topics(result, worst) == news


def test_a_runs_result_is_its_worst_chats():
    assert run(part(1, **FAILED), part(2, result="cancelled")).result == "failed"
    assert run(part(1), part(2, result="cancelled")).result == "cancelled"
    assert run().result == "completed"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.44, "0.4 s"), (12, "12 s"), (185, "3 min 05 s"), (7_625, "2 h 07 min")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_text_is_made_plain():
    assert plain("a\r\nb\rc\u2028d\te\x1b[1m\x00\u202ef\u2066\ud800\U000e0041") == "a\nb\nc\nd    e[1mf"
    assert plain("👩\u200d🔬 é العربية") == "👩\u200d🔬 é العربية"
    assert one_line("a\n b\r\nBcc: c", 50) == "a b Bcc: c"
    assert one_line("x" * 20, 10) == "xxxxxxxxx…"
    assert one_line(" " * 100 + "late", 10) == "…"


def test_the_first_lines_of_an_answer():
    lines, cut = first_lines("a\n\n\n\nb\n", lines=10, characters=100)
    assert ([line.text for line in lines], cut) == (["a", "", "b"], False)
    lines, cut = first_lines("a\nb\nc", lines=2, characters=100)
    assert ([line.text for line in lines], cut) == (["a", "b"], True)
    lines, cut = first_lines("abcdef\nb", lines=9, characters=4)
    assert ([line.text for line in lines], cut) == (["abc…"], True)
    lines, cut = first_lines("a\n\n" + "b" * 9, lines=2, characters=99)
    assert ([line.text for line in lines], cut) == (["a"], True)
    assert first_lines("", lines=2, characters=9) == ((), False)
    lines, _ = first_lines("**a** b **c", lines=2, characters=99)
    assert lines[0].pieces == (("a", True), (" b **c", False))
    lines, cut = first_lines("x" * 1_000_000, lines=9, characters=50)
    assert (len(lines[0].text), cut) == (50, True)


def test_a_hostile_run_is_bounded_in_every_field():
    message = made(hostile())
    texts = [message.title, *(text for pair in message.facts for text in pair), *(f.message for f in message.findings),
             *(text for f in message.failed for text in (f.what, f.why, f.remedy, f.command)),
             *(text for row in message.table.rows for text in (*row.values, row.said))]  # fmt: skip
    assert all("\n" not in text and "\x1b" not in text and "\u202e" not in text for text in texts)
    assert max(map(len, texts)) <= 400
    assert HOSTILE[:10] in message.title
    assert len(message.findings) == 12
    assert message.findings_left == 60 * 20 - 12
    assert made(run(part(findings=(Finding(level="info", message="x" * 999),)))).findings[0].message.endswith("…")
