"""Claims, leases and what stands in the way of them.

A claim locks the rows of the jobs that it claims for and then looks once more whether the way is free: of two runners
that saw it free, the second finds the first one's run there. Rows that somebody else has locked are passed over, not
waited for, so that any number of runners share the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.database import Row, Session
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.relational.adding import Step, record
from interact_gitops.ledger.relational.rows import RUN, given, read_runs, to_text
from interact_gitops.ledger.requests import Blocked, Hold

_ROUNDS = 20

# `w`: another run of the job in the way. `n`: of two that wait for one place in line, the better one: the scheduled
# one before somebody's own, the newer before the older.
_WAY_IS_FREE = (
    " (r.exclusive = 0 OR NOT EXISTS (SELECT 1 FROM runs w WHERE w.target = r.target AND w.job = r.job"
    " AND w.in_way = 1 AND w.seq <> r.seq))"
)
_BETTER = (
    " FROM runs n WHERE n.target = r.target AND n.job = r.job AND n.state = 'planned' AND n.line_up = 'queue_one'"
    " AND n.retrying = 0 AND n.due_at <= :now AND (n.priority < r.priority OR (n.priority = r.priority"
    " AND (n.scheduled_at, n.seq) > (r.scheduled_at, r.seq)))"
)
_CANDIDATES = (
    "SELECT r.seq, r.job, r.exclusive FROM runs r"  # noqa: S608 - nothing but the texts above
    " WHERE r.target = :target AND r.state = 'planned' AND r.due_at <= :now"
    " AND (r.start_by IS NULL OR r.start_by >= :now OR r.retrying = 1) AND r.job <> ALL(:busy) AND" + _WAY_IS_FREE + ""
    " AND (r.line_up <> 'queue_one' OR r.retrying = 1 OR NOT EXISTS (SELECT 1" + _BETTER + "))"
    " AND (r.kind <> 'schedule' OR NOT EXISTS (SELECT 1 FROM jobs j WHERE j.target = r.target AND j.job = r.job"
    " AND j.paused_at IS NOT NULL))"
)
_BEST_FIRST = " ORDER BY r.priority, r.due_at, r.seq LIMIT :limit FOR UPDATE OF r SKIP LOCKED"
_CLAIM = (
    "UPDATE runs AS r SET state = 'claimed', fence = fence + 1, owner = :owner, reason = NULL, leased_until = :wall,"  # noqa: S608 - our own columns
    " lease_epoch = :epoch, lease_until = :until WHERE r.seq = ANY(:seqs) AND r.state = 'planned' AND"
    + _WAY_IS_FREE
    + f" RETURNING {RUN}"
)
EXPIRED = (
    "(owner IS NULL OR (lease_epoch = :epoch AND lease_until <= :seconds)"
    " OR (lease_epoch <> :epoch AND leased_until <= :wall_now))"
)
"""Of a row with a lease: that it is over, or given back (ledger/clock.py)."""
_OWNED = "state IN ('claimed', 'sending', 'triggered', 'running')"
_TO_TAKE_OVER = (
    f"SELECT seq FROM runs WHERE target = :target AND {_OWNED} AND {EXPIRED} ORDER BY seq LIMIT :limit"  # noqa: S608 - nothing but the texts above
    " FOR UPDATE SKIP LOCKED"
)
_TAKE_OVER = (
    "UPDATE runs SET fence = fence + 1, owner = :owner, leased_until = :wall, lease_epoch = :epoch,"  # noqa: S608 - our own columns
    f" lease_until = :until WHERE seq = ANY(:seqs) RETURNING {RUN}"
)
_HELD = (
    " FROM "
    + given("target", "key", "fence")
    + " WHERE runs.target = v.target AND runs.key = v.key AND runs.fence = v.fence"
    f" AND runs.owner = :owner AND runs.{_OWNED}"
)
_RENEW = f"UPDATE runs SET leased_until = :wall, lease_epoch = :epoch, lease_until = :until{_HELD} RETURNING runs.key"  # noqa: S608 - nothing but the text above
_RELEASE = f"UPDATE runs SET owner = NULL, leased_until = NULL, lease_epoch = NULL, lease_until = NULL{_HELD}"  # noqa: S608 - nothing but the text above


def claim(
    session: Session, target: int, *, owner: str, lease_seconds: float, limit: int, now: datetime,
    keys: Sequence[str] | None,
) -> tuple[Run, ...]:  # fmt: skip
    """See `Ledger.claim`."""
    held = session.all("SELECT 1 FROM targets WHERE id = :target AND held_at IS NOT NULL", target=target)
    if held or limit < 1:
        return ()
    terms = lease(session.clock, lease_seconds)
    taken: list[Row] = []
    busy: list[str] = []
    named = {} if keys is None else {"keys": list(keys)}
    candidates = _CANDIDATES + (" AND r.key = ANY(:keys)" if named else "") + _BEST_FIRST
    for _ in range(_ROUNDS):
        wanted = limit - len(taken)
        rows = session.all(candidates, target=target, now=to_text(now), busy=busy, limit=wanted, **named)
        chosen = choose(rows)
        free = _locked(session, target, {job for _, job in chosen})
        busy += {job for _, job in chosen} - free
        seqs = [seq for seq, job in chosen if job in free]
        taken += session.all(_CLAIM, owner=owner, seqs=seqs, **terms) if seqs else []
        if len(rows) < wanted or len(taken) >= limit:
            break
    runs = sorted(read_runs(session, taken), key=lambda run: (run.priority, run.due_at, run.seq))
    record(session, [Step(run=run, was="planned", at=now, by=owner, reason=None) for run in runs])
    return tuple(runs)


def choose(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """Of (seq, job, exclusive), best first: those that may start together. Pure."""
    chosen: list[tuple[int, str]] = []
    jobs: set[str] = set()
    for seq, job, exclusive in rows:
        if not exclusive or job not in jobs:
            chosen.append((seq, job))
            jobs.add(job)
    return chosen


def blocked(session: Session, target: int, *, limit: int, now: datetime) -> tuple[Blocked, ...]:
    """See `Ledger.blocked`."""
    found: dict[int, tuple[str, str | None]] = {}
    values: dict[str, Any] = {"target": target, "now": to_text(now), "limit": limit}
    for why, sql in (("too_late", _TOO_LATE), ("in_progress", _IN_PROGRESS), ("superseded", _SUPERSEDED)):
        for seq, in_the_way in session.all(sql, **values):
            found.setdefault(seq, (why, in_the_way))
    seqs = sorted(found)[:limit]
    rows = session.all(_BY_SEQ, seqs=seqs) if seqs else []
    runs = read_runs(session, rows)
    return tuple(Blocked(run=run, why=found[run.seq][0], in_the_way=found[run.seq][1]) for run in runs)  # type: ignore[arg-type]  # the three words above


def take_over(
    session: Session, target: int, *, owner: str, lease_seconds: float, limit: int, now: datetime
) -> tuple[Run, ...]:
    """See `Ledger.take_over`."""
    time = session.clock
    rows = session.all(
        _TO_TAKE_OVER,
        target=target,
        epoch=time.epoch,
        seconds=time.seconds,
        wall_now=to_text(time.wall),
        limit=limit,
    )
    if not rows:
        return ()
    values = {"owner": owner, "seqs": [row[0] for row in rows], **lease(time, lease_seconds)}
    taken = sorted(read_runs(session, session.all(_TAKE_OVER, **values)), key=lambda run: run.seq)
    said = "taken over: the lease of the runner before had ended"
    record(session, [Step(run=run, was=run.state, at=now, by=owner, reason=said) for run in taken])
    return tuple(taken)


def renew(session: Session, target: int, holds: Sequence[Hold], *, owner: str, lease_seconds: float) -> tuple[str, ...]:
    """See `Ledger.renew`."""
    rows = session.bulk(_RENEW, _held(target, holds), owner=owner, **lease(session.clock, lease_seconds))
    return tuple(row[0] for row in rows)


def release(session: Session, target: int, holds: Sequence[Hold], *, owner: str) -> None:
    """See `Ledger.release`."""
    session.bulk(_RELEASE, _held(target, holds), owner=owner)
    session.announce()


def _held(target: int, holds: Sequence[Hold]) -> list[dict[str, Any]]:
    """In the order of their keys, in which rows are always locked, so that no two transactions wait for each other."""
    return [
        {"target": target, "key": hold.key, "fence": hold.fence} for hold in sorted(holds, key=lambda hold: hold.key)
    ]


def lease(time: LeaseTime, seconds: float) -> dict[str, Any]:
    """The values of a lease that begins now."""
    return {
        "epoch": time.epoch,
        "until": time.seconds + seconds,
        "wall": to_text(time.wall + timedelta(seconds=seconds)),
    }


def _locked(session: Session, target: int, jobs: set[str]) -> set[str]:
    rows = session.all(
        "SELECT job FROM jobs WHERE target = :target AND job = ANY(:jobs) ORDER BY job FOR UPDATE SKIP LOCKED",
        target=target,
        jobs=sorted(jobs),
    )
    return {row[0] for row in rows}


_BY_SEQ = f"SELECT {RUN} FROM runs WHERE seq = ANY(:seqs) ORDER BY seq"  # noqa: S608 - our own columns
_TOO_LATE = (
    "SELECT seq, NULL FROM runs WHERE target = :target AND state = 'planned' AND start_by < :now AND retrying = 0"
    " ORDER BY seq LIMIT :limit"
)
# The other run as a scalar, because PostgreSQL would join all with all as long as it has no statistics; and by
# expressions (`|| ''`, `+ 0`), because SQLite would walk a whole index that is already in that order.
_FOUND = (
    ") AS other FROM runs r WHERE r.target = :target AND r.state = 'planned' AND r.retrying = 0 AND r.due_at <= :now"
)
_URGENT = " WHERE other IS NOT NULL ORDER BY priority, due_at, seq LIMIT :limit"  # the order of an index, too
_IN_PROGRESS = (
    "SELECT seq, other FROM (SELECT r.priority, r.due_at, r.seq, (SELECT min(w.key || '') FROM runs w"  # noqa: S608 - nothing but the texts above
    f" WHERE w.target = r.target AND w.job = r.job AND w.in_way = 1 AND w.seq <> r.seq{_FOUND}"
    f" AND r.line_up = 'skip') AS found{_URGENT}"
)
_SUPERSEDED = (
    f"SELECT seq, other FROM (SELECT r.priority, r.due_at, r.seq, (SELECT n.key{_BETTER}"  # noqa: S608 - nothing but the texts above
    f" ORDER BY n.priority + 0, n.scheduled_at DESC, n.seq DESC LIMIT 1{_FOUND}"
    f" AND r.line_up = 'queue_one') AS found{_URGENT}"
)
