"""The ledger of the server's own schedules: a file beside the store, which is told first of every pause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from interact_gitops.ledger.records import Notice
from interact_gitops.ledger.relational import RelationalLedger
from interact_gitops.ledger.requests import Decided, Decision
from interact_gitops.ledger.sqlite import SqliteDatabase
from interact_gitops.server.clock import to_text
from interact_gitops.server.store import jobs
from interact_gitops.server.store.database import Database

FILE = "schedules.db"


class ScheduleLedger(RelationalLedger):
    """A target's name is an organisation's id."""

    def __init__(self, folder: Path, store: Database, *, observe_missed: Callable[[int], None]) -> None:
        """Opens the file, and makes it when it is not there. Raises LedgerFailure."""
        super().__init__(SqliteDatabase(folder / FILE))
        self._store = store
        self._observe_missed = observe_missed
        self._paused: dict[str, set[str]] = {}

    def paused(self, target: str) -> set[str]:
        """The jobs that are paused here: few, and to be compared with the store whenever that may have changed."""
        if target not in self._paused:
            self._paused[target] = {job for job, standing in self.jobs(target).items() if standing.pause is not None}
        return self._paused[target]

    def decide(self, target: str, decisions: Sequence[Decision], *, by: str, now: datetime) -> Decided:
        """Counts what was decided to be missed."""
        decided = super().decide(target, decisions, by=by, now=now)
        added = set(decided.added)
        missed = sum(run.state == "missed" and run.key in added for one in decisions for run in one.runs)
        if missed:
            self._observe_missed(missed)
        return decided

    def pause(
        self, target: str, job: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice] = ()
    ) -> bool:
        """Pauses the job in the store too, where people see it and resume it.

        There first: a server that dies in between finds the pause in the store and carries it over.
        """
        with self._store.write() as db:
            stored = jobs.find_by_key(db, target, job)
            if stored is not None and stored.paused_at is None:
                jobs.pause(db, stored.id, reason=reason, at=to_text(now))
        self.paused(target).add(job)
        return super().pause(target, job, by=by, reason=reason, now=now, notices=notices)

    def carry_pause(self, target: str, job: str, *, reason: str, at: datetime) -> bool:
        """A pause that is in the store already; whether it was news here."""
        self.paused(target).add(job)
        return super().pause(target, job, by="api", reason=reason, now=at)

    def resume(self, target: str, job: str) -> bool:
        """See `Ledger`: the store was told before."""
        resumed = super().resume(target, job)
        self.paused(target).discard(job)
        return resumed
