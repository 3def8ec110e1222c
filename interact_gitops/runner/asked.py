"""Runs that somebody asked for: by hand, once more, or for a past window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.errors import Refused
from interact_gitops.jobs.model import Combination
from interact_gitops.ledger.keys import manual_key
from interact_gitops.ledger.records import Run, RunLine
from interact_gitops.ledger.requests import Added, Move, NewRun
from interact_gitops.ledger.states import NEVER_SENT, OWNED, State
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.decisions import patience, run_for
from interact_gitops.runner.target import SeenChat

MOST_AT_ONCE = 1_000  # occurrences of one backfill


def manual_run(
    runnable: RunnableJob,
    combinations: tuple[Combination, ...],
    now: datetime,
    *,
    by: str,
    fan_out: bool,
    max_parallel: int | None = None,
    target_judges: bool,
) -> NewRun:
    """A run by hand. `target_judges`: the target itself keeps to the job's `overlap` and tries failed chats again."""
    job = runnable.job
    return NewRun(
        key=manual_key(job.key),
        job=job.key,
        kind="manual",
        scheduled_at=now,
        due_at=now,
        combinations=combinations,
        definition_hash=runnable.definition_hash,
        git_commit=runnable.git_commit,
        line_up="allow" if target_judges or job.overlap == "allow" else "skip",
        fan_out=fan_out,
        max_parallel=max_parallel,
        timeout=patience(runnable, len(combinations), target_retries=target_judges),
        requested_by=by,
    )


def backfill(
    runnable: RunnableJob, start: datetime, end: datetime, now: datetime, *, by: str, target_retries: bool
) -> tuple[NewRun, ...]:
    """The occurrences of a past window (`start` inclusive, `end` exclusive) as runs that queue one after the other.

    What lies ahead of `now` is left to the schedule. Raises Refused for a job without a schedule, a window that holds
    too many, ParametersInvalid for a job that cannot run without values.
    """
    schedule = runnable.job.schedule
    if schedule is None:
        raise Refused(f"the job {runnable.key!r} has no schedule", remedy="start it with `interact-gitops run`")
    tick = timedelta(seconds=1)  # occurrences are whole seconds
    found = schedule.occurrences(start - tick, min(end - tick, now))
    if len(found) > MOST_AT_ONCE:
        said = f"the window holds {len(found):,} occurrences of {runnable.key}, the limit is {MOST_AT_ONCE:,}"
        raise Refused(said, remedy="backfill it in parts")
    combinations = runnable.combinations()
    runs = [run_for(runnable, at, combinations, target_retries=target_retries, serial=True) for at in found]
    return tuple(
        replace(run, kind="backfill", due_at=now, alarm_at=None, requested_by=by, reason=f"backfilled by {by}")
        for run in runs
    )


def foretold(
    runs: Sequence[NewRun], lines: Sequence[RunLine], pruned_until: datetime | None
) -> tuple[Added, ...]:  # fmt: skip
    """What `Ledger.add` would say of a backfill, whose job has these runs in the ledger."""
    by_key = {line.key: line for line in lines}
    occurrences = {line.scheduled_at: line for line in lines if line.kind in {"schedule", "backfill"}}
    return tuple(_foretold(run, by_key.get(run.key) or occurrences.get(run.scheduled_at), pruned_until) for run in runs)


def _foretold(run: NewRun, there: RunLine | None, pruned_until: datetime | None) -> Added:
    if there is not None and there.state in NEVER_SENT:
        return Added(key=there.key, outcome="reopened", state="planned")
    if there is not None:
        return Added(key=there.key, outcome="known", state=there.state)
    if pruned_until is not None and run.scheduled_at <= pruned_until:
        return Added(key=run.key, outcome="pruned", state=None)
    return Added(key=run.key, outcome="new", state="planned")


def ran_there(runs: Sequence[NewRun], chats: Iterable[SeenChat]) -> Mapping[str, State]:
    """The runs whose occurrence the target has chats of (it evaluates schedules itself, or another ledger sent them),
    by key, with how these ended."""
    keys = {run.key for run in runs}
    found: dict[str, list[SeenChat]] = {}
    for chat in chats:
        key, mark, _attempt = (chat.run_key or "").rpartition("~")
        if mark and key in keys:
            found.setdefault(key, []).append(chat)
    return {key: _together(some) for key, some in found.items()}


def _together(chats: Sequence[SeenChat]) -> State:
    states = {chat.state for chat in chats}
    if states <= {"succeeded"}:
        return "succeeded"
    if states & {"active", "unknown"}:
        return "running"
    return "cancelled" if states == {"cancelled"} else "failed"


def once_more(run: Run, *, now: datetime) -> Move:
    """The next attempt of a run that did not succeed: its chats that failed, with the same parameters.

    Raises Refused for one that is not over, that succeeded, or that was never sent.
    """
    if run.state in OWNED or run.state == "planned":
        raise Refused(f"the run {run.key} is {run.state}: it is not over", remedy="wait for its end, or cancel it")
    if run.state == "succeeded":
        raise Refused(f"the run {run.key} succeeded", remedy="start a new one with `interact-gitops run`")
    if run.state in {"missed", "skipped_overlap"}:
        said = f"the run {run.key} was never sent: it is {run.state}"
        raise Refused(said, remedy="open it again with `interact-gitops backfill`, or start a new one with `run`")
    if run.state == "needs_operator":
        said = f"nobody knows whether the run {run.key} started"
        raise Refused(said, remedy="look at the target, then settle it with `interact-gitops ledger recover`")
    return Move(
        key=run.key, was=run.state, fence=run.fence, to="planned", reason="to be tried again, by hand",
        next_attempt=True, due_at=now,
    )  # fmt: skip


def trigger_values(run: Run) -> dict[str, Any]:
    """What a client's `trigger` is given for a run's present attempt: the chats that have not ended."""
    parts: Sequence[Combination] = [part.parameters for part in run.open_parts]
    if run.fan_out:
        return {"combinations": parts, "max_parallel": run.max_parallel}
    return {"parameters": parts[0]} if parts[0] else {}
