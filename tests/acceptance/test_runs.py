"""Runs through the ledger: once more, taken back, for a past window, and paused; against a served Interact."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import COMMAND, Shell

Fits = Callable[[str, Any], None]

CONFIGURATION = """\
managed_by: acme/jobs
targets:
  local: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}", api_key: "${INTERACT_API_KEY}", schedules: SIDE}
"""
OVERVIEW = """\
key: overview
name: Overview
agent: paid-search-analyst
prompt: Give me the overview of all campaigns by spend.
schedule: {cron: "0 8 * * *", timezone: Europe/Amsterdam}
"""
# The agent has no query for the second question, so that one chat of the two fails, for good.
HALF = """\
key: half
name: Half
agent: paid-search-analyst
prompt: "{{ question }}"
parameters: {question: {type: string, default: "?"}}
fan_out: {combinations: [{question: Give me the overview of all campaigns by spend.}, {question: Hm}]}
"""
MANY = """\
key: many
name: Many
agent: paid-search-analyst
prompt: Give me the overview of campaign {{ number }} by spend.
parameters: {number: {type: integer, default: 1}}
fan_out: {matrix: {number: [NUMBERS]}, max_parallel: 1}
"""


@pytest.fixture(params=["interact", "runner"])
def side(request: pytest.FixtureRequest) -> str:
    """Who evaluates the schedules."""
    return str(request.param)


@pytest.fixture
def jobs(interact: Shell, side: str) -> Shell:
    """The three jobs, applied."""
    return applied(interact, side)


@pytest.fixture
def local(interact: Shell) -> Shell:
    """The three jobs, applied; their schedules are the runner's."""
    return applied(interact, "runner")


def applied(shell: Shell, side: str) -> Shell:
    shutil.rmtree(shell.folder / "jobs.d")
    (shell.folder / "jobs.d").mkdir()
    (shell.folder / "interact-gitops.yaml").write_text(CONFIGURATION.replace("SIDE", side))
    many = MANY.replace("NUMBERS", ", ".join(map(str, range(200))))
    for key, text in {"overview": OVERVIEW, "half": HALF, "many": many}.items():
        (shell.folder / f"jobs.d/{key}.yaml").write_text(text)
    shell("apply", "--yes")
    return shell


def shown(shell: Shell, run: str) -> Any:
    return shell("ledger", "show", run, "--format", "json").json["run"]


def steps(shell: Shell, run: str) -> list[str]:
    return [step["to"] for step in shown(shell, run)["steps"]]


def test_a_retry_is_the_next_attempt_of_what_failed(jobs: Shell, fits: Fits) -> None:
    first = jobs("run", "half", "--wait", "--format", "json", expect=4).json
    key = first["runKey"]
    good, bad = first["runs"]
    assert (good["state"], bad["state"]) == ("succeeded", "failed")
    again = jobs("retry", bad["id"], "--wait", "--format", "json", expect=4)
    fits("retry", again.json)
    assert f"{key}: attempt 2, 1 of 2 chats" in again.err
    assert again.json["runKey"] == key
    assert [run["parameters"] for run in again.json["runs"]] == [bad["parameters"]]
    run = shown(jobs, key)
    assert (run["attempt"], run["state"]) == (2, "failed")
    assert [chat["id"] for chat in run["chats"]] == [good["id"], again.json["runs"][0]["id"]]
    once_more = ["planned", "claimed", "sending", "triggered", "failed"]
    assert [step["to"] for step in run["steps"]] == once_more + once_more
    listed = jobs("history", "half", "--format", "json").json
    fits("history", listed)
    assert len(listed["runs"]) == 3  # three chats, and no line of its own for their run
    assert {one["run"]["key"] for one in listed["runs"]} == {key}


def test_what_is_not_retried(local: Shell) -> None:
    done = local("run", "overview", "--wait", "--format", "json").json
    assert "succeeded" in local("retry", done["runKey"], expect=1).err
    assert "there is no run 'nope' in the ledger" in local("retry", "nope", expect=1).err
    local("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-03")
    assert "is planned: it is not over" in local("retry", "overview@2026-11-01", expect=1).err
    several = local("retry", "overview@", expect=1).err
    assert "is the beginning of several runs: overview@2026-11-02T07:00Z, overview@2026-11-01T07:00Z" in several


def test_a_chat_that_the_ledger_does_not_know_is_not_retried(local: Shell) -> None:
    chat = local("run", "overview", "--wait", "--format", "json").json["runs"][0]["id"]
    (local.folder / ".interact/ledger.db").unlink()
    said = local("retry", chat, expect=1).err
    assert f"the ledger knows no run of the chat {chat}: it was started elsewhere" in said
    assert "interact-gitops run JOB" in said


def test_a_planned_run_is_taken_back_and_may_be_retried(local: Shell, fits: Fits) -> None:
    local("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-02")
    key = "overview@2026-11-01T07:00Z"
    answer = local("cancel", key, "--format", "json").json
    fits("cancel", answer)
    assert answer["run"] == {"key": key, "outcome": "done", "was": "planned", "state": "cancelled"}
    assert f"{key} had already ended: cancelled." in local("cancel", key).out
    assert "nothing" not in local("runner", "--until-idle").err
    assert local("history", "overview", "--format", "json").json["runs"][0]["state"] == "cancelled"
    local("retry", key, "--wait")
    assert steps(local, key) == ["planned", "cancelled", "planned", "claimed", "sending", "triggered", "succeeded"]


def test_a_run_in_progress_is_stopped_with_all_its_chats(jobs: Shell, fits: Fits) -> None:
    started = jobs("run", "many", "--format", "json").json
    key, chats = started["runKey"], [run["id"] for run in started["runs"]]
    one = jobs("cancel", chats[-1], "--format", "json").json
    fits("cancel", one)
    assert (one["run"], [run["state"] for run in one["runs"]]) == (None, ["cancelled"])  # that chat, not its run
    assert shown(jobs, key)["state"] in {"triggered", "running"}
    whole = jobs("cancel", key, "--format", "json").json
    fits("cancel", whole)
    assert (whole["run"]["outcome"], whole["run"]["key"]) == ("asked", key)
    assert [run["id"] for run in whole["runs"]] == chats
    jobs("runner", "--until-idle")  # sees the end of what was being stopped
    run = shown(jobs, key)
    assert run["state"] == "cancelled"
    assert run["cancelledBy"]
    assert {run["state"] for run in jobs("history", "many", "--format", "json").json["runs"]} <= {
        "cancelled",
        "succeeded",
    }


def test_a_run_by_hand_that_the_overlap_rule_stops_says_what_was_in_the_way(jobs: Shell, fits: Fits) -> None:
    first = jobs("run", "many", "--format", "json").json["runKey"]
    assert "a run of this job is in progress" in jobs("run", "many", expect=5).err
    (skipped,) = jobs("history", "many", "--status", "skipped_overlap", "--format", "json").json["runs"]
    assert (skipped["run"]["state"], skipped["run"]["inTheWay"]) == ("skipped_overlap", first)
    assert f"in the way: {first}" in jobs("ledger", "list", "many", "--state", "skipped_overlap").out
    assert "is skipped_overlap" in jobs("retry", skipped["run"]["key"], expect=1).err
    jobs("cancel", first)


def test_a_backfill_says_what_is_new_and_what_ran(jobs: Shell, fits: Fits) -> None:
    window = ["backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-04"]
    foretold = jobs(*window, "--dry-run", "--format", "json").json
    fits("backfill", foretold)
    assert foretold["counts"] == {"new": 3, "reopened": 0, "known": 0, "pruned": 0}
    assert jobs("history", "overview", "--format", "json").json["runs"] == []
    answer = jobs(*window)
    assert "3 new, 0 opened again, 0 known already." in answer.out
    assert "Sun 2026-11-01 08:00 CET" in answer.out
    assert "2026-11-04T07:00Z" not in answer.out  # --to is exclusive
    assert "`interact-gitops runner --until-idle`" in answer.err
    jobs("runner", "--until-idle")
    assert "0 new, 0 opened again, 3 known already" in jobs(*window).out
    runs = jobs("history", "overview", "--format", "json").json["runs"]
    assert [run["run"]["key"] for run in runs] == [f"overview@2026-11-0{day}T07:00Z" for day in (3, 2, 1)]
    assert {run["state"] for run in runs} == {"succeeded"}


def test_a_backfill_that_waits_sees_its_runs_and_an_earlier_backfills_to_their_ends(local: Shell) -> None:
    text = OVERVIEW.replace("Give me the overview of all campaigns by spend.", "Hm")
    (local.folder / "jobs.d/overview.yaml").write_text(text)
    local("apply", "--yes")
    local("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-02")
    local("runner", "--until-idle")
    local("backfill", "overview", "--from", "2026-11-02", "--to", "2026-11-03")
    command = [*COMMAND, "backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-04", "--wait"]
    environment = {**os.environ, **local.environment}
    with subprocess.Popen(
        command, cwd=local.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as waiting:
        end = time.monotonic() + 30
        while len(local("ledger", "list", "--state", "planned", "--format", "json").json["runs"]) < 2:
            assert time.monotonic() < end
        local("runner", "--until-idle")
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 4
    assert "1 new, 0 opened again, 2 known already" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith("overview@")] == [
        "overview@2026-11-02T07:00Z", "overview@2026-11-03T07:00Z",
    ]  # fmt: skip
    assert "2 of 2 runs did not succeed" in err  # the first had failed before anybody waited


def test_bad_windows(local: Shell) -> None:
    def said(*window: str) -> str:
        return local("backfill", *window, expect=1).err

    assert "--to is not after --from" in said("overview", "--from", "2026-11-03", "--to", "2026-11-03")
    assert "--from lies ahead" in said("overview", "--from", "2999-01-01")
    assert "has no schedule" in said("half", "--from", "2026-11-01")
    assert "did you mean 'overview'?" in said("overvew", "--from", "2026-11-01")
    assert "the limit is 1,000" in said("overview", "--from", "2020-01-01")
    assert "has no occurrence" in local("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-01T07:00").out


def test_what_the_target_ran_by_itself_is_not_backfilled(local: Shell, fits: Fits) -> None:
    shell = local
    shell("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-03")
    shell("runner", "--until-idle")
    (shell.folder / ".interact/ledger.db").unlink()  # a ledger that knows nothing of it
    for wal in (shell.folder / ".interact").glob("ledger.db-*"):
        wal.unlink()
    again = shell("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-04", "--format", "json").json
    fits("backfill", again)
    assert [(run["outcome"], run["state"]) for run in again["runs"]] == [
        ("known", "succeeded"), ("known", "succeeded"), ("new", "planned"),
    ]  # fmt: skip
    told = shell("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-03").out
    assert told.count("the target ran it: succeeded") == 2
    shell("runner", "--until-idle")
    runs = shell("history", "overview", "--format", "json").json["runs"]
    assert len({run["runKey"] for run in runs}) == len(runs) == 3


def test_a_pause_is_kept_where_schedules_are_evaluated(jobs: Shell, side: str, fits: Fits) -> None:
    paused = jobs("pause", "overview", "--reason", "the ads API\n is down", "--format", "json").json
    fits("pause", paused)
    assert (paused["place"], paused["changed"]) == ({"interact": "target", "runner": "ledger"}[side], True)
    assert paused["reason"].startswith("the ads API is down")
    assert "was paused already" in jobs("pause", "overview", "--reason", "again").out
    listed = jobs("list", "--format", "json").json
    fits("list", listed)
    assert {job["key"]: job["state"] for job in listed["jobs"]}["overview"] == "paused"
    shown = jobs("show", "overview")
    assert "the ads API is down" in shown.out
    assert "overview is paused" in jobs("history").err
    if side == "runner":
        assert "paused" in jobs("schedule", "overview").err + jobs("schedule", "overview").out
    assert "No changes" in jobs("plan").out  # nothing in git is concerned
    jobs("run", "overview", "--wait")  # by hand it is possible
    gone_on = jobs("resume", "overview", "--format", "json").json
    fits("resume", gone_on)
    assert (gone_on["paused"], gone_on["changed"]) == (False, True)
    assert "overview was not paused." in jobs("resume", "overview").out
    assert {job["state"] for job in jobs("list", "--format", "json").json["jobs"]} == {"in sync"}


def test_bad_pauses(jobs: Shell) -> None:
    assert "nope" in jobs("pause", "nope", "--reason", "x", expect=1).err
    assert "Missing option '--reason'" in jobs("pause", "overview", expect=1).err
    assert "the reason has 0 characters" in jobs("pause", "overview", "--reason", " ", expect=1).err
    assert "it may have 1 to 500" in jobs("pause", "overview", "--reason", "x" * 501, expect=1).err


def test_a_job_removed_from_git_loses_what_was_not_sent_and_keeps_what_was(local: Shell) -> None:
    key = local("run", "many", "--format", "json").json["runKey"]
    local("runner", "--once")  # it knows the jobs from here on
    local("backfill", "overview", "--from", "2026-11-01", "--to", "2026-11-02")
    for name in ("many", "overview"):
        (local.folder / f"jobs.d/{name}.yaml").unlink()
    local("runner", "--until-idle")
    run = shown(local, key)
    assert run["state"] == "succeeded"  # followed to its end
    assert len(run["chats"]) == 200
    taken_back = shown(local, "overview@2026-11-01T07:00Z")
    assert taken_back["state"] == "cancelled"
    assert taken_back["steps"][-1]["reason"]
    assert "there is no job 'overview'" in local("backfill", "overview", "--from", "2026-11-01", expect=1).err


def test_a_ledger_that_is_away_is_one_clear_line_and_nothing_is_sent(local: Shell, fits: Fits) -> None:
    nobody = "postgresql://127.0.0.1:1/none"
    before = local("history", "--format", "json").json["runs"]
    for words in (
        ["run", "overview"], ["retry", "nope"], ["cancel", "nope"], ["history"], ["ledger", "status"],
        ["backfill", "overview", "--from", "2026-11-01"], ["pause", "overview", "--reason", "x"],
        ["resume", "overview"], ["ledger", "export"], ["ledger", "prune", "--older-than", "400d"], ["runner", "--once"],
    ):  # fmt: skip
        said = local("--ledger", nobody, *words, expect=1)
        assert said.out == ""
        assert said.err.startswith(f"error: the ledger {nobody} cannot be reached: "), words
        assert said.err.count("\n") == 2
    listed = local("--ledger", nobody, "list", "--format", "json")  # what is not about runs goes on
    fits("list", listed.json)
    assert "whether jobs are paused is not known" in listed.err
    assert local("history", "--format", "json").json["runs"] == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("newer", "has schema 99"),
        ("garbage", "is no SQLite database"),
        ("torn", "is damaged"),
    ],
)
def test_a_ledger_that_cannot_be_used_stops_everything_before_it_is_sent(local: Shell, spoil: str, said: str) -> None:
    local("run", "overview", "--wait")
    file = local.folder / ".interact/ledger.db"
    if spoil == "newer":
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    elif spoil == "garbage":
        file.write_bytes(b"no database at all" * 100)
    else:
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    for words in (
        ["run", "overview"],
        ["backfill", "overview", "--from", "2026-11-01"],
        ["history"],
        ["ledger", "status"],
    ):
        answer = local(*words, expect=1)
        assert said in answer.err, words
        assert len(answer.err.splitlines()) == 2
    file.unlink()
    assert len(local("history", "--format", "json").json["runs"]) == 1  # the target has one chat, of the first run
