"""The ledger in tables: one set of statements for every SQL database.

`RelationalLedger` gives each call its transactions; the modules beside it hold the statements, by noun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from interact_gitops.ledger.database import Database, Session
from interact_gitops.ledger.records import JobStanding, Notice, Pause, Run, RunLine, Transition
from interact_gitops.ledger.relational import adding, archive, claiming, moving, outbox, reading, standing
from interact_gitops.ledger.requests import (
    Added,
    Blocked,
    Cancelled,
    Decided,
    Decision,
    Delivered,
    Delivery,
    Hold,
    Move,
    Moved,
    NewRun,
    RunFilter,
)
from interact_gitops.ledger.states import State

T = TypeVar("T")
R = TypeVar("R")

BATCH = 500
"""How many rows one transaction carries: others get their turn in between."""


class RelationalLedger:
    """A `FullLedger` over a `Database`. What each method does stands in `ledger/protocol.py`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ids: dict[str, int] = {}

    def jobs(self, target: str, keys: Sequence[str] | None = None) -> Mapping[str, JobStanding]:
        """See `Ledger`."""
        return self._read(target, lambda session, number: standing.jobs(session, number, keys))

    def decide(self, target: str, decisions: Sequence[Decision], *, by: str, now: datetime) -> Decided:
        """See `Ledger`."""
        said = self._write_each(target, decisions, lambda s, t, some: adding.decide(s, t, some, by=by, now=now))
        return Decided(
            jobs=tuple(job for one in said for job in one.jobs),
            beaten=tuple(job for one in said for job in one.beaten),
            added=tuple(key for one in said for key in one.added),
        )

    def add(
        self, target: str, runs: Sequence[NewRun], *, by: str, now: datetime, reopen: bool = False
    ) -> tuple[Added, ...]:
        """See `Ledger`."""
        said = self._write_each(target, runs, lambda s, t, some: adding.add(s, t, some, by=by, now=now, reopen=reopen))
        return tuple(one for some in said for one in some)

    def claim(
        self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime,
        keys: Sequence[str] | None = None,
    ) -> tuple[Run, ...]:  # fmt: skip
        """See `Ledger`."""
        terms: dict[str, Any] = {
            "owner": owner,
            "lease_seconds": lease_seconds,
            "limit": limit,
            "now": now,
            "keys": keys,
        }
        return self._write(target, lambda s, t: claiming.claim(s, t, **terms))

    def blocked(self, target: str, *, limit: int, now: datetime) -> tuple[Blocked, ...]:
        """See `Ledger`."""
        return self._read(target, lambda s, t: claiming.blocked(s, t, limit=limit, now=now))

    def take_over(self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime) -> tuple[Run, ...]:
        """See `Ledger`."""
        return self._write(
            target,
            lambda s, t: claiming.take_over(s, t, owner=owner, lease_seconds=lease_seconds, limit=limit, now=now),
        )

    def renew(self, target: str, holds: Sequence[Hold], *, owner: str, lease_seconds: float) -> tuple[str, ...]:
        """See `Ledger`."""
        said = self._write_each(
            target, holds, lambda s, t, some: claiming.renew(s, t, some, owner=owner, lease_seconds=lease_seconds)
        )
        return tuple(key for some in said for key in some)

    def release(self, target: str, holds: Sequence[Hold], *, owner: str) -> None:
        """See `Ledger`."""
        self._write_each(target, holds, lambda s, t, some: claiming.release(s, t, some, owner=owner))

    def move(self, target: str, moves: Sequence[Move], *, by: str, now: datetime) -> Moved:
        """See `Ledger`."""
        said = self._write_each(target, moves, lambda s, t, some: moving.move(s, t, some, by=by, now=now))
        return Moved(
            done=tuple(run for one in said for run in one.done), lost=tuple(key for one in said for key in one.lost)
        )

    def cancel(self, target: str, keys: Sequence[str], *, by: str, reason: str, now: datetime) -> tuple[Cancelled, ...]:
        """See `Ledger`."""
        return self._write(target, lambda s, t: moving.cancel(s, t, keys, by=by, reason=reason, now=now))

    def open_runs(self, target: str, *, owner: str | None = None) -> tuple[Run, ...]:
        """See `Ledger`."""
        return self._read(target, lambda s, t: reading.open_runs(s, t, owner=owner))

    def runs(self, target: str, keys: Sequence[str]) -> tuple[Run, ...]:
        """See `Ledger`."""
        return self._read(target, lambda s, t: reading.runs(s, t, keys))

    def owners_of_chats(self, target: str, chats: Sequence[str]) -> Mapping[str, str]:
        """See `Ledger`."""
        return self._read(target, lambda s, t: reading.owners_of_chats(s, t, chats))

    def pause(
        self, target: str, job: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice] = ()
    ) -> bool:
        """See `Ledger`."""
        return self._write(
            target, lambda s, t: standing.pause(s, t, job, by=by, reason=reason, now=now, notices=notices)
        )

    def resume(self, target: str, job: str) -> bool:
        """See `Ledger`."""
        return self._write(target, lambda s, t: standing.resume(s, t, job))

    def hold(self, target: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice] = ()) -> bool:
        """See `Ledger`."""
        return self._write(target, lambda s, t: standing.hold(s, t, by=by, reason=reason, now=now, notices=notices))

    def lift(self, target: str) -> bool:
        """See `Ledger`."""
        return self._write(target, standing.lift)

    def held(self, target: str) -> Pause | None:
        """See `Ledger`."""
        return self._read(target, standing.held)

    def rename(self, target: str, was: str, becomes: str, *, now: datetime) -> bool:
        """See `Ledger`."""
        return self._write(target, lambda s, t: standing.rename(s, t, was, becomes, now=now))

    def forget(self, target: str, job: str, *, by: str, reason: str, now: datetime) -> tuple[str, ...]:
        """See `Ledger`."""
        return self._write(target, lambda s, t: standing.forget(s, t, job, by=by, reason=reason, now=now))

    def wait_for_work(self, seconds: float) -> bool:
        """See `Ledger`."""
        return self.database.wait(seconds)

    def close(self) -> None:
        """See `Ledger`."""
        self.database.close()

    def alarms(self, target: str, *, limit: int, now: datetime) -> tuple[RunLine, ...]:
        """See `Outbox`."""
        return self._read(target, lambda s, t: outbox.alarms(s, t, limit=limit, now=now))

    def ring(self, target: str, keys: Sequence[str], notices: Sequence[Notice], *, now: datetime) -> tuple[str, ...]:
        """See `Outbox`."""
        return self._write(target, lambda s, t: outbox.ring(s, t, keys, notices, now=now))

    def notify(self, target: str, notices: Sequence[Notice], *, now: datetime) -> tuple[str, ...]:
        """See `Outbox`."""
        return self._write(target, lambda s, t: tuple(adding.write_notices(s, t, notices, now=now)))

    def take_notices(
        self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime
    ) -> tuple[Delivery, ...]:
        """See `Outbox`."""
        return self._write(
            target, lambda s, t: outbox.take(s, t, owner=owner, lease_seconds=lease_seconds, limit=limit, now=now)
        )

    def settle_notices(self, target: str, results: Sequence[Delivered], *, owner: str, now: datetime) -> None:
        """See `Outbox`."""
        self._write(target, lambda s, t: outbox.settle(s, t, results, owner=owner, now=now))

    def find(self, target: str, text: str, *, limit: int = 10) -> tuple[RunLine, ...]:
        """See `Archive`."""
        return self._read(target, lambda s, t: reading.find(s, t, text, limit=limit))

    def history(self, target: str, wanted: RunFilter) -> tuple[RunLine, ...]:
        """See `Archive`."""
        return self._read(target, lambda s, t: reading.history(s, t, wanted))

    def transitions(self, target: str, key: str) -> tuple[Transition, ...]:
        """See `Archive`."""
        return self._read(target, lambda s, t: reading.transitions(s, t, key))

    def counts(self, target: str) -> Mapping[State, int]:
        """See `Archive`."""
        return self._read(target, reading.counts)

    def late(self, target: str, *, now: datetime) -> tuple[int, datetime | None]:
        """See `Archive`."""
        return self._read(target, lambda s, t: reading.late(s, t, now=now))

    def targets(self) -> tuple[str, ...]:
        """See `Archive`."""
        names = self.database.read(lambda s: s.all("SELECT name FROM targets ORDER BY name"))
        return tuple(row[0] for row in names)

    def prune(self, target: str, *, older_than: timedelta, keep: timedelta, now: datetime, limit: int = 1_000) -> int:
        """See `Archive`."""
        return self._write(
            target, lambda s, t: archive.prune(s, t, older_than=older_than, keep=keep, now=now, limit=limit)
        )

    def prunable(self, target: str, *, older_than: timedelta, keep: timedelta, now: datetime) -> int:
        """See `Archive`."""
        return self._read(target, lambda s, t: archive.prunable(s, t, older_than=older_than, keep=keep, now=now))

    def export(self, write: Callable[[str], object]) -> int:
        """See `Archive`."""
        return self.database.read(lambda s: archive.export(s, write))

    def check(self) -> tuple[str, ...]:
        """See `Archive`."""
        return (*self.database.check(), *self.database.read(archive.unsound))

    def describe(self) -> str:
        """See `Archive`."""
        return self.database.describe()

    def _write(self, target: str, work: Callable[[Session, int], T]) -> T:
        number = self._ids.get(target)
        if number is None:  # made in a transaction of its own: known for good, whatever becomes of the next
            number = self._ids[target] = self.database.write(lambda session: _made(session, target))
        return self.database.write(lambda session: work(session, number))

    def _write_each(self, target: str, rows: Sequence[R], work: Callable[[Session, int, Sequence[R]], T]) -> list[T]:
        """A transaction per batch. What was done before one fails stays done: nothing here is done twice."""
        batches = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
        return [self._write(target, lambda s, t: work(s, t, some)) for some in batches]  # noqa: B023 - called at once

    def _read(self, target: str, work: Callable[[Session, int], T]) -> T:
        def look(session: Session) -> T:
            rows = session.all("SELECT id FROM targets WHERE name = :name", name=target)
            return work(session, rows[0][0] if rows else 0)  # no target has the number 0

        return self.database.read(look)


def _made(session: Session, target: str) -> int:
    """The number of a target, new or known."""
    session.do("INSERT INTO targets (name) VALUES (:name) ON CONFLICT DO NOTHING", name=target)
    number: int = session.all("SELECT id FROM targets WHERE name = :name", name=target)[0][0]
    return number
