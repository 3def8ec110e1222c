"""Hosted Interact as a user meets it on the command line: nothing pretends, and everything that is there works."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ...acceptance.conftest import Shell
from ..client.scripted import Reply, Request, Scripted
from .conftest import MONDAY, command_line
from .interact import KEY, SHOP, Hosted

There = tuple[Scripted, Hosted]
Jobs = Callable[..., Path]
Fits = Callable[[str, Any], None]

BY_ID = "key: by-id\nname: By id\nagent: shop-analyst\nid: {hosted: job_77}\nprompt: Hm?\n"
TWINS = "key: twins\nname: Twins\nagent: paid-search-analyst\nprompt: Who?\n"
FRESH = "key: fresh\nname: Fresh\nagent: shop-analyst\nprompt: New?\nschedule: '@daily'\n"
CHECK = """\
key: check
name: Check
agent: shop-analyst
prompt: How did {{ campaign }} do?
parameters: {campaign: {type: string, default: CMP-1}}
"""


@pytest.fixture
def everything(there: There, jobs: Jobs) -> None:
    """One job of each kind, on both sides."""
    hosted = there[1]
    hosted.job("job_1", "Monday briefing")
    hosted.job("job_2", "Twins")
    hosted.job("job_3", "Twins")
    hosted.job("job_4", "Check", SHOP)
    hosted.job("job_9", "Somebody else's", SHOP)
    hosted.chat(None, status="completed")
    jobs(monday=MONDAY, by=BY_ID, twins=TWINS, fresh=FRESH, check=CHECK)


def methods(server: Scripted) -> set[str]:
    return {request.method for request in server.requests}


def probes(server: Scripted) -> int:
    return sum(request.path == "/api/agents/jobs" for request in server.requests)


@pytest.mark.usefixtures("everything")
def test_plan_says_how_each_job_is_bound(there: There, line: Shell, fits: Fits) -> None:
    text = line("plan").out
    assert " = by-id            jobs.d/by.yaml:1  bound to job_77 by its id\n      never seen to run\n" in text
    assert " ! check            jobs.d/check.yaml:1  bound to job_4 by its name and agent\n" in text
    assert "      never triggered there: it takes parameters (campaign), and a trigger there carries none\n" in text
    assert " + fresh            jobs.d/fresh.yaml:1  unbound: " in text
    assert " ? twins            jobs.d/twins.yaml:1  ambiguous: 2 jobs" in text
    assert "      job_2  Twins, agent Paid Search Analyst (agt_1)" in text
    assert "      job_3  Twins, agent Paid Search Analyst (agt_1)" in text
    assert "\nBindings: 3 bound, 1 unbound, 1 ambiguous; 1 can never run there.\n" in text
    assert "Definition fields cannot be compared on this target" in text
    assert '"Enable schedule" has to be off in Interact for the 2 scheduled jobs' in text
    assert "1 other job seen to run there, untouched." in text
    found = line("plan", "--format", "json").json
    fits("bindings", found)
    assert {job["key"]: job["state"] for job in found["jobs"]} == {
        "by-id": "bound", "check": "bound", "fresh": "unbound", "monday-briefing": "bound", "twins": "ambiguous",
    }  # fmt: skip
    markdown = line("plan", "--format", "markdown").out
    assert markdown.startswith("<!-- interact-gitops:plan ")
    assert "\n+ fresh" in markdown
    assert methods(there[0]) == {"GET"}


@pytest.mark.usefixtures("everything")
def test_the_exit_code_of_plan(line: Shell) -> None:
    line("plan", "--detailed-exitcode", expect=2)
    for key, code in (("monday-briefing", 0), ("by-id", 0), ("fresh", 2), ("twins", 2), ("check", 2)):
        line("plan", "--detailed-exitcode", "--select", key, expect=code)
    help_text = line("plan", "--help").out
    assert "exits with 2 unless every job is bound and none refused" in " ".join(help_text.split())


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--out", "plan.json"], "--out: this target's API (public) has no definitions"),
        (["plan", "--adopt", "*"], "--adopt: this target's API (public) has no definitions"),
        (["plan", "--prune"], "--prune: this target's API (public) has no definitions"),
        (["apply", "plan.json", "--yes"], "PLANFILE: this target's API (public) has no definitions"),
    ],
)
def test_what_means_nothing_there_is_refused(line: Shell, arguments: list[str], said: str) -> None:
    assert said in line(*arguments, expect=1).err


@pytest.mark.usefixtures("everything")
def test_apply_changes_nothing_and_says_what_to_enter(there: There, line: Shell, fits: Fits) -> None:
    answer = line("apply", "--yes", expect=1)
    assert (
        "Enter in Interact: fresh  jobs.d/fresh.yaml:1\n      Name            Fresh\n      Agent           shop"
        in answer.out
    )
    assert "Enable schedule off: the runner of interact-gitops starts it" in answer.out
    assert "nothing was changed: this target's API (public) has no call that writes a definition" in answer.err
    assert "1 unbound, 1 ambiguous, 1 refused" in answer.err
    found = line("apply", "--format", "json", expect=1)
    fits("bindings", found.json)
    fresh = next(job for job in found.json["jobs"] if job["key"] == "fresh")
    assert {"field": "Cron", "value": "@daily"} in fresh["enter"]
    fine = line("apply", "--select", "monday-briefing")
    assert "nothing was changed" in fine.err
    assert methods(there[0]) == {"GET"}
    for text in (answer.out, answer.err, fine.out, fine.err):
        assert not re.search(r"\bapplied\b|in sync|created|updated", text, re.IGNORECASE)


@pytest.mark.usefixtures("everything")
def test_one_probe_per_command_and_none_where_the_api_is_said(there: There, line: Shell) -> None:
    server, hosted = there
    commands = [
        ["plan"], ["apply"], ["list"], ["show", "twins"], ["history"], ["history", "by-id"],
        ["run", "monday-briefing", "--wait"],
        ["history", "--status", "succeeded"], ["cancel", "chat-1"], ["chat", "chat-1", "--format", "csv"],
    ]  # fmt: skip
    for arguments in commands:
        before = probes(server)
        line(*arguments, expect=None)
        assert probes(server) - before == 1, arguments
    for absent in (404, 405):
        hosted.absent = absent
        line("plan")
    said = command_line(line.folder, server.url, api="public")
    before = probes(server)
    for arguments in commands:
        said(*arguments, expect=None)
    assert probes(server) == before


@pytest.mark.usefixtures("everything")
def test_a_key_that_cannot_tell_or_lacks_something(there: There, line: Shell) -> None:
    server, hosted = there
    hosted.permissions = frozenset({"agent_jobs_trigger"})
    assert "agent_jobs_read" in line("plan", expect=1).err
    hosted.absent = 403
    denied = line("plan", expect=1).err
    assert "ask which API the target offers: the target answered 403" in denied
    assert "use a key of this organisation that has the permission" in denied
    line.environment["INTERACT_API_KEY"] = "int_wrong"
    hosted.absent = 404
    wrong = line("plan", expect=1)
    assert "401" in wrong.err
    assert "check the API key" in wrong.err
    assert methods(server) == {"GET"}


def test_run_waits_for_the_chat(there: There, jobs: Jobs, line: Shell, fits: Fits) -> None:
    server, hosted = there
    hosted.job("job_1", "Monday briefing")
    jobs(monday=MONDAY, by=BY_ID)
    hosted.latency = 0.02
    answer = line("run", "monday-briefing", "--wait")
    (chat_id,) = hosted.started()
    assert answer.out == f"{chat_id}  succeeded  —\n"
    assert hosted.bodies == [b""]
    assert "content-type" not in next(r for r in server.requests if r.method == "POST").headers
    followed = line("run", "monday-briefing", "--follow").out
    assert "> How did the campaigns do?" in followed
    assert "CMP-1 did best." in followed
    found = line("run", "monday-briefing", "--wait", "--format", "json").json
    fits("run", found)
    assert found["job"] == {"id": "job_1", "key": "monday-briefing"}
    assert found["runs"][0]["state"] == "succeeded"
    assert "started chat-" in line("run", "monday-briefing").out
    assert len(hosted.started()) == 4
    hosted.job("job_5", "No definition")
    line("run", "--id", "job_5", "--wait")
    assert len(hosted.started("job_5")) == 1
    assert "404" in line("run", "--id", "job_99", expect=1).err


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["running", "failed"], "1 of 1 chats did not succeed"),
        (["running", "cancelled"], "1 of 1 chats did not succeed"),
        (["running"], "has not ended within 2s, the job's timeout; it may go on"),
        (["running", "pondering"], "ended with the status 'pondering', or is still in progress: which, is not known"),
    ],
)
def test_what_did_not_succeed_exits_with_4(
    there: There, jobs: Jobs, line: Shell, fits: Fits, statuses: list[str], said: str
) -> None:
    hosted = there[1]
    hosted.job("job_1", "Monday briefing")
    hosted.statuses = statuses
    jobs(monday=MONDAY + "timeout: 2s\n")
    answer = line("run", "monday-briefing", "--wait", "--format", "json", expect=4)
    assert said in answer.err
    fits("run", answer.json)
    assert answer.json["runs"][0]["state"] != "succeeded"
    assert len(hosted.started()) == 1


@pytest.mark.usefixtures("everything")
def test_what_is_not_bound_or_refused_is_never_triggered(there: There, line: Shell) -> None:
    hosted = there[1]
    ambiguous = line("run", "twins", expect=1).err
    assert "job_2" in ambiguous
    assert "job_3" in ambiguous
    assert "is unbound" in line("run", "fresh", expect=1).err
    assert "is never triggered on this target: it takes parameters (campaign)" in line("run", "check", expect=1).err
    assert "carries no parameters" in line("run", "monday-briefing", "-p", "a=1", expect=1).err
    assert "carries no parameters" in line("run", "--id", "job_1", "-p", "a=1", expect=1).err
    assert "did you mean 'twins'?" in line("run", "twinz", expect=1).err
    assert "is unbound" in line("history", "fresh", expect=1).err
    assert hosted.bodies == []


def test_a_second_run_is_skipped_with_5(there: There, jobs: Jobs, line: Shell) -> None:
    hosted = there[1]
    hosted.job("job_1", "Monday briefing", ran="running")
    jobs(monday=MONDAY)
    skipped = line("run", "monday-briefing", expect=5)
    assert "job job_1: a run is in progress, chat-1" in skipped.err
    assert hosted.bodies == []


@pytest.mark.parametrize("trouble", ["reset after", "500 after", "html 502 after"])
def test_a_lost_answer_is_found_again(there: There, jobs: Jobs, line: Shell, trouble: Any) -> None:
    server, hosted = there
    hosted.job("job_1", "Monday briefing")
    jobs(monday=MONDAY)
    server.trouble = lambda request, _number: trouble if request.method == "POST" else None
    answer = line("run", "monday-briefing", "--wait")
    (chat_id,) = hosted.started()
    assert f"the answer to the trigger was lost; {chat_id} is the one chat that began since" in answer.err
    assert answer.out == f"{chat_id}  succeeded  —\n"
    assert len(hosted.bodies) == 1


def test_a_lost_trigger_is_said_and_not_repeated(there: There, jobs: Jobs, line: Shell) -> None:
    server, hosted = there
    hosted.job("job_1", "Monday briefing")
    jobs(monday=MONDAY)
    server.trouble = lambda request, _number: "reset before" if request.method == "POST" else None
    answer = line("run", "monday-briefing", "--wait", expect=1)
    assert "it may have been carried out all the same; no new chat of the job is listed after 10 seconds" in answer.err
    assert "interact-gitops history JOB" in answer.err
    assert sum(request.method == "POST" for request in server.requests) == 1


def test_a_target_that_opts_in_is_sent_a_body(there: There, jobs: Jobs, tmp_path: Path) -> None:
    server, hosted = there
    hosted.job("job_1", "Monday briefing")
    hosted.job("job_4", "Check", SHOP)
    hosted.job("job_5", "Fan", SHOP)
    fan = (
        CHECK.replace("check", "fan").replace("Check", "Fan")
        + "fan_out: {matrix: {campaign: [a, b]}, max_parallel: 2}\n"
    )
    jobs(monday=MONDAY, check=CHECK, fan=fan)
    line = command_line(tmp_path, server.url, trigger_body="send")
    assert "refused" not in line("plan").out
    line("run", "monday-briefing", "--wait")
    line("run", "check", "--wait")
    line("run", "check", "-p", "campaign=CMP-2", "--wait")
    few = line("run", "fan", expect=4)
    assert "2 chats were asked for, and the target names 1" in few.err
    bodies = [r.json for r in server.requests if r.method == "POST"]
    assert bodies == [
        None, {"parameters": {"campaign": "CMP-1"}}, {"parameters": {"campaign": "CMP-2"}},
        {"combinations": [{"campaign": "a"}, {"campaign": "b"}], "maxParallel": 2},
    ]  # fmt: skip


@pytest.mark.usefixtures("everything")
def test_history(there: There, line: Shell, fits: Fits) -> None:
    hosted = there[1]
    hosted.chat("job_1", status="pondering", created=datetime.now(UTC) - timedelta(days=2))
    found = line("history", "--format", "json").json
    fits("history", found)
    assert len(found["runs"]) == 7
    assert [run["createdAt"] for run in found["runs"]] == sorted((r["createdAt"] for r in found["runs"]), reverse=True)
    assert found["runs"][-1]["state"] == "unknown"
    mine = line("history", "monday-briefing", "--format", "json").json["runs"]
    assert {run["job"]["id"] for run in mine} == {"job_1"}
    assert len(line("history", "--status", "succeeded", "--format", "json").json["runs"]) == 6
    assert len(line("history", "--status", "pondering", "--format", "json").json["runs"]) == 1
    assert len(line("history", "--count", "2", "--format", "json").json["runs"]) == 2
    assert "No run yet" in line("history", "by-id").out
    assert "unknown" in line("history").out


@pytest.mark.usefixtures("everything")
def test_list_and_show(line: Shell, fits: Fits) -> None:
    listed = line("list", "--format", "json").json
    fits("list", listed)
    assert {job["key"]: job["state"] for job in listed["jobs"]} == {
        "by-id": "bound", "check": "refused", "fresh": "unbound", "monday-briefing": "bound", "twins": "ambiguous",
    }  # fmt: skip
    assert [job["key"] for job in listed["jobs"] if job["lastRun"]] == ["check", "monday-briefing"]
    shown = line("show", "monday-briefing", "--format", "json").json
    fits("show", shown)
    assert (shown["state"], shown["lastRun"]["state"]) == ("bound", "succeeded")
    assert "state       ambiguous" in line("show", "twins").out


def test_cancel_is_not_there_and_says_so(there: There, line: Shell) -> None:
    there[1].job("job_1", "Weekly", ran="running")
    answer = line("cancel", "chat-1", expect=1)
    assert "this target's API (public) has no call that stops a run" in answer.err
    assert "stop it in Interact" in answer.err
    assert methods(there[0]) == {"GET"}


SHAPES: list[Callable[[dict[str, Any]], Any]] = [
    lambda chat: {"chat": chat},
    lambda chat: chat,
    lambda chat: {**chat, "messages": ["How did the campaigns do?", "CMP-1 did best."]},
    lambda chat: {
        **chat,
        "messages": [{"from": "user", "text": "Hm?"}, {"sender": "ai", "message": "CMP-1 did best."}],
    },
    lambda chat: {**chat, "history": chat.pop("messages"), "job": "odd", "agent": 7, "status": None},
    lambda chat: {"messages": chat["messages"], "documents": chat["documents"]},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_chat_in_whatever_form(there: There, line: Shell, fits: Fits, shape: Callable[[dict[str, Any]], Any]) -> None:
    hosted = there[1]
    hosted.job("job_1", "Weekly")
    hosted.shape = lambda chat: {**shape(chat), "newThing": {"deep": [1]}}
    text = line("chat", "chat-1").out
    assert "CMP-1 did best." in text
    assert "campaign  spend" in text
    assert "select campaign" not in text
    assert "select campaign, spend from ads" in line("chat", "chat-1", "--sql").out
    assert "| CMP-1 | 12.5 |" in line("chat", "chat-1", "--format", "markdown").out
    record = line("chat", "chat-1", "--format", "json").json
    fits("chat", record)
    rows = list(csv.reader(io.StringIO(line("chat", "chat-1", "--format", "csv").out)))
    assert rows == [["campaign", "spend"], ["CMP-1", "12.5"], ["CMP-2", ""]]
    assert "this document has no rows" in line("chat", "chat-1", "--format", "csv", "--document", "2", expect=1).err


def test_validate_warns_where_the_configuration_says_public(there: There, jobs: Jobs, tmp_path: Path) -> None:
    jobs(monday=MONDAY, check=CHECK)
    assert "public" not in command_line(tmp_path, there[0].url)("validate").out
    answer = command_line(tmp_path, there[0].url, api="public")("validate")
    assert "jobs.d/check.yaml:1:1: warning: check is never triggered on hosted (public API): it takes par" in answer.out
    assert "2 valid jobs" in answer.out
    sends = command_line(tmp_path, there[0].url, api="public", trigger_body="send")("validate")
    assert "no problem found" in sends.out
    assert there[0].requests == []


@pytest.mark.usefixtures("everything")
def test_the_key_is_never_shown(there: There, line: Shell) -> None:
    def echo(request: Request) -> Reply:
        return Reply(status=400, body={"error": f"bad request: {dict(request.headers)}"})

    outputs = [line(*arguments, expect=None) for arguments in (["plan"], ["apply"], ["-v", "run", "monday-briefing"])]
    there[0].answer = echo
    outputs += [line(*arguments, expect=None) for arguments in (["plan"], ["chat", "chat-1"], ["run", "--id", "job_1"])]
    assert not [answer for answer in outputs if KEY in answer.out + answer.err]
