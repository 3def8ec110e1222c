"""Applies of a small git history to an embedded server, through a front that spoils requests."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from interact_gitops.errors import Position
from interact_gitops.interact.client import Client
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.model import Definition, Job, Prompt
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.applying import Applied, apply
from interact_gitops.planning.diff import diff
from interact_gitops.planning.plan import Plan
from interact_gitops.server.serving import EmbeddedServer

from ...contract.client.scripted import Request, Scripted, Trouble, forward

OURS = "acme/jobs"
ALL = os.environ.get("CHAOS") == "all"  # `make chaos`: every point, and the large sizes
_numbers = itertools.count()


def definition(key: str, text: str = "What was spent?", **fields: Any) -> Definition:
    job = Job(
        key=key, name=key.title(), agent="paid-search-analyst", prompts=(Prompt(text=text),),
        parameters={}, labels={}, **fields,
    )  # fmt: skip
    return Definition(job=job, path=f"jobs.d/{key}.yaml", position=Position(f"jobs.d/{key}.yaml", 1))


KINDS = 5  # changes per `size` in a history: create, update, move, delete, adopt


def whole_history(size: int) -> tuple[list[Definition], list[Definition]]:
    """As `history`, with `size` adoptions of what `Room.settle` puts there."""
    before, after = history(size)
    return before, [*after, *(definition(f"found-{i}", "What was lost?") for i in range(size))]


def history(size: int) -> tuple[list[Definition], list[Definition]]:
    """What stood in git, and what stands there now: `size` creates, updates, moves and deletes each."""
    before = [definition(f"{kind}-{i}") for i in range(size) for kind in ("keep", "edit", "old", "gone")]
    after = [definition(f"keep-{i}") for i in range(size)]
    after += [definition(f"edit-{i}", "What was earned?") for i in range(size)]
    after += [definition(f"new-{i}", moved_from=(f"old-{i}",)) for i in range(size)]
    after += [definition(f"fresh-{i}") for i in range(size)]
    return before, after


@dataclass
class Room:
    """An organisation on the embedded server, reached directly and through the front."""

    direct: Client
    fronted: Client
    front: Scripted
    strangers: Mapping[str, RemoteJob] = field(default_factory=dict)

    def plan(self, definitions: Sequence[Definition], client: Client | None = None) -> Plan:
        remote = (client or self.direct).jobs()
        adopt = frozenset(d.job.key for d in definitions if d.job.key.startswith("found-"))
        return diff(definitions, remote, managed_by=OURS, commit="c0ffee", target="t", adopt=adopt)

    def settle(self, before: Sequence[Definition], size: int) -> None:
        """What stood in git is applied, beside jobs to adopt, and strangers that nobody and others manage."""
        assert self.apply(before, self.direct).complete
        for owner, name in ((None, "found"), (None, "nobodys"), ("others/jobs", "theirs")):
            for i in range(size):
                wire = job_to_wire(definition(f"{name}-{i}").job)
                self.direct.create_job({**wire, "managedBy": owner}, idempotency_key=f"{name}-{i}")
        self.strangers = {job.id: job for job in self.direct.jobs() if job.managed_by != OURS}

    def demand_end(self, before: Sequence[Definition], after: Sequence[Definition], ids: Mapping[str, str]) -> None:
        """Git's state, and nothing else: no job twice, none made anew that was to be changed, no stranger touched.

        `ids`: by key, of the jobs that stood there before.
        """
        assert self.plan(after).changes == ()
        jobs = {job.id: job for job in self.direct.jobs()}
        ours = sorted(job.key for job in jobs.values() if job.managed_by == OURS)
        assert ours == sorted(d.job.key for d in after)
        for job in jobs.values():
            if job.managed_by == OURS:
                assert job.definition_hash == job.applied_hash
                assert ids.get(job.key.replace("new", "old"), job.id) == job.id
        adopted = {one for one, job in self.strangers.items() if job.key.startswith("found-")}
        assert {one: jobs[one] for one in self.strangers.keys() - adopted} == {
            one: job for one, job in self.strangers.items() if one not in adopted
        }
        gone = [d.job.key for d in before if d.job.key.startswith("gone-")]
        assert self.buried() == sorted(gone)

    def apply(self, definitions: Sequence[Definition], client: Client | None = None, **options: Any) -> Applied:
        """Plans without trouble, then writes, through the front unless told otherwise."""
        return apply(self.plan(definitions), client or self.fronted, **options)

    def keys(self) -> list[str]:
        return sorted(job.key for job in self.direct.jobs())

    def buried(self) -> list[str]:
        """The keys of all jobs that were ever deleted."""
        return sorted(job.key for job in self.direct.jobs(deleted=True))

    def spoil(self, trouble: Callable[[Request, int], Trouble | None]) -> None:
        self.front.trouble = trouble


def first_of_each(trouble: Trouble) -> Callable[[Request, int], Trouble | None]:
    """Spoils the first attempt of every write, and of no read."""
    seen: set[tuple[str, str, str | None]] = set()

    def spoil(request: Request, _number: int) -> Trouble | None:
        one = (request.method, request.target, request.headers.get("idempotency-key"))
        if request.method == "GET" or one in seen:
            return None
        seen.add(one)
        return trouble

    return spoil


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("embedded"), port=0, rate_limit=None) as server:
        yield server


@pytest.fixture(scope="session")
def front(embedded: EmbeddedServer) -> Iterator[Scripted]:
    with Scripted(forward(embedded.url), slow_seconds=0.6) as front:
        yield front


@pytest.fixture
def new_room(embedded: EmbeddedServer, front: Scripted) -> Iterator[Callable[[], Room]]:
    """Makes organisations, each a clean target."""
    with ExitStack() as stack:

        def make() -> Room:
            organization, key = embedded.create_organization(f"room {next(_numbers)}")
            direct = stack.enter_context(Client(embedded.url, key, organization))
            fronted = stack.enter_context(
                Client(front.url, key, organization, timeout_seconds=0.5, sleep=lambda _seconds: None)
            )
            return Room(direct, fronted, front)

        yield make
        front.trouble = lambda _request, _number: None


@pytest.fixture
def room(new_room: Callable[[], Room]) -> Room:
    return new_room()
