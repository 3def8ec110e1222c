"""From what is due to what the ledger is told: a decision with its runs, everything frozen in them. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from interact_gitops.errors import Failure
from interact_gitops.jobs.model import Combination
from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.ledger.records import JobStanding
from interact_gitops.ledger.requests import Decision, NewRun
from interact_gitops.runner import events
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.due import Decision as Due
from interact_gitops.runner.due import MissedSpan, Watermark, decide, jitter_of
from interact_gitops.runner.marks import from_ledger, to_ledger

SLACK = 60  # seconds beyond a job's own timeouts before a target that keeps them itself is called late


def decision_for(
    runnable: RunnableJob, standing: JobStanding | None, now: datetime, *, target_retries: bool
) -> Decision | None:
    """What a tick decides for a job; None when nothing is to be written."""
    job, stored = runnable.job, standing.watermark if standing else None
    mark = from_ledger(stored) if stored else None
    wanted = job.schedule if runnable.scheduled else None
    if wanted is None and mark is not None and not mark.enabled:
        return None
    due = decide(job.key, wanted, mark, now, enabled=job.enabled)
    if due is None:
        return None
    becomes = due.watermark or (mark and replace(mark, at=max(now, mark.at), enabled=False))
    assert becomes is not None  # there is a mark, or a schedule
    runs = _runs(runnable, due, mark, standing, target_retries=target_retries)
    return Decision(job=job.key, was=stored, becomes=to_ledger(becomes), runs=runs)


def run_for(
    runnable: RunnableJob,
    occurrence: datetime,
    combinations: tuple[Combination, ...],
    *,
    target_retries: bool,
    serial: bool = False,
) -> NewRun:
    """One occurrence as a run to be added. `target_retries`: the target tries again and times out by itself.

    `serial`: one of several that queue, each until the one before it has ended, however late that is.
    """
    job = runnable.job
    schedule = job.schedule
    offset = jitter_of(job.key, schedule) if schedule else timedelta(0)
    due = occurrence.astimezone(UTC) + offset
    deadline = timedelta(seconds=schedule.start_deadline if schedule else 0)
    return NewRun(
        key=scheduled_key(job.key, occurrence),
        job=job.key,
        kind="schedule",
        scheduled_at=occurrence,
        due_at=due,
        combinations=combinations,
        definition_hash=runnable.definition_hash,
        git_commit=runnable.git_commit,
        line_up="serial" if serial else job.overlap,
        fan_out=job.fan_out is not None,
        max_parallel=job.fan_out.max_parallel if job.fan_out else None,
        timeout=patience(runnable, len(combinations), target_retries=target_retries),
        max_attempts=1 if target_retries or job.retries is None else job.retries.max_attempts,
        backoff=job.retries.backoff if job.retries else 0,
        start_by=None if serial else due + deadline,
        alarm_at=due + deadline + timedelta(seconds=job.grace),
    )


def patience(runnable: RunnableJob, chats: int, *, target_retries: bool) -> int:
    """How long a run may take, in seconds: the job's timeout for each batch of its fan-out, and, where the target
    tries again by itself, for each attempt with the waits between them."""
    job = runnable.job
    batches = -(-chats // job.fan_out.max_parallel) if job.fan_out else 1
    whole = job.timeout * max(1, batches)
    if not target_retries:
        return whole
    attempts = job.retries.max_attempts if job.retries else 1
    return whole * attempts + (job.retries.backoff * (attempts - 1) if job.retries else 0) + SLACK


def _runs(
    runnable: RunnableJob, due: Due, mark: Watermark | None, standing: JobStanding | None, *, target_retries: bool
) -> tuple[NewRun, ...]:
    if not due.start and not due.missed:
        return ()
    if standing is not None and standing.pause is not None:
        return ()  # what a pause holds back is not missed; the watermark moves past it
    try:
        combinations, fault = runnable.combinations(), None
    except Failure as failure:
        combinations, fault = ({},), str(failure)
    # A schedule that is on its way out, or was edited, is decided by the one that the watermark carries.
    judged = replace(runnable, job=replace(runnable.job, schedule=mark.schedule)) if mark else runnable
    serial = len(due.start) > 1
    runs = [
        run_for(judged, instant, combinations, target_retries=target_retries, serial=serial) for instant in due.start
    ]
    if fault is not None:
        runs = [replace(run, state="missed", reason=fault) for run in runs]
    return (*_missed(judged, due, combinations, target_retries=target_retries), *runs)


def _missed(
    runnable: RunnableJob, due: Due, combinations: tuple[Combination, ...], *, target_retries: bool
) -> list[NewRun]:
    if not due.missed:
        return []
    first, count = due.missed[0], len(due.missed)
    if isinstance(due.older, MissedSpan):
        first, count = due.older.first, count + due.older.count
    notice = events.missed(runnable.key, first, due.missed[-1], count)
    reason = "nobody ran when it was due"
    if due.older is not None:
        reason += f", nor for {due.older.count} occurrences before it, from {due.older.first:%Y-%m-%dT%H:%MZ}"
    runs = []
    for number, instant in enumerate(due.missed):
        run = run_for(runnable, instant, combinations, target_retries=target_retries)
        last = number == len(due.missed) - 1
        runs.append(
            replace(run, state="missed", reason=reason if number == 0 else "nobody ran when it was due",
                    alarm_at=None, notices=(notice,) if last else ())
        )  # fmt: skip
    return runs
