"""Steps of runs: read and locked, decided by `moves` (pure), written with history, chats and notices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.database import Session
from interact_gitops.ledger.moves import is_step, moved, stands
from interact_gitops.ledger.records import Notice, Run, stored_text
from interact_gitops.ledger.relational.adding import Step, record, write_notices
from interact_gitops.ledger.relational.rows import MOVING, RUN, given, read_runs, to_text, write_part, write_run
from interact_gitops.ledger.requests import Cancelled, Move, Moved
from interact_gitops.ledger.states import TRANSITIONS

_READ = (
    f"SELECT {RUN}, lease_epoch, lease_until FROM runs WHERE target = :target AND key = ANY(:keys)"  # noqa: S608 - our own columns
    " ORDER BY key FOR UPDATE"
)
_SET = ", ".join(f"{name} = v.{name}" for name in MOVING)
_WRITE = (
    f"UPDATE runs SET {_SET}, leased_until = CASE WHEN v.owner IS NULL THEN NULL ELSE runs.leased_until END"  # noqa: S608 - our own columns
    f" FROM {given('seq', 'fence', 'before', *MOVING)}"
    " WHERE runs.seq = v.seq AND runs.state = v.before AND runs.fence = v.fence RETURNING runs.seq"
)
_PART = ("state", "attempt", "chat", "error", "ended_at")
_WRITE_PART = (
    f"UPDATE parts SET {', '.join(f'{name} = v.{name}' for name in _PART)} FROM {given('run', 'ordinal', *_PART)}"  # noqa: S608 - our own columns
    " WHERE parts.run = v.run AND parts.ordinal = v.ordinal"
)
_CHAT = ("chat", "run", "ordinal", "attempt")
_CLAIM_CHAT = (
    f"INSERT INTO chats (target, {', '.join(_CHAT)}) SELECT :target, {', '.join(_CHAT)} FROM {given(*_CHAT)}"  # noqa: S608 - our own columns
    " WHERE true ON CONFLICT DO NOTHING RETURNING chat, run"
)


@dataclass(slots=True)
class _Course:
    """A run on its way through the moves of one call."""

    first: Run
    run: Run
    lease_left: float | None
    steps: list[Step] = field(default_factory=list)
    steps_taken: bool = False
    notices: list[Notice] = field(default_factory=list)
    lost: bool = False


def move(session: Session, target: int, moves: Sequence[Move], *, by: str, now: datetime) -> Moved:
    """See `Ledger.move`."""
    courses = _read(session, target, [one.key for one in moves])
    lost = dict.fromkeys(one.key for one in moves if one.key not in courses)
    for one in moves:
        course = courses.get(one.key)
        if course is not None and not course.lost:
            _step(course, one, by=by, now=now)
    _claim_chats(session, target, courses)
    going = [course for course in courses.values() if course.steps_taken and not course.lost]
    _write(session, target, going, now=now)
    lost |= dict.fromkeys(key for key, course in courses.items() if course.lost)
    return Moved(done=tuple(course.run for course in going), lost=tuple(lost))


def cancel(
    session: Session, target: int, keys: Sequence[str], *, by: str, reason: str, now: datetime
) -> tuple[Cancelled, ...]:
    """See `Ledger.cancel`."""
    courses = _read(session, target, keys)
    said: dict[str, Cancelled] = {}
    for key in keys:
        course = courses.get(key)
        if course is None:
            said[key] = Cancelled(key=key, outcome="unknown")
            continue
        run = course.run
        if run.state in {"planned", "claimed", "needs_operator"}:
            # Whoever claimed it has not sent it yet, and will find its claim gone when it wants to.
            step = Move(key=key, was=run.state, fence=run.fence, to="cancelled", reason=reason)
            course.run = dataclasses.replace(moved(run, step, now=now), cancel_at=now, cancel_by=by)
            course.steps.append(Step(run=course.run, was=run.state, at=now, by=by, reason=course.run.reason))
            said[key] = Cancelled(key=key, outcome="done")
        elif run.ended:
            said.setdefault(key, Cancelled(key=key, outcome="ended"))
        else:
            text = stored_text(reason)
            course.run = dataclasses.replace(run, cancel_at=now, cancel_by=by, cancel_reason=text)
            course.steps.append(Step(run=course.run, was=run.state, at=now, by=by, reason=f"asked to cancel: {text}"))
            said[key] = Cancelled(key=key, outcome="asked")
    _write(session, target, [course for course in courses.values() if course.steps], now=now)
    return tuple(said[key] for key in keys)


def _read(session: Session, target: int, keys: Sequence[str]) -> dict[str, _Course]:
    """The runs that are there, locked; in the order in which they are named."""
    rows = session.all(_READ, target=target, keys=sorted(set(keys)))
    runs = read_runs(session, [row[:-2] for row in rows])
    found = {
        run.key: _Course(first=run, run=run, lease_left=_left(session.clock, *row[-2:]))
        for run, row in zip(runs, rows, strict=True)
    }
    return {key: found[key] for key in keys if key in found}


def _left(time: LeaseTime, epoch: str | None, until: float | None) -> float | None:
    return until - time.seconds if until is not None and epoch == time.epoch else None


def _step(course: _Course, one: Move, *, by: str, now: datetime) -> None:
    before = course.run
    stands_still = stands(before, one, by=by)
    too_short = one.intent is not None and (course.lease_left is None or course.lease_left < one.intent.seconds)
    if not stands_still or too_short:
        course.lost = True
        return
    course.run = moved(before, one, now=now)
    course.notices += one.notices
    course.steps_taken = True
    if is_step(before, one):
        reason = one.reason or TRANSITIONS[before.state, one.to]
        course.steps.append(Step(run=course.run, was=before.state, at=now, by=by, reason=stored_text(reason)))


def _claim_chats(session: Session, target: int, courses: Mapping[str, _Course]) -> None:
    """Writes which run each new chat belongs to; a run that names another's chat loses its moves."""
    rows = [row for course in courses.values() if course.steps_taken and not course.lost for row in _new_chats(course)]
    written = set(session.bulk(_CLAIM_CHAT, rows, target=target))
    wanted = {(row["chat"], row["run"]) for row in rows}
    if written == wanted:
        return
    known = session.all(
        "SELECT chat, run FROM chats WHERE target = :target AND chat = ANY(:chats)",
        target=target,
        chats=sorted(row["chat"] for row in rows),
    )
    losers = {run for _, run in wanted - set(known)}
    for course in courses.values():
        course.lost = course.lost or course.run.seq in losers
    undone = [chat for chat, run in written if run in losers]
    session.do("DELETE FROM chats WHERE target = :target AND chat = ANY(:chats)", target=target, chats=undone)


def _new_chats(course: _Course) -> list[dict[str, Any]]:
    return [
        {"chat": part.chat, "run": course.run.seq, "ordinal": part.ordinal, "attempt": part.attempt}
        for part, before in zip(course.run.parts, course.first.parts, strict=True)
        if part.chat is not None and part.chat != before.chat
    ]


def _write(session: Session, target: int, courses: Sequence[_Course], *, now: datetime) -> None:
    rows = [
        {**write_run(c.run, MOVING), "seq": c.run.seq, "fence": c.run.fence, "before": c.first.state} for c in courses
    ]
    done = session.bulk(_WRITE, rows)
    assert len(done) == len(rows), "rows that are locked do not change"
    parts: list[dict[str, Any]] = []
    for course in courses:
        before = course.first.parts
        changed = (part for part, was in zip(course.run.parts, before, strict=True) if part is not was)
        parts += [write_part(course.run.seq, part) for part in changed]
    session.bulk(_WRITE_PART, parts)
    record(session, [step for course in courses for step in course.steps])
    write_notices(session, target, [notice for course in courses for notice in course.notices], now=now)
    _count(session, target, courses, now=now)
    if any(course.run.state == "planned" or course.run.ended for course in courses):
        session.announce()  # one more is in line, or the way is free for the next


def _count(session: Session, target: int, courses: Sequence[_Course], *, now: datetime) -> None:
    """Failures in a row and the newest success, per job, in the order in which rows are always locked."""
    jobs: dict[str, dict[str, Any]] = {}
    for course in courses:
        run = course.run
        if course.first.ended or run.state not in {"succeeded", "failed", "timed_out"}:
            continue
        known = jobs.setdefault(run.job, {"target": target, "job": run.job, "succeeded_at": None, "failures": 0})
        succeeded = run.state == "succeeded"
        known.update(
            {"succeeded_at": to_text(now), "failures": 0} if succeeded else {"failures": known["failures"] + 1}
        )
    session.bulk(
        "UPDATE jobs SET failures = v.failures + CASE WHEN v.succeeded_at IS NULL THEN jobs.failures ELSE 0 END,"  # noqa: S608 - our own columns
        " succeeded_at = coalesce(v.succeeded_at, jobs.succeeded_at)"
        f" FROM {given('target', 'job', 'succeeded_at', 'failures')}"
        " WHERE jobs.target = v.target AND jobs.job = v.job",
        [jobs[job] for job in sorted(jobs)],
    )
