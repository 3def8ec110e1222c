"""The `Catalogue` seam over the store: an organisation's jobs, of which only those that changed are read again."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from interact_gitops.errors import Refused
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.server.store import jobs
from interact_gitops.server.store.database import Database
from interact_gitops.server.store.jobs import StoredJob

LONGEST = 365 * 24 * 3_600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    version: tuple[int, str | None]
    runnable: RunnableJob


class StoreCatalogue:
    """The jobs of one organisation, as the last `refresh` found them."""

    def __init__(self, organisation_id: str, database: Database) -> None:
        self._organisation = organisation_id
        self._database = database
        self._seen: dict[str, _Seen] = {}
        self._number = 0

    def version(self) -> object:
        """See `Catalogue`."""
        return self._number

    def jobs(self) -> Mapping[str, RunnableJob]:
        """See `Catalogue`."""
        return {seen.runnable.key: seen.runnable for seen in self._seen.values()}

    @property
    def longest_deadline(self) -> timedelta:
        """How late the most patient of the schedules may start."""
        deadlines = (
            seen.runnable.job.schedule.start_deadline for seen in self._seen.values() if seen.runnable.job.schedule
        )
        return timedelta(seconds=max(deadlines, default=0))

    def refresh(self, *, also: Collection[str] = ()) -> list[StoredJob]:
        """Reads what changed; the jobs that are new or other than before, and those with a key in `also`.

        Raises Refused.
        """
        try:
            with self._database.read() as db:
                versions = jobs.versions(db, self._organisation)
                changed = [
                    stored
                    for job_id, version in versions.items()
                    if (known := self._seen.get(job_id)) is None
                    or known.version != version
                    or known.runnable.key in also
                    if (stored := jobs.find(db, self._organisation, job_id)) is not None
                ]
        except sqlite3.Error as error:
            raise Refused(f"the jobs could not be read: {error}") from error
        seen = {job_id: known for job_id, known in self._seen.items() if job_id in versions}
        if changed or len(seen) != len(self._seen):
            fresh = {stored.id: self._looked_at(stored, versions[stored.id]) for stored in changed}
            self._seen, self._number = {**seen, **fresh}, self._number + 1
        return changed

    def _looked_at(self, stored: StoredJob, version: tuple[int, str | None]) -> _Seen:
        # The server ends its own runs, and leaves the time in its queue out of account: nobody else may time them out.
        job, before = replace(stored.job(), timeout=LONGEST), self._seen.get(stored.id)
        if before is not None and before.runnable.key != stored.key:
            job = replace(job, moved_from=(before.runnable.key,))
        runnable = RunnableJob(
            job=job,
            definition_hash=stored.definition_hash,
            git_commit=stored.git_commit,
            remote_id=stored.id,
            scheduled=stored.schedule_enabled,
        )
        return _Seen(version=version, runnable=runnable)
