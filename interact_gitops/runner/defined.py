"""The `Catalogue` of definitions: git says when a job runs, the target what runs there.

On a target with the definitions API a job is what was applied to it; an edit that is not applied yet changes its
schedule and nothing else. On a public one it is the job that the definition is bound to, if it is to one.
What cannot be read leaves what was read before in force.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from interact_gitops.errors import Failure
from interact_gitops.interact.client import Client
from interact_gitops.interact.discovery import seen_jobs
from interact_gitops.interact.errors import TargetFailure
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.model import Definition, Job
from interact_gitops.jobs.tree import SUFFIXES
from interact_gitops.jobs.wire import definition_hash, job_from_wire, job_to_wire
from interact_gitops.planning.binding import Binding, bind
from interact_gitops.planning.remote import read_definition
from interact_gitops.planning.rendering.binding import binding_remedy, binding_words
from interact_gitops.runner.catalogue import RunnableJob

LOOK_EVERY = 2.0  # seconds between two looks at the folder
FULL_AGAIN, PUBLIC_AGAIN = 60.0, 300.0  # seconds for which what the target said of its jobs is believed
AFTER_TROUBLE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target as the catalogue needs it: its name in the configuration, how it is shown, the ownership mark, who
    evaluates schedules (None: the target where it can), and whether parameters are sent to a public one."""

    name: str
    shown: str
    managed_by: str
    schedules: Literal["runner", "interact"] | None = None
    sends_body: bool = False


class Source(Protocol):
    """Where definitions stand."""

    def version(self) -> object:
        """Changes whenever reading again would find something else; cheap, and asked at every tick."""

    def read(self) -> tuple[Sequence[Definition], str | None]:
        """(the valid definitions, their commit). Raises Failure."""


class FolderSource:
    """A folder of files that people edit. `load` reads its definitions (raising Failure), `commit` says at which
    commit they are; the folder is looked at every two seconds."""

    def __init__(
        self, folder: Path, load: Callable[[], Sequence[Definition]], commit: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._folder, self._load, self._commit, self._clock = folder, load, commit, clock
        self._looked = float("-inf")
        self._print: object = None

    def version(self) -> object:
        """See `Source`: the files' names, times and sizes."""
        now = self._clock()
        if now - self._looked >= LOOK_EVERY:
            self._looked, self._print = now, fingerprint(self._folder)
        return self._print

    def read(self) -> tuple[Sequence[Definition], str | None]:
        """See `Source`."""
        return self._load(), self._commit()


class DefinedCatalogue:
    """The jobs of a source, as they are on a target."""

    def __init__(
        self,
        *,
        source: Source,
        client: Client,
        place: Place,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Asks which API the target has. Raises TargetFailure."""
        self._source, self._client, self._place, self._clock = source, client, place, clock
        self._full = client.surface() == "full"
        self._asked = float("-inf")
        self._print: object = None
        self._read_print: object = None
        self._definitions: Sequence[Definition] = ()
        self._head: str | None = None
        self._trouble: tuple[object, float, Failure] | None = None
        self._found: Mapping[str, RunnableJob] = {}
        self._number = 0

    def version(self) -> object:
        """See `Catalogue`: the source's version, and how often the target was asked."""
        now, self._print = self._clock(), self._source.version()
        if now - self._asked >= (FULL_AGAIN if self._full else PUBLIC_AGAIN):
            return (self._print, self._number + 1)
        return (self._print, self._number)

    def gone(self, _remote_job: str) -> None:
        """The target has no such job: ask it for its jobs again soon. From any thread."""
        self._asked = min(self._asked, self._clock() - FULL_AGAIN + AFTER_TROUBLE)

    def jobs(self) -> Mapping[str, RunnableJob]:
        """See `Catalogue`. Raises DefinitionsInvalid for a tree with any error, TargetFailure where nothing was ever
        heard of the target's jobs."""
        now = self._clock()
        if self._trouble is not None:
            seen, at, failure = self._trouble
            if seen == self._print and now - at < AFTER_TROUBLE:
                raise failure
        try:
            self._read(now)
        except Failure as failure:
            self._trouble = (self._print, now, failure)
            raise
        self._trouble = None
        return self._found

    def _read(self, now: float) -> None:
        if self._read_print is None or self._read_print != self._print:
            self._definitions, self._head = self._source.read()
            self._read_print = self._print
        try:
            self._found = self._runnable()
        except TargetFailure:
            if not self._number:
                raise
            # The ids that are known will do: what is sent to them says what is wrong.
            known = {d.job.key: d.job for d in self._definitions}
            self._found = {key: replace(one, job=_at(known[key], one.job)) for key, one in self._found.items()
                           if key in known}  # fmt: skip
        self._number += 1
        self._asked = now

    def _runnable(self) -> Mapping[str, RunnableJob]:
        return self._applied() if self._full else self._bound()

    def _applied(self) -> Mapping[str, RunnableJob]:
        there = {job.key: job for job in self._client.jobs(managed_by=self._place.managed_by)}
        found = {}
        for job in (definition.job for definition in self._definitions):
            names = (job.key, *job.moved_from)
            remote = next((there[name] for name in names if name in there), None)
            found[job.key] = self._unapplied(job) if remote is None else self._at_target(job, remote)
        return found

    def _unapplied(self, job: Job) -> RunnableJob:
        return RunnableJob(job=job, definition_hash=definition_hash(job_to_wire(job)), git_commit=self._head,
                           scheduled=self._place.schedules == "runner")  # fmt: skip

    def _at_target(self, job: Job, remote: RemoteJob) -> RunnableJob:
        wire = read_definition(remote)
        commit = remote.raw.get("commit")
        # A target that was not told yet to leave the schedule to us still evaluates it.
        theirs = remote.schedule_enabled and wire["schedule"] is not None
        return RunnableJob(
            job=_at(job, job_from_wire(wire)),
            definition_hash=remote.definition_hash or definition_hash(wire),
            git_commit=commit if isinstance(commit, str) else None,
            remote_id=remote.id,
            scheduled=self._place.schedules == "runner" and not theirs,
        )

    def _bound(self) -> Mapping[str, RunnableJob]:
        place = self._place
        bindings = bind(
            self._definitions, seen_jobs(self._client.chats()), target=place.name, shown=place.shown,
            sends_body=place.sends_body,
        )  # fmt: skip
        return {one.key: self._bound_job(one) for one in bindings.jobs}

    def _bound_job(self, one: Binding) -> RunnableJob:
        job = one.definition.job
        refused = [f"never triggered on this target: {'; '.join(one.refused)}"] if one.refused else []
        if one.state != "bound":
            refused.append(f"{binding_words(one)}; {binding_remedy(one)}")
        return RunnableJob(
            # The values stand in the job's own prompt there.
            job=job if self._place.sends_body else replace(job, parameters={}, fan_out=None),
            definition_hash=definition_hash(job_to_wire(job)),
            git_commit=self._head,
            remote_id=one.remote_id,
            refused="; ".join(refused) or None,
            scheduled=self._place.schedules != "interact",
        )


def fingerprint(folder: Path) -> object:
    """What changes with any file of a definitions folder: names, times and sizes. None where it cannot be read."""
    seen: list[tuple[str, int, int]] = []
    waiting = [str(folder)]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        waiting.append(entry.path)
                    elif entry.name.lower().endswith(SUFFIXES):
                        stat = entry.stat()
                        seen.append((entry.path, stat.st_mtime_ns, stat.st_size))
    except OSError:
        return None
    return tuple(sorted(seen))


def _at(job: Job, applied: Job) -> Job:
    """When it runs as git says, what runs as it was applied."""
    return replace(
        applied, key=job.key, moved_from=job.moved_from, schedule=job.schedule, enabled=job.enabled,
        overlap=job.overlap, grace=job.grace, pause_after_failures=job.pause_after_failures,
    )  # fmt: skip
