"""What is due goes into the ledger: the catalogue, the ledger's watermarks, and the agenda between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from interact_gitops.errors import Failure
from interact_gitops.ledger.records import JobStanding
from interact_gitops.ledger.requests import Decision
from interact_gitops.runner.agenda import Agenda
from interact_gitops.runner.catalogue import Catalogue, RunnableJob
from interact_gitops.runner.decisions import decision_for
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.due import due_at
from interact_gitops.runner.marks import from_ledger

ROWS = 1_000


class Decider:
    """Keeps the agenda, and decides what has come due."""

    def __init__(self, desk: Desk, catalogue: Catalogue, *, target_retries: bool) -> None:
        self._desk = desk
        self._catalogue = catalogue
        self._target_retries = target_retries
        self._agenda = Agenda()
        self._standings: dict[str, JobStanding] = {}
        self._version: object = None
        self._fresh = False  # whether all standings were read just now
        self.jobs: Mapping[str, RunnableJob] = {}
        self.unreadable: Failure | None = None

    def refresh(self) -> None:
        """Read the catalogue again if it changed. One that cannot be read leaves the last good one in force."""
        try:
            version = self._catalogue.version()
            if self._version is not None and version == self._version:
                return
            fresh = self._catalogue.jobs()
        except Failure as failure:
            self.unreadable = failure
            return
        self.unreadable, before = None, self.jobs
        if self._version is None:
            self._standings = dict(self._desk.ledger.jobs(self._desk.space))
            self._fresh = True
        self._rename(fresh)
        self._forget(fresh)
        now = self._desk.clock.now()
        for key, job in fresh.items():
            if before.get(key) != job:
                self._agenda.put(key, now)
        self.jobs, self._version = fresh, version

    def decide(self) -> list[str]:
        """Decide every job whose time has come; the keys of the runs that are new."""
        now = self._desk.clock.now()
        due = [key for key in self._agenda.take(now) if key in self.jobs]
        try:
            if not self._fresh:
                for start in range(0, len(due), ROWS):
                    self._read(due[start : start + ROWS])  # pauses, and watermarks that others moved
            self._fresh = False
            return self._decide(due, now)
        except BaseException:
            for key in due:  # decided next time: nothing is lost with a ledger that is away
                self._agenda.put(key, now)
            raise

    def _decide(self, due: Iterable[str], now: datetime) -> list[str]:
        added: list[str] = []
        batch: list[Decision] = []
        rows = 0
        for key in due:
            job = self.jobs[key]
            decision = decision_for(job, self._standings.get(key), now, target_retries=self._target_retries)
            if decision is None:
                self._schedule(job)
                continue
            batch.append(decision)
            rows += 1 + len(decision.runs)
            if rows >= ROWS:
                added += self._write(batch, now)
                batch, rows = [], 0
        return [*added, *self._write(batch, now)]

    @property
    def next(self) -> datetime | None:
        """The earliest instant at which something may be due."""
        return self._agenda.next

    def failures(self, keys: Iterable[str]) -> dict[str, int]:
        """How often each of these jobs failed in a row, as the ledger says now."""
        wanted = [key for key in keys if key in self.jobs and self.jobs[key].job.pause_after_failures]
        if not wanted:
            return {}
        return {key: s.failures for key, s in self._read(wanted).items() if s.pause is None}

    def _write(self, batch: list[Decision], now: datetime) -> list[str]:
        if not batch:
            return []
        decided = self._desk.ledger.decide(self._desk.space, batch, by=self._desk.owner, now=now)
        taken = set(decided.jobs)
        for decision in batch:
            if decision.job in taken:
                self._note(decision)
                self._schedule(self.jobs[decision.job])
        if decided.beaten:
            # Another runner decided first. What it decided may be less than what is due now.
            self._read(decided.beaten)
            for key in decided.beaten:
                self._agenda.put(key, now)
        return list(decided.added)

    def _note(self, decision: Decision) -> None:
        known = self._standings.get(decision.job)
        self._standings[decision.job] = JobStanding(
            job=decision.job,
            watermark=decision.becomes,
            pause=known.pause if known else None,
            failures=known.failures if known else 0,
            succeeded_at=known.succeeded_at if known else None,
        )

    def _schedule(self, job: RunnableJob) -> None:
        standing = self._standings.get(job.key)
        mark = from_ledger(standing.watermark) if standing and standing.watermark else None
        self._agenda.put(job.key, due_at(job.key, mark) if mark else None)

    def _read(self, keys: Iterable[str]) -> dict[str, JobStanding]:
        wanted = tuple(keys)
        found = dict(self._desk.ledger.jobs(self._desk.space, wanted))
        for key in wanted:
            if key in found:
                self._standings[key] = found[key]
            else:
                self._standings.pop(key, None)
        return found

    def pauses_changed(self) -> None:
        """Read what the ledger knows of every job again: pauses, and watermarks that others moved."""
        self._standings = dict(self._desk.ledger.jobs(self._desk.space))

    def _rename(self, fresh: Mapping[str, RunnableJob]) -> None:
        for key, job in fresh.items():
            for was in job.job.moved_from:
                if was in self._standings and was not in fresh and key not in self._standings:
                    self._desk.ledger.rename(self._desk.space, was, key, now=self._desk.clock.now())
                    self._standings.pop(was)
                    self._read([key])

    def _forget(self, fresh: Mapping[str, RunnableJob]) -> None:
        """Let go of jobs that are no longer defined; never of all at once, which is what a wrong folder looks like."""
        if not fresh:
            return
        for key in [key for key in self._standings if key not in fresh]:
            self._desk.ledger.forget(
                self._desk.space, key, by=self._desk.owner, reason="its job is no longer defined",
                now=self._desk.clock.now(),
            )  # fmt: skip
            del self._standings[key]
            self._agenda.put(key, None)
