"""`ledger`: what it knows, and settling by hand what nobody knows; its runs are made as a runner makes them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interact_gitops.cli import ledger as commands
from interact_gitops.cli.ledgers import Book, open_book
from interact_gitops.cli.options import Workspace
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Intent, Move, NewRun
from interact_gitops.ledger.states import STATES

from .conftest import Shell
from .test_runs import applied

Fits = Callable[[str, Any], None]

AT = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
NAMES = {"missed": "2026-11-02", "skipped_overlap": "2026-11-03", "needs_operator": "2026-11-04"}


@pytest.fixture
def local(interact: Shell) -> Shell:
    """A repository with applied jobs, whose schedules are the runner's."""
    return applied(interact, "runner")


@contextmanager
def book(shell: Shell) -> Iterator[Book]:
    """Its ledger."""
    with open_book(Workspace(folder=shell.folder, environ=shell.environment)) as opened:
        yield opened


def new(day: int, **fields: Any) -> NewRun:
    at = AT + timedelta(days=day)
    key = f"overview@{at:%Y-%m-%dT%H:%MZ}"
    return NewRun(
        key=key, job="overview", kind="schedule", scheduled_at=at, due_at=at, combinations=({},), definition_hash="d",
        git_commit="c0ffee", **fields,
    )  # fmt: skip


def sent(opened: Book, key: str, *, remote_job: str, now: datetime) -> Run:
    """The run after its intent was written down: its request may have gone out."""
    (run,) = opened.ledger.claim(opened.space, owner="r", lease_seconds=180.0, limit=1, now=now, keys=[key])
    intent = Intent(payload='{"trigger":"schedule"}', sent_at=now, seconds=10.0, remote_job=remote_job)
    return step(opened, run, "sending", intent=intent)


def step(opened: Book, run: Run, to: Any, **fields: Any) -> Run:
    move = Move(key=run.key, was=run.state, fence=run.fence, to=to, **fields)
    (done,) = opened.ledger.move(opened.space, [move], by="r", now=datetime.now(UTC)).done
    return done


def lost(shell: Shell, *days: int) -> list[str]:
    """Runs of which nobody knows whether they started; their keys."""
    remote = job_id(shell)
    with book(shell) as opened:
        runs = [new(day) for day in days]
        opened.ledger.add(opened.space, runs, by="r", now=datetime.now(UTC))
        for run in runs:
            under_way = sent(opened, run.key, remote_job=remote, now=datetime.now(UTC))
            step(opened, under_way, "needs_operator", reason="no chat of it is listed")
    return [run.key for run in runs]


def job_id(shell: Shell) -> str:
    from interact_gitops.interact.client import Client

    environment = shell.environment
    with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], environment["INTERACT_ORG_ID"]) as client:
        return next(job.id for job in client.jobs() if job.key == "overview")


def test_the_choices_of_state_are_the_states() -> None:
    assert set(commands.STATES) == set(STATES)


def test_a_ledger_of_which_nothing_is_known(local: Shell, fits: Fits) -> None:
    found = local("ledger", "status", "--format", "json").json
    fits("ledgerStatus", found)
    assert found["counts"] == {}
    assert found["faults"] == []
    assert local("ledger", "list").out == "The ledger has no such run.\n"
    assert "there is no run 'nope' in the ledger" in local("ledger", "show", "nope", expect=1).err
    fits("ledgerList", local("ledger", "list", "--format", "json").json)
    assert "ledger recover" in local("ledger").out


def test_history_and_list_show_what_had_no_chat(local: Shell, fits: Fits) -> None:
    missed = new(0, state="missed", reason="past its start deadline")
    skipped = new(1, state="skipped_overlap", reason="a run was in progress", in_the_way="overview@2026-11-02T07:00Z")
    with book(local) as opened:
        opened.ledger.add(opened.space, [missed, skipped], by="r", now=datetime.now(UTC))
    (key,) = lost(local, 2)
    local("run", "overview", "--wait")
    answer = local("history", "overview")
    rows = [line.split()[:2] for line in answer.out.splitlines()[1:]]
    assert rows[0][1] == "succeeded"
    assert rows[1:] == [[key, "needs_operator"], [skipped.key, "skipped_overlap"], [missed.key, "missed"]]
    assert "no chat of it is listed" in answer.out
    assert "in the way: overview@2026-11-02T07:00Z" in answer.out
    assert "past its start deadline" in answer.out
    listed = local("history", "--format", "json").json
    fits("history", listed)
    assert len(listed["runs"]) == 4
    for state, day in NAMES.items():
        (only,) = local("history", "--status", state, "--format", "json").json["runs"]
        assert only["run"]["key"] == f"overview@{day}T07:00Z"
        by_state = local("ledger", "list", "overview", "--state", state, "--format", "json").json
        fits("ledgerList", by_state)
        assert [run["key"] for run in by_state["runs"]] == [only["run"]["key"]]
    window = ["--from", "2026-11-02", "--to", "2026-11-03"]
    assert [run["key"] for run in local("ledger", "list", *window, "--format", "json").json["runs"]] == [missed.key]
    found = local("ledger", "status")
    assert "1 missed" in found.out
    assert "ledger list --state needs_operator" in found.out
    # A backfill opens missed and skipped ones again, and never what may have been sent.
    opened_again = local("backfill", "overview", "--from", "2026-11-02", "--to", "2026-11-05", "--format", "json").json
    assert opened_again["counts"] == {"new": 0, "reopened": 2, "known": 1, "pruned": 0}
    local("runner", "--until-idle")
    states = {run["key"]: run["state"] for run in local("ledger", "list", "--format", "json").json["runs"]}
    assert [states[run.key] for run in (missed, skipped)] == ["succeeded", "succeeded"]
    assert states[key] == "needs_operator"


def test_show_tells_the_whole_story(local: Shell, fits: Fits) -> None:
    (key,) = lost(local, 0)
    told = local("ledger", "show", key[:-1], "--format", "json").json  # the beginning of its key
    fits("ledgerShow", told)
    run = told["run"]
    assert [one["to"] for one in run["steps"]] == ["planned", "claimed", "sending", "needs_operator"]
    assert run["request"] == {"trigger": "schedule"}
    assert run["commit"] == "c0ffee"
    text = local("ledger", "show", key).out
    assert "needs_operator: no chat of it is listed" in text
    assert "c0ffee" in text


def test_what_nobody_knows_is_settled_by_whoever_looked(local: Shell, fits: Fits) -> None:
    adopted, resent, given_up = lost(local, 0, 1, 2)
    chat = local("run", "overview", "--wait", "--format", "json").json["runs"][0]["id"]
    other = local("run", "half", "--wait", "--format", "json", expect=4).json["runs"][0]["id"]

    def refused(*words: str) -> str:
        return local("ledger", "recover", *words, expect=1).err

    assert "belongs to the run overview!" in refused(adopted, "--adopt", chat)
    assert "belongs to the run half!" in refused(adopted, "--adopt", other)
    assert "there is no chat 'chat_none' on the target" in refused(adopted, "--adopt", "chat_none")
    assert "give one of --adopt CHAT, --resend and --fail" in refused(adopted)
    assert "--fail goes with --reason TEXT" in refused(adopted, "--fail")
    assert "nobody knows whether" in local("retry", adopted, expect=1).err

    chat = trigger(local)  # a chat that no run of the ledger has
    answer = local("ledger", "recover", adopted, "--adopt", chat, "--format", "json").json
    fits("ledgerRecover", answer)
    assert answer["run"]["state"] == "triggered"
    assert "says: it is" in answer["run"]["steps"][-1]["reason"]
    assert "it is sent again" in local("ledger", "recover", resent, "--resend").out
    said = local("ledger", "recover", given_up, "--fail", "--reason", "done by hand").out
    assert "is failed: " in said
    assert "done by hand" in said
    assert "there is nothing to settle" in refused(given_up, "--resend")
    local("runner", "--until-idle")
    runs = {run["key"]: run for run in local("ledger", "list", "--format", "json").json["runs"]}
    assert (runs[adopted]["state"], runs[adopted]["chat"]) == ("succeeded", chat)
    assert (runs[resent]["state"], runs[resent]["attempt"]) == ("succeeded", 2)
    assert local("history", chat, expect=1).err  # a chat is no job
    known = local("history", "overview", "--format", "json").json["runs"]
    assert [run["run"]["key"] for run in known if run["id"] == chat] == [adopted]


def trigger(shell: Shell) -> str:
    """A chat of `overview` that somebody started beside the ledger."""
    from interact_gitops.interact.client import Client

    environment = shell.environment
    with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], environment["INTERACT_ORG_ID"]) as client:
        return client.trigger(job_id(shell), trigger="api").chats[0].id


def test_an_export_is_everything_and_a_prune_says_first(local: Shell, fits: Fits) -> None:
    ended = datetime.now(UTC) - timedelta(days=500)
    old = new(-600, state="missed", reason="long ago")
    with book(local) as opened:
        opened.ledger.add(opened.space, [old], by="r", now=ended)
        opened.ledger.add(opened.space, [new(0)], by="r", now=datetime.now(UTC))
    lines = [json.loads(line) for line in local("ledger", "export").out.splitlines()]
    assert lines[0] == {"record": "ledger", "formatVersion": "1"}
    assert {old.key, new(0).key} <= {line.get("key") for line in lines}
    local("ledger", "export", "--out", "all.jsonl")
    assert (local.folder / "all.jsonl").read_text().splitlines()[0] == json.dumps(lines[0], separators=(",", ":"))
    assert "is there already" in local("ledger", "export", "--out", "all.jsonl", expect=1).err
    assert "cannot be written" in local("ledger", "export", "--out", "none/all.jsonl", expect=1).err
    assert local.environment["INTERACT_API_KEY"] not in (local.folder / "all.jsonl").read_text()

    foretold = local("ledger", "prune", "--older-than", "400d")
    assert foretold.out.startswith("1 run that ended before ")
    assert "nothing was removed" in foretold.err
    assert "is less than a day" in local("ledger", "prune", "--older-than", "1h", expect=1).err
    done = local("ledger", "prune", "--older-than", "400d", "--yes", "--format", "json").json
    fits("ledgerPrune", done)
    assert (done["runs"], done["pruned"]) == (1, True)
    assert "there is no run" in local("ledger", "show", old.key, expect=1).err
    assert local("ledger", "prune", "--older-than", "400d").out.startswith("0 runs")
    # Nobody knows any more whether it ran: it is not run again.
    again = local("backfill", "overview", "--from", "2025-03-12", "--to", "2025-03-13", "--format", "json").json
    assert again["counts"]["pruned"] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_ledger_that_may_only_be_read_is_one_clear_line(local: Shell) -> None:
    local("run", "overview", "--wait")
    folder = local.folder / ".interact"
    for path in folder.glob("ledger.db*"):
        path.chmod(0o400)
    folder.chmod(0o500)
    try:
        said = local("run", "overview", expect=1).err
    finally:
        folder.chmod(0o700)
    assert "can be read and not written" in said or "cannot be opened" in said


def test_two_repositories_on_one_ledger_do_not_see_each_other(local: Shell) -> None:
    key = local("run", "overview", "--wait", "--format", "json").json["runKey"]
    settings = local.folder / "interact-gitops.yaml"
    settings.write_text(settings.read_text().replace("acme/jobs", "acme/other"))
    assert "there is no run" in local("ledger", "show", key, expect=1).err
    assert local("ledger", "list", "--format", "json").json["runs"] == []


def test_a_hostile_reason_is_made_visible(local: Shell) -> None:
    run = replace(new(0, state="missed"), reason="\x1b[31mred\x1b]0;title\x07")
    with book(local) as opened:
        opened.ledger.add(opened.space, [run], by="r\x1b[2J", now=datetime.now(UTC))
    for words in (["ledger", "list"], ["ledger", "show", run.key], ["history"]):
        assert "\x1b" not in local(*words).out
