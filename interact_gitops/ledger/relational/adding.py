"""Runs that are new: decided with a watermark, asked for by hand, or opened again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from interact_gitops.ledger.database import Session
from interact_gitops.ledger.moves import added, reopened
from interact_gitops.ledger.records import Notice, Run, Watermark
from interact_gitops.ledger.relational.rows import RUN, WRITTEN, given, read_run, to_text, write_part, write_run
from interact_gitops.ledger.requests import Added, Decided, Decision, NewRun
from interact_gitops.ledger.states import NEVER_SENT

_NAMES = ", ".join(WRITTEN)
_INSERT_RUN = (
    f"INSERT INTO runs (target, {_NAMES}) SELECT :target, {_NAMES} FROM {given(*WRITTEN)} WHERE true"  # noqa: S608 - our own columns
    " ON CONFLICT DO NOTHING RETURNING key, seq"
)
_PART = ("run", "ordinal", "parameters", "state", "attempt", "chat", "error", "ended_at")
_INSERT_PART = f"INSERT INTO parts ({', '.join(_PART)}) SELECT {', '.join(_PART)} FROM {given(*_PART)}"  # noqa: S608 - our own columns
_STEP = ("run", "at", "was", "state", "attempt", "fence", "by_whom", "reason")
_INSERT_STEP = f"INSERT INTO transitions ({', '.join(_STEP)}) SELECT {', '.join(_STEP)} FROM {given(*_STEP)}"  # noqa: S608 - our own columns
_NOTICE = ("id", "channel", "topic", "body", "run_key")
_INSERT_NOTICE = (
    f"INSERT INTO notices (target, created_at, due_at, {', '.join(_NOTICE)})"  # noqa: S608 - our own columns
    f" SELECT :target, :now, :now, {', '.join(_NOTICE)} FROM {given(*_NOTICE)} WHERE true"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_SET_RUN = ", ".join(f"{name} = :{name}" for name in WRITTEN)
_REOPEN = f"UPDATE runs SET {_SET_RUN} WHERE seq = :seq AND state = :was AND fence = :fence"  # noqa: S608 - our own columns
_BY_KEY = f"SELECT {RUN} FROM runs WHERE target = :target AND key = ANY(:keys)"  # noqa: S608 - our own columns
_BY_OCCURRENCE = f"SELECT {RUN} FROM runs WHERE target = :target AND job = :job AND occurrence = ANY(:occurrences)"  # noqa: S608 - our own columns


def decide(session: Session, target: int, decisions: Sequence[Decision], *, by: str, now: datetime) -> Decided:
    """See `Ledger.decide`."""
    for decision in decisions:
        if decision.was is not None and decision.becomes.until < decision.was.until:
            raise ValueError(f"{decision.job}: a watermark never moves back")
    standing = lock_jobs(session, target, [decision.job for decision in decisions])
    taken = [one for one in decisions if standing[one.job] == _as_text(one.was)]
    session.bulk(
        "UPDATE jobs SET schedule = v.schedule, decided_until = v.until"  # noqa: S608 - our own columns
        f" FROM {given('target', 'job', 'schedule', 'until')}"
        " WHERE jobs.target = v.target AND jobs.job = v.job",
        [
            {"target": target, "job": one.job, "schedule": one.becomes.schedule, "until": to_text(one.becomes.until)}
            for one in taken
        ],
    )
    new = insert(session, target, [run for one in taken for run in one.runs], by=by, now=now)
    jobs = {one.job: None for one in taken}
    beaten = tuple(one.job for one in decisions if one.job not in jobs)
    return Decided(jobs=tuple(jobs), beaten=beaten, added=tuple(run.key for run in new))


def add(
    session: Session, target: int, runs: Sequence[NewRun], *, by: str, now: datetime, reopen: bool
) -> tuple[Added, ...]:
    """See `Ledger.add`."""
    lock_jobs(session, target, [run.job for run in runs])
    known = _known(session, target, runs)
    gone = _pruned(session, target, [run for run in runs if run.key not in known])
    fresh = [run for run in runs if run.key not in gone and run.key not in known]
    new = {run.key for run in insert(session, target, fresh, by=by, now=now)}
    opened = _reopen(session, target, runs, known, by=by, now=now) if reopen else set()
    if opened:
        session.announce()
    said = []
    for run in runs:
        if run.key in gone:
            said.append(Added(key=run.key, outcome="pruned", state=None))
        elif run.key in new:
            said.append(Added(key=run.key, outcome="new", state=run.state))
        elif run.key in opened:
            said.append(Added(key=known[run.key].key, outcome="reopened", state=run.state))
        else:
            there = known.get(run.key)
            said.append(
                Added(key=there.key if there else run.key, outcome="known", state=there.state if there else None)
            )
    return tuple(said)


def lock_jobs(session: Session, target: int, jobs: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """Makes the rows of these jobs where there are none, and locks them, always in the same order. Each one's
    schedule and watermark."""
    names = sorted(set(jobs))
    found = _lock(session, target, names)
    missing = [name for name in names if name not in found]
    if not missing:
        return found
    session.bulk(
        f"INSERT INTO jobs (target, job) SELECT :target, job FROM {given('job')} WHERE true ON CONFLICT DO NOTHING",  # noqa: S608 - our own columns
        [{"job": job} for job in missing],
        target=target,
    )
    return found | _lock(session, target, missing)


def _lock(session: Session, target: int, jobs: list[str]) -> dict[str, tuple[str | None, str | None]]:
    rows = session.all(
        "SELECT job, schedule, decided_until FROM jobs WHERE target = :target AND job = ANY(:jobs) ORDER BY job"
        " FOR UPDATE",
        target=target,
        jobs=jobs,
    )
    return {job: (schedule, until) for job, schedule, until in rows}


def insert(session: Session, target: int, runs: Sequence[NewRun], *, by: str, now: datetime) -> list[Run]:
    """Those of the runs that are new, added with parts, history and notices."""
    fresh = [added(run, seq=0, now=now) for run in runs]
    seqs: dict[str, int] = dict(session.bulk(_INSERT_RUN, [write_run(run) for run in fresh], target=target))
    new = [dataclasses.replace(run, seq=seqs.pop(run.key)) for run in fresh if run.key in seqs]
    session.bulk(_INSERT_PART, [write_part(run.seq, part) for run in new for part in run.parts])
    record(session, [Step(run=run, was=None, at=now, by=by, reason=run.reason) for run in new])
    keys = {run.key for run in new}
    write_notices(session, target, [notice for run in runs if run.key in keys for notice in run.notices], now=now)
    if any(run.state == "planned" for run in new):
        session.announce()
    return new


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of history to be written: the run after the step."""

    run: Run
    was: str | None
    at: datetime
    by: str
    reason: str | None


def record(session: Session, steps: Sequence[Step]) -> None:
    """Writes history."""
    session.bulk(
        _INSERT_STEP,
        [
            {
                "run": step.run.seq,
                "at": to_text(step.at),
                "was": step.was,
                "state": step.run.state,
                "attempt": step.run.attempt,
                "fence": step.run.fence,
                "by_whom": step.by,
                "reason": step.reason,
            }
            for step in steps
        ],
    )


def write_notices(session: Session, target: int, notices: Sequence[Notice], *, now: datetime) -> list[str]:
    """The ids of those that are new."""
    rows = [{name: getattr(notice, name) for name in _NOTICE} for notice in notices]
    return [row[0] for row in session.bulk(_INSERT_NOTICE, rows, target=target, now=to_text(now))]


def _as_text(watermark: Watermark | None) -> tuple[str | None, str | None]:
    return (None, None) if watermark is None else (watermark.schedule, to_text(watermark.until))


def _pruned(session: Session, target: int, runs: Sequence[NewRun]) -> set[str]:
    """The keys of occurrences so old that whoever ran them may have been forgotten."""
    rows = session.all(
        "SELECT job, pruned_until FROM jobs WHERE target = :target AND job = ANY(:jobs) AND pruned_until IS NOT NULL",
        target=target,
        jobs=sorted({run.job for run in runs}),
    )
    until: dict[str, str] = dict(rows)
    return {run.key for run in runs if run.occurrence and to_text(run.occurrence) <= until.get(run.job, "")}


def _known(session: Session, target: int, runs: Sequence[NewRun]) -> dict[str, Run]:
    """Those that are there already, under the key that they were to have, however they are called now."""
    rows = session.all(_BY_KEY, target=target, keys=[run.key for run in runs]) if runs else []
    found = {row.key: row for row in map(read_run, rows)}
    wanted: dict[str, dict[str, str]] = {}
    for run in runs:
        if run.key not in found and run.occurrence:
            wanted.setdefault(run.job, {})[to_text(run.occurrence)] = run.key
    for job, keys in wanted.items():
        for row in session.all(_BY_OCCURRENCE, target=target, job=job, occurrences=list(keys)):
            there = read_run(row)
            assert there.occurrence is not None  # it was looked for by it
            found[keys[to_text(there.occurrence)]] = there
    return found


def _reopen(
    session: Session, target: int, runs: Sequence[NewRun], known: Mapping[str, Run], *, by: str, now: datetime
) -> set[str]:
    opened: set[str] = set()
    for new in runs:
        there = known.get(new.key)
        if there is None or there.state not in NEVER_SENT or new.key in opened:
            continue
        again = reopened(there, new, now=now)
        values = {**write_run(again), "seq": there.seq, "was": there.state, "fence": there.fence}
        if session.do(_REOPEN, **values) != 1:
            continue  # somebody else just did
        session.do("DELETE FROM parts WHERE run = :run", run=there.seq)
        session.bulk(_INSERT_PART, [write_part(there.seq, part) for part in again.parts])
        record(session, [Step(run=again, was=there.state, at=now, by=by, reason=new.reason or "opened again")])
        write_notices(session, target, new.notices, now=now)
        opened.add(new.key)
    return opened
