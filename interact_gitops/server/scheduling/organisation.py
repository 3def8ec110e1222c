"""The schedules of one organisation: its jobs, its part of the ledger, and the runner that brings them together.

The store says what is paused, switched off, deleted and made anew; the ledger follows. One server owns both files,
so that what an earlier one left in the ledger is nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from interact_gitops.ledger.records import JobStanding
from interact_gitops.ledger.requests import Hold, RunFilter
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import Clock, RunnerOptions
from interact_gitops.runner.runner import Runner
from interact_gitops.server.clock import from_text
from interact_gitops.server.scheduling.catalogue import StoreCatalogue
from interact_gitops.server.scheduling.ledger import ScheduleLedger
from interact_gitops.server.scheduling.target import OwnTarget
from interact_gitops.server.store.jobs import StoredJob

OWNER = "server"
KEPT = timedelta(days=35)
PRUNED, PRUNE_EVERY = 500, 3_600.0  # runs at a time, seconds
MOST_CANCELLED = 1_000
# Requests are transactions on one file: a few at a time keep it busy. The end of a run is heard of; looking for it is
# for what ended unheard, such as a run that was cancelled before it began.
OPTIONS = RunnerOptions(parallelism=16, poll_first=5.0, poll_last=60.0, sweep=5.0)


class Schedules:
    """Use it from one thread."""

    def __init__(
        self,
        organisation_id: str,
        *,
        ledger: ScheduleLedger,
        target: OwnTarget,
        catalogue: StoreCatalogue,
        clock: Clock,
        journal: Journal,
    ) -> None:
        """Takes over what an earlier server left. Raises LedgerFailure."""
        self._space = organisation_id
        self._ledger = ledger
        self._catalogue = catalogue
        self._clock = clock
        self._prune_at = clock.seconds()
        left = ledger.open_runs(organisation_id, owner=OWNER)
        ledger.release(organisation_id, [Hold.of(run) for run in left], owner=OWNER)
        self._runner = Runner(
            target=target, ledger=ledger, catalogue=catalogue, space=organisation_id, owner=OWNER, options=OPTIONS,
            journal=journal, clock=clock,
        )  # fmt: skip

    def read_jobs(self) -> None:
        """Reads the jobs that changed. Raises Refused, LedgerFailure."""
        self._reconcile(self._catalogue.refresh(also=self._ledger.paused(self._space)))

    def step(self, ended: Iterable[str] = ()) -> None:
        """Does what is to be done. `ended`: jobs of which a chat ended.

        Raises LedgerFailure when the ledger cannot be used, and will not be by itself.
        """
        for job_id in ended:
            self._runner.hint(job_id)
        self._runner.step()
        self._prune()

    @property
    def rest(self) -> float:
        """Seconds until there is something to do."""
        return self._runner.rest

    def stop(self, seconds: float) -> None:
        """Waits at most `seconds` for the answers to what is under way, and gives everything back."""
        self._runner.stop()
        self._runner.drain(seconds)

    def _reconcile(self, changed: Sequence[StoredJob]) -> None:
        """Tells the ledger what the store says of jobs that changed."""
        standings = self._ledger.jobs(self._space, [job.key for job in changed])
        told = False
        for job in changed:
            standing = standings.get(job.key)
            if standing is not None and _of_another(job, standing):
                self._ledger.forget(
                    self._space, job.key, by=OWNER, reason="its job was deleted", now=self._clock.now()
                )  # fmt: skip
                standing, told = None, True
            told |= self._carry_pause(job, standing)
            if standing is not None and standing.watermark is not None and not _evaluated(job):
                self._cancel_waiting(job)
        if told:
            self._runner.pauses_changed()

    def _carry_pause(self, job: StoredJob, standing: JobStanding | None) -> bool:
        """Whether the ledger had to be told."""
        paused = standing is not None and standing.pause is not None
        if job.paused_at is not None and not paused:
            reason = job.paused_reason or "paused through the API"
            return self._ledger.carry_pause(self._space, job.key, reason=reason, at=from_text(job.paused_at))
        if job.paused_at is None and paused:
            return self._ledger.resume(self._space, job.key)
        return False

    def _prune(self) -> None:
        """Forgets old occurrences. That they ran is known for ever: the store keeps every spent key."""
        if self._clock.seconds() < self._prune_at:
            return
        pruned = self._ledger.prune(
            self._space, older_than=KEPT, keep=self._catalogue.longest_deadline, now=self._clock.now(), limit=PRUNED
        )
        self._prune_at = self._clock.seconds() + (0 if pruned == PRUNED else PRUNE_EVERY)

    def _cancel_waiting(self, job: StoredJob) -> None:
        """What its schedule decided before it was switched off, or handed over, is not started any more."""
        wanted = RunFilter(job=job.key, states=("planned",), limit=MOST_CANCELLED)
        waiting = [line.key for line in self._ledger.history(self._space, wanted) if line.kind == "schedule"]
        if waiting:
            self._ledger.cancel(
                self._space, waiting, by=OWNER, reason="its schedule was switched off", now=self._clock.now()
            )  # fmt: skip


def _evaluated(job: StoredJob) -> bool:
    """Whether this server evaluates the job's schedule."""
    return job.schedule_enabled and job.definition["schedule"] is not None


def _of_another(job: StoredJob, standing: JobStanding) -> bool:
    """Whether what the ledger knows is of a deleted job that had the same key: it was decided before this one was
    made."""
    return standing.watermark is not None and standing.watermark.until < from_text(job.created_at)
