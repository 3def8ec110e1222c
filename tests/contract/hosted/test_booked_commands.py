"""The commands over the ledger on hosted Interact, which knows no keys, no cancel and no pause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...acceptance.conftest import Shell
from ..client.scripted import Reply, Scripted
from .conftest import MONDAY, command_line
from .interact import Hosted

There = tuple[Scripted, Hosted]
Jobs = Callable[..., Path]
Fits = Callable[[str, Any], None]

MONDAYS = ["backfill", "monday-briefing", "--from", "2026-11-02", "--to", "2026-11-10"]
FIRST, SECOND = "monday-briefing@2026-11-02T07:00Z", "monday-briefing@2026-11-09T07:00Z"


@pytest.fixture
def owned(there: There, jobs: Jobs, tmp_path: Path) -> Shell:
    """A command line in a repository that has a name, and so a ledger; its one job is bound."""
    there[1].job("job_1", "Monday briefing")
    jobs(monday=MONDAY)
    return with_owner(command_line(tmp_path, there[0].url))


def with_owner(line: Shell) -> Shell:
    with (line.folder / "interact-gitops.yaml").open("a", encoding="utf-8") as file:
        file.write("managed_by: acme/jobs\n")
    return line


def runs(line: Shell) -> dict[str, Any]:
    return {run["key"]: run for run in line("ledger", "list", "--format", "json").json["runs"]}


def posts(server: Scripted) -> int:
    return sum(request.method == "POST" for request in server.requests)


def test_a_failed_run_is_tried_again_under_its_key(there: There, owned: Shell, fits: Fits) -> None:
    hosted = there[1]
    hosted.statuses = ["running", "failed"]
    first = owned("run", "monday-briefing", "--wait", "--format", "json", expect=4).json
    hosted.statuses = ["running", "completed"]
    again = owned("retry", first["runs"][0]["id"], "--wait", "--format", "json")
    fits("retry", again.json)
    assert again.json["runKey"] == first["runKey"]
    assert "attempt 2" in again.err
    (run,) = runs(owned).values()
    assert (run["state"], run["attempt"]) == ("succeeded", 2)
    assert hosted.bodies == [b"", b""]
    history = owned("history", "--format", "json").json
    fits("history", history)
    started = [one for one in history["runs"] if one["run"]]
    assert {one["id"] for one in started} == set(hosted.started())
    assert {one["run"]["key"] for one in started} == {first["runKey"]}
    assert len(history["runs"]) == 3  # with the chat that was there before


def test_a_second_run_is_skipped_and_its_record_says_what_was_in_the_way(there: There, owned: Shell) -> None:
    there[1].statuses = ["running"]
    first = owned("run", "monday-briefing", "--format", "json").json["runKey"]
    skipped = owned("run", "monday-briefing", expect=5)
    assert f"a run of this job is in progress: {first}" in skipped.err
    assert len(there[1].started()) == 1
    (record,) = owned("history", "--status", "skipped_overlap", "--format", "json").json["runs"]
    assert record["run"]["inTheWay"] == first
    assert f"in the way: {first}" in owned("history").out


def test_a_run_that_was_sent_cannot_be_stopped_there_and_one_that_was_not_can(there: There, owned: Shell) -> None:
    there[1].statuses = ["running"]
    owned(*MONDAYS)
    assert f"{SECOND} is cancelled: taken back before it was sent." in owned("cancel", SECOND).out
    key = owned("run", "monday-briefing", expect=None)  # the backfill's first run waits, and is not in the way
    assert key.code == 0
    started = there[1].started()[0]
    refused = owned("cancel", started, expect=1).err
    assert "stop it in Interact" in refused
    assert there[1].chats[0]["status"] == "running"
    assert runs(owned)[SECOND]["state"] == "cancelled"


def test_a_backfill_is_written_down_and_a_runner_sends_it(there: There, owned: Shell, fits: Fits) -> None:
    hosted = there[1]
    hosted.statuses = ["completed"]
    answer = owned(*MONDAYS, "--format", "json")
    fits("backfill", answer.json)
    assert "interact-gitops runner --until-idle" in answer.err
    assert answer.json["counts"]["new"] == 2
    assert posts(there[0]) == 0
    owned("runner", "--until-idle")
    assert {key: run["state"] for key, run in runs(owned).items()} == {FIRST: "succeeded", SECOND: "succeeded"}
    assert len(hosted.started()) == 2
    assert owned(*MONDAYS, "--format", "json").json["counts"]["known"] == 2
    owned("runner", "--until-idle")
    assert len(hosted.started()) == 2


def test_a_pause_is_the_runners_and_where_interact_evaluates_it_cannot_be(
    there: There, owned: Shell, fits: Fits
) -> None:
    paused = owned("pause", "monday-briefing", "--reason", "INC-412", "--format", "json").json
    fits("pause", paused)
    assert paused["place"] == "ledger"
    listed = owned("list", "--format", "json").json
    assert {job["key"]: job["state"] for job in listed["jobs"]} == {"monday-briefing": "paused"}
    assert "INC-412" in owned("show", "monday-briefing").out
    assert "INC-412" in owned("history").err
    owned("runner", "--once")
    assert posts(there[0]) == 0
    assert "goes on; it was paused: INC-412" in owned("resume", "monday-briefing").out
    line = with_owner(command_line(owned.folder, there[0].url, schedules="interact"))
    said = line("pause", "monday-briefing", "--reason", "INC-412", expect=1).err
    assert "whose API has no pause" in said
    assert "switch off Enable schedule" in said
    assert "Enable schedule" in line("resume", "monday-briefing", expect=1).err


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=502, body=b"<html><h1>Bad gateway</h1></html>", kind="text/html"), "502"),
        (Reply(status=200, body=b"<html><h1>Sign in</h1></html>", kind="text/html"), "is not the Interact API's"),
    ],
)
def test_a_target_that_answers_html_is_a_line_and_a_record(there: There, owned: Shell, reply: Reply, said: str) -> None:
    hosted = there[1]
    owned(*MONDAYS)  # the target is asked for nothing that the page below would hide
    hosted.answer_to_trigger = reply
    answer = owned("run", "monday-briefing", expect=1)
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert len(answer.err.splitlines()) <= 3
    manual = next(run for key, run in runs(owned).items() if "!" in key)
    assert manual["state"] == "needs_operator"  # it may have started, and this API cannot tell
    story = owned("ledger", "show", manual["key"], "--format", "json").json["run"]
    assert [step["to"] for step in story["steps"]][:3] == ["planned", "claimed", "sending"]
    hosted.answer_to_trigger = None
    planned = [run["state"] for key, run in runs(owned).items() if "@" in key]
    assert planned == ["planned", "planned"]  # nothing of the backfill is lost


def test_a_run_of_which_nobody_knows_is_settled_by_its_chat(there: There, owned: Shell, fits: Fits) -> None:
    server, hosted = there
    server.trouble = lambda request, _number: "reset before" if request.method == "POST" else None
    owned("run", "monday-briefing", expect=1)
    (run,) = runs(owned).values()
    server.trouble = lambda _request, _number: None
    assert run["state"] == "needs_operator"
    assert "nobody knows whether" in owned("retry", run["key"], expect=1).err
    chat = hosted.chat("job_1", status="completed", initiator="api")
    settled = owned("ledger", "recover", run["key"], "--adopt", chat, "--format", "json").json
    fits("ledgerRecover", settled)
    owned("runner", "--until-idle")
    assert runs(owned)[run["key"]]["state"] == "succeeded"
    assert hosted.bodies == []
