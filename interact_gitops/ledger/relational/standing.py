"""What stands beside the runs: watermarks, pauses, holds; jobs that are renamed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from interact_gitops.ledger.database import Session
from interact_gitops.ledger.records import JobStanding, Notice, Pause, Watermark, stored_text
from interact_gitops.ledger.relational.adding import lock_jobs, write_notices
from interact_gitops.ledger.relational.moving import cancel
from interact_gitops.ledger.relational.rows import from_text, instant, to_text


def jobs(session: Session, target: int, keys: Sequence[str] | None) -> dict[str, JobStanding]:
    """See `Ledger.jobs`."""
    rows = session.all(
        "SELECT job, schedule, decided_until, paused_at, paused_by, paused_reason, failures, succeeded_at,"  # noqa: S608 - nothing but texts of ours
        " pruned_until FROM jobs"
        f" WHERE target = :target{'' if keys is None else ' AND job = ANY(:keys)'} ORDER BY job",
        target=target,
        **({} if keys is None else {"keys": list(keys)}),
    )
    return {
        job: JobStanding(
            job=job,
            watermark=None if until is None else Watermark(schedule=schedule, until=instant(until)),
            pause=_pause(at, by, reason),
            failures=failures,
            succeeded_at=from_text(succeeded),
            pruned_until=from_text(pruned),
        )
        for job, schedule, until, at, by, reason, failures, succeeded, pruned in rows
    }


def pause(
    session: Session, target: int, job: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice]
) -> bool:
    """See `Ledger.pause`."""
    lock_jobs(session, target, [job])
    done = session.do(
        "UPDATE jobs SET paused_at = :now, paused_by = :by, paused_reason = :reason"
        " WHERE target = :target AND job = :job AND paused_at IS NULL",
        target=target, job=job, now=to_text(now), by=by, reason=stored_text(reason),
    )  # fmt: skip
    write_notices(session, target, notices if done else (), now=now)
    return done == 1


def resume(session: Session, target: int, job: str) -> bool:
    """See `Ledger.resume`."""
    done = session.do(
        "UPDATE jobs SET paused_at = NULL, paused_by = NULL, paused_reason = NULL, failures = 0"
        " WHERE target = :target AND job = :job AND paused_at IS NOT NULL",
        target=target,
        job=job,
    )
    session.announce()
    return done == 1


def hold(session: Session, target: int, *, by: str, reason: str, now: datetime, notices: Sequence[Notice]) -> bool:
    """See `Ledger.hold`."""
    done = session.do(
        "UPDATE targets SET held_at = :now, held_by = :by, held_reason = :reason"
        " WHERE id = :target AND held_at IS NULL",
        target=target, now=to_text(now), by=by, reason=stored_text(reason),
    )  # fmt: skip
    write_notices(session, target, notices if done else (), now=now)
    return done == 1


def lift(session: Session, target: int) -> bool:
    """See `Ledger.lift`."""
    done = session.do(
        "UPDATE targets SET held_at = NULL, held_by = NULL, held_reason = NULL"
        " WHERE id = :target AND held_at IS NOT NULL",
        target=target,
    )
    session.announce()
    return done == 1


def held(session: Session, target: int) -> Pause | None:
    """See `Ledger.held`."""
    rows = session.all("SELECT held_at, held_by, held_reason FROM targets WHERE id = :target", target=target)
    return _pause(*rows[0]) if rows else None


def rename(session: Session, target: int, was: str, becomes: str, *, now: datetime) -> bool:
    """See `Ledger.rename`."""
    if was == becomes or not session.all(
        "SELECT 1 FROM jobs WHERE target = :target AND job = :was", target=target, was=was
    ):
        return False
    lock_jobs(session, target, [was, becomes])
    # Two runs in the way of one job from now on: both are, but at most one may say that it is alone.
    session.do(
        "UPDATE runs SET exclusive = 0 WHERE target = :target AND job = :was AND in_way = 1 AND EXISTS"
        " (SELECT 1 FROM runs o WHERE o.target = :target AND o.job = :becomes AND o.in_way = 1 AND o.exclusive = 1)",
        target=target, was=was, becomes=becomes,
    )  # fmt: skip
    session.do(
        "UPDATE runs SET job = :becomes WHERE target = :target AND job = :was AND (occurrence IS NULL OR NOT EXISTS"
        " (SELECT 1 FROM runs o WHERE o.target = :target AND o.job = :becomes AND o.occurrence = runs.occurrence))",
        target=target, was=was, becomes=becomes,
    )  # fmt: skip
    twice = f"{becomes}, the job's new key, has a run for the same occurrence"
    cancel(session, target, _unsent(session, target, was), by="rename", reason=twice, now=now)
    session.do(
        "UPDATE jobs SET"
        " schedule = CASE WHEN jobs.decided_until >= o.decided_until OR o.decided_until IS NULL"
        "   THEN jobs.schedule ELSE o.schedule END,"
        " decided_until = CASE WHEN jobs.decided_until >= o.decided_until OR o.decided_until IS NULL"
        "   THEN jobs.decided_until ELSE o.decided_until END,"
        " paused_at = coalesce(jobs.paused_at, o.paused_at),"
        " paused_by = CASE WHEN jobs.paused_at IS NULL THEN o.paused_by ELSE jobs.paused_by END,"
        " paused_reason = CASE WHEN jobs.paused_at IS NULL THEN o.paused_reason ELSE jobs.paused_reason END,"
        " failures = jobs.failures + o.failures,"
        " succeeded_at = CASE WHEN jobs.succeeded_at >= o.succeeded_at OR o.succeeded_at IS NULL"
        "   THEN jobs.succeeded_at ELSE o.succeeded_at END,"
        " pruned_until = CASE WHEN jobs.pruned_until >= o.pruned_until OR o.pruned_until IS NULL"
        "   THEN jobs.pruned_until ELSE o.pruned_until END"
        " FROM jobs o WHERE jobs.target = :target AND jobs.job = :becomes AND o.target = :target AND o.job = :was",
        target=target, was=was, becomes=becomes,
    )  # fmt: skip
    session.do("DELETE FROM jobs WHERE target = :target AND job = :was", target=target, was=was)
    session.announce()
    return True


def forget(session: Session, target: int, job: str, *, by: str, reason: str, now: datetime) -> tuple[str, ...]:
    """See `Ledger.forget`."""
    if not session.all("SELECT 1 FROM jobs WHERE target = :target AND job = :job", target=target, job=job):
        return ()
    lock_jobs(session, target, [job])
    said = cancel(session, target, _unsent(session, target, job), by=by, reason=reason, now=now)
    # The row stays: what was pruned of the job must not run again if a job of that key comes back.
    session.do(
        "UPDATE jobs SET schedule = NULL, decided_until = NULL, paused_at = NULL, paused_by = NULL,"
        " paused_reason = NULL, failures = 0 WHERE target = :target AND job = :job",
        target=target,
        job=job,
    )
    return tuple(one.key for one in said if one.outcome == "done")


def _unsent(session: Session, target: int, job: str) -> list[str]:
    rows = session.all(
        "SELECT key FROM runs WHERE target = :target AND job = :job AND state IN ('planned', 'claimed') ORDER BY key",
        target=target,
        job=job,
    )
    return [row[0] for row in rows]


def _pause(at: str | None, by: str | None, reason: str | None) -> Pause | None:
    return None if at is None else Pause(at=instant(at), by=by or "", reason=reason or "")
