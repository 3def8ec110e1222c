"""Runs that somebody asked for, and runs that somebody settles: values in, values out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interact_gitops.errors import ParametersInvalid, Refused
from interact_gitops.jobs.model import FanOut, Job, Prompt
from interact_gitops.ledger.moves import added, moved
from interact_gitops.ledger.records import Run, RunLine
from interact_gitops.runner.asked import (
    MOST_AT_ONCE,
    backfill,
    foretold,
    manual_run,
    once_more,
    ran_there,
    trigger_values,
)
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.settling import FoundChat, adopted, given_up, resent
from interact_gitops.runner.target import SeenChat
from interact_gitops.schedule import Schedule

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
HOURLY = Schedule(cron="0 * * * *", start_deadline=60)


def runnable(**fields: Any) -> RunnableJob:
    base = {"key": "j", "name": "j", "agent": "a", "prompts": (Prompt(text="?"),), "parameters": {}, "labels": {}}
    return RunnableJob(job=Job(**{**base, **fields}), definition_hash="h", git_commit="c0ffee", remote_id="job_1")


def manual(**fields: Any) -> Any:
    given = {"by": "anna", "fan_out": False, "target_judges": False}
    return manual_run(runnable(), ({},), NOW, **{**given, **fields})


def run(state: str = "planned", *, chats: int = 1, known: int = 0, **fields: Any) -> Run:
    """A manual run in a state, whose first `known` chats have ids."""
    combinations = tuple({"n": number} for number in range(chats))
    new = manual_run(runnable(), combinations, NOW, by="anna", fan_out=chats > 1, target_judges=False)
    made = added(new, seq=1, now=NOW)
    parts = tuple(replace(part, chat=f"chat_{part.ordinal}", state="triggered") if part.ordinal < known else part
                  for part in made.parts)  # fmt: skip
    return replace(made, state=state, fence=3, parts=parts, remote_job="job_1", **fields)


def hours(runs: Any) -> list[int]:
    return [one.scheduled_at.hour for one in runs]


def test_a_manual_run_is_in_the_way_of_others_unless_the_target_judges() -> None:
    assert manual().line_up == "skip"
    assert manual(target_judges=True).line_up == "allow"
    assert (
        manual_run(runnable(overlap="allow"), ({},), NOW, by="a", fan_out=False, target_judges=False).line_up == "allow"
    )
    assert manual().kind == "manual"
    assert manual().key != manual().key
    assert manual().start_by is None


def test_a_backfill_takes_in_its_beginning_and_leaves_out_its_end() -> None:
    start = NOW.replace(hour=2, minute=0)
    runs = backfill(runnable(schedule=HOURLY), start, start + timedelta(hours=3), NOW, by="anna", target_retries=False)
    assert hours(runs) == [2, 3, 4]
    assert {one.key for one in runs} == {f"j@2026-11-23T0{hour}:00Z" for hour in (2, 3, 4)}
    for one in runs:
        assert (one.kind, one.line_up, one.start_by, one.alarm_at, one.due_at) == (
            "backfill",
            "serial",
            None,
            None,
            NOW,
        )
        assert one.requested_by == "anna"
        assert one.git_commit == "c0ffee"


def test_a_backfill_leaves_what_is_to_come_to_the_schedule() -> None:
    start = NOW.replace(hour=6, minute=0)
    ahead = NOW + timedelta(hours=5)
    assert hours(backfill(runnable(schedule=HOURLY), start, ahead, NOW, by="a", target_retries=False)) == [6, 7]


def test_a_backfill_has_a_size_and_needs_a_schedule_and_values() -> None:
    far = NOW - timedelta(hours=MOST_AT_ONCE + 1)
    with pytest.raises(Refused, match=r"the window holds 1,001 occurrences of j, the limit is 1,000"):
        backfill(runnable(schedule=HOURLY), far, NOW, NOW, by="a", target_retries=False)
    with pytest.raises(Refused, match="has no schedule"):
        backfill(runnable(), far, NOW, NOW, by="a", target_retries=False)
    needs = runnable(schedule=HOURLY, parameters={"n": {"type": "integer"}})
    with pytest.raises(ParametersInvalid):
        backfill(needs, NOW - timedelta(hours=2), NOW, NOW, by="a", target_retries=False)


def test_a_backfill_of_a_fan_out_is_one_run_an_occurrence() -> None:
    fan_out = FanOut(matrix={"n": (1, 2, 3)}, max_parallel=2)
    job = runnable(schedule=HOURLY, parameters={"n": {"type": "integer"}}, fan_out=fan_out)
    (one,) = backfill(job, NOW - timedelta(hours=1), NOW, NOW, by="a", target_retries=False)
    assert [dict(part) for part in one.combinations] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert (one.fan_out, one.max_parallel) == (True, 2)


def line(of: Any, state: str, **fields: Any) -> RunLine:
    given = {
        "seq": 1, "key": of.key, "job": of.job, "kind": of.kind, "state": state, "attempt": 1,
        "scheduled_at": of.scheduled_at, "created_at": NOW, "triggered_at": None, "ended_at": None, "owner": None,
        "definition_hash": "h", "git_commit": None, "requested_by": None, "reason": None, "in_the_way": None,
        "chat": None, "chats": {},
    }  # fmt: skip
    return RunLine(**(given | fields))


def test_what_a_backfill_would_do_is_foretold() -> None:
    start = NOW.replace(hour=0, minute=0)
    runs = backfill(runnable(schedule=HOURLY), start, start + timedelta(hours=7), NOW, by="a", target_retries=False)
    there = [
        line(runs[1], "missed"), line(runs[2], "skipped_overlap"), line(runs[3], "succeeded"),
        line(runs[4], "failed", key="old-name@4", kind="schedule"),  # before the job was renamed
        line(runs[5], "succeeded", key="j!by-hand", kind="manual"),  # at the same instant, by chance
    ]  # fmt: skip
    said = foretold(runs, there, runs[0].scheduled_at)
    assert [(one.outcome, one.state) for one in said] == [
        ("pruned", None), ("reopened", "planned"), ("reopened", "planned"), ("known", "succeeded"),
        ("known", "failed"), ("new", "planned"), ("new", "planned"),
    ]  # fmt: skip
    assert said[4].key == "old-name@4"


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["succeeded", "succeeded"], "succeeded"),
        (["succeeded", "active"], "running"),
        (["failed", "unknown"], "running"),
        (["cancelled"], "cancelled"),
        (["cancelled", "succeeded"], "failed"),
        (["failed"], "failed"),
    ],
)
def test_what_the_target_ran_by_itself_is_told_by_its_keys(states: list[Any], state: str) -> None:
    start = NOW.replace(hour=2, minute=0)
    runs = backfill(runnable(schedule=HOURLY), start, start + timedelta(hours=2), NOW, by="anna", target_retries=True)
    key = runs[1].key
    chats = [SeenChat(id=f"c{n}", state=one, status="", run_key=f"{key}~1") for n, one in enumerate(states)]
    others = [SeenChat(id=f"o{n}", state="failed", status="", run_key=one)
              for n, one in enumerate([None, "", key, f"{key}0~1", "j!x~1"])]  # fmt: skip
    assert ran_there(runs, [*others, *chats]) == {key: state}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("planned", "is planned: it is not over"),
        ("running", "is running: it is not over"),
        ("succeeded", "succeeded"),
        ("missed", "was never sent: it is missed"),
        ("skipped_overlap", "was never sent: it is skipped_overlap"),
        ("needs_operator", "nobody knows whether the run"),
    ],
)
def test_what_is_not_tried_again(state: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        once_more(run(state), now=NOW)
    assert refused.value.remedy


@pytest.mark.parametrize("state", ["failed", "timed_out", "cancelled"])
def test_a_retry_is_the_next_attempt_of_what_did_not_succeed(state: str) -> None:
    before = run(state, chats=3, known=3)
    ends = ("succeeded", "failed", "cancelled")
    parts = tuple(replace(part, state=end) for part, end in zip(before.parts, ends, strict=True))
    before = replace(before, parts=parts, payload="{}")
    again = moved(before, once_more(before, now=NOW), now=NOW)
    assert (again.state, again.attempt, again.payload, again.due_at) == ("planned", 2, None, NOW)
    assert [part.ordinal for part in again.open_parts] == [1, 2]
    assert trigger_values(again) == {"combinations": [{"n": 1}, {"n": 2}], "max_parallel": None}


def test_what_a_trigger_is_given() -> None:
    assert trigger_values(run()) == {"parameters": {"n": 0}}
    assert trigger_values(added(manual(), seq=1, now=NOW)) == {}


# Settling


def test_an_adopted_chat_makes_the_run_go_on() -> None:
    before = run("needs_operator")
    after = moved(before, adopted(before, [FoundChat(id="chat_9")], {}, by="anna"), now=NOW)
    assert (after.state, after.parts[0].chat, after.triggered_at) == ("triggered", "chat_9", NOW)
    assert after.reason == "anna says: it is chat_9"


def test_a_chat_of_the_run_itself_may_be_named_again() -> None:
    """Its status was not known until its time was over, and by now somebody knows better."""
    before = run("needs_operator", known=1)
    after = moved(before, adopted(before, [FoundChat(id="chat_0")], {"chat_0": before.key}, by="anna"), now=NOW)
    assert after.parts[0].state == "triggered"


def test_several_chats_go_by_their_parameters_or_by_the_order_given() -> None:
    before = run("needs_operator", chats=3)
    told = [FoundChat(id=f"c{number}", parameters={"n": number}, remote_job="job_1") for number in (2, 0, 1)]
    assert [(change.ordinal, change.chat) for change in adopted(before, told, {}, by="a").parts] == [
        (0, "c0"), (1, "c1"), (2, "c2"),
    ]  # fmt: skip
    untold = [replace(told[0], parameters=None), *told[1:]]
    assert [change.chat for change in adopted(before, untold, {}, by="a").parts] == ["c2", "c0", "c1"]
    many = run("needs_operator", chats=7)
    reason = adopted(many, [FoundChat(id=f"c{number}") for number in range(7)], {}, by="a").reason
    assert reason == "a says: it is c0, c1, c2, c3, c4 …"


def test_chats_that_cannot_be_the_runs() -> None:
    before = run("needs_operator", chats=2)
    one, two = FoundChat(id="c1"), FoundChat(id="c2")
    with pytest.raises(Refused, match="the chat c2 belongs to the run other!1"):
        adopted(before, [one, two], {"c2": "other!1"}, by="a")
    with pytest.raises(Refused, match="is of the job job_2 at the target, the run of job_1"):
        adopted(before, [one, replace(two, remote_job="job_2")], {}, by="a")
    with pytest.raises(Refused, match="2 chats are looked for, 1 given"):
        adopted(before, [one], {}, by="a")
    with pytest.raises(Refused, match="2 chats are looked for, 1 given"):
        adopted(before, [one, one], {}, by="a")
    with pytest.raises(Refused, match="1 chat is looked for, 2 given"):
        adopted(run("needs_operator"), [one, two], {}, by="a")


def test_a_run_that_did_not_start_is_sent_again_or_given_up() -> None:
    before = run("needs_operator")
    again = moved(before, resent(before, by="anna", now=NOW), now=NOW)
    assert (again.state, again.attempt, again.due_at) == ("planned", 2, NOW)
    over = moved(before, given_up(before, "went out by hand", by="anna"), now=NOW)
    assert (over.state, over.reason) == ("failed", "anna says: went out by hand")


@pytest.mark.parametrize(
    ("state", "remedy"), [("sending", "runner --once"), ("failed", "retry j!"), ("planned", "cancel j!")]
)
def test_only_what_nobody_knows_is_settled(state: str, remedy: str) -> None:
    for settle in (lambda r: given_up(r, "x", by="a"), lambda r: resent(r, by="a", now=NOW),
                   lambda r: adopted(r, [FoundChat(id="c")], {}, by="a")):  # fmt: skip
        with pytest.raises(Refused, match=f"is {state}: there is nothing to settle") as refused:
            settle(run(state))
        assert remedy in (refused.value.remedy or "")
