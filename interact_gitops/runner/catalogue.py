"""The jobs that a runner works with, as they stand now: definitions, and what each is at the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from interact_gitops.jobs.fan_out import expand
from interact_gitops.jobs.model import Combination, Job
from interact_gitops.jobs.parameters import complete


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnableJob:
    """A job, the hash and the commit of its definition, and its id at the target.

    `remote_id` is None where the target has no such job. `refused` says why it must not be triggered there.
    `scheduled`: whether this runner evaluates its schedule; manual runs, backfills and retries go through the
    ledger all the same.
    """

    job: Job
    definition_hash: str
    git_commit: str | None = None
    remote_id: str | None = None
    refused: str | None = None
    scheduled: bool = True

    @property
    def key(self) -> str:
        """The job's key."""
        return self.job.key

    def combinations(self) -> tuple[Combination, ...]:
        """What a plain run runs, defaults filled in: one set of parameters, or one per chat of the fan-out.

        Raises ParametersInvalid for a job that cannot run without values.
        """
        given = expand(self.job.fan_out) if self.job.fan_out else ({},)
        return tuple(complete(self.job, combination) for combination in given)


class Catalogue(Protocol):
    """Where a runner reads its jobs."""

    def version(self) -> object:
        """Something that is equal as long as `jobs` would say the same; cheap to ask."""
        ...

    def jobs(self) -> Mapping[str, RunnableJob]:
        """Every job by key. Raises Failure when they cannot be read; the ones read before stay in force."""
        ...
