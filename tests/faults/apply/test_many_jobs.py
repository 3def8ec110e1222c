"""A list of many pages, read while another client writes: no job of ours is lost or counted twice, and an apply
that follows ends right. `make chaos` has 10,000 jobs, `make test` 2,000."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import ApiRefusal
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.server.serving import EmbeddedServer
from interact_gitops.server.store import jobs as store
from interact_gitops.server.store.jobs import StoredJob

from .conftest import ALL, OURS, Room, definition

OWNED = 10_000 if ALL else 2_000
READS = 5  # of everything, and a plan of it each time


def put_there(server: EmbeddedServer, organization: str, definitions: list[Definition]) -> None:
    """Jobs as the API would store them, in one transaction."""
    now = server.instance.now()
    agents = {agent.slug: agent.id for agent in server.instance.crew.agents}
    with server.instance.database.write() as db:
        for number, one in enumerate(definitions):
            wire = job_to_wire(one.job)
            store.insert(db, StoredJob(
                seq=0, id=f"job_{organization[-8:]}_{number}", organisation_id=organization, key=one.job.key,
                agent_id=agents[one.job.agent], definition=wire, definition_hash="0" * 64, managed_by=OURS,
                git_commit=None, source_path=one.path, applied_hash="0" * 64, schedule_enabled=True,
                paused_reason=None, paused_at=None, revision=1, created_at=now, updated_at=now,
            ))  # fmt: skip


class Writer:
    """Somebody who creates, changes and deletes jobs of their own, and changes some of ours, as fast as they can."""

    def __init__(self, client: Client, ours: list[str]) -> None:
        self._client, self._ours = client, itertools.cycle(ours)
        self.done: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert self._error is None, self._error

    def _write(self) -> None:
        try:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                self._one(number)
        except BaseException as error:
            self._error = error

    def _one(self, number: int) -> None:
        wire = {**job_to_wire(definition(f"other-{number}").job), "managedBy": "others/jobs"}
        made = self._client.create_job(wire, idempotency_key=f"other-{number}")
        self.done["created"] += 1
        changed = self._client.replace_job(made.id, {**wire, "name": "Changed"}, etag=made.etag or "")
        self.done["changed"] += 1
        if number % 3:
            self._client.delete_job(made.id, etag=changed.etag or "")
            self.done["deleted"] += 1
        try:
            ours = self._client.job(next(self._ours))
            body = {**job_to_wire(definition(ours.key).job), "name": f"By hand {number}", "managedBy": OURS}
            self._client.replace_job(ours.id, body, etag=ours.etag or "")
            self.done["ours changed"] += 1
        except ApiRefusal:  # apply came first, or deleted it
            self.done["refused"] += 1


@pytest.fixture
def organization(room: Room) -> str:
    return str(room.direct._transport._httpx.headers["X-Organization-Id"])


@pytest.fixture
def other(room: Room) -> Iterator[Client]:
    headers = room.direct._transport._httpx.headers
    with Client(room.direct._transport.url, headers["X-API-Key"], headers["X-Organization-Id"]) as client:
        yield client


def test_many_jobs_while_another_client_writes(
    embedded: EmbeddedServer, room: Room, organization: str, other: Client
) -> None:
    definitions = [definition(f"job-{number:05}") for number in range(OWNED)]
    put_there(embedded, organization, definitions)
    keys = [one.job.key for one in definitions]
    touched = [f"job_{organization[-8:]}_{number}" for number in range(0, OWNED, 97)]
    gone = set(keys[::50])
    after = [one for one in definitions if one.job.key not in gone]
    after += [definition(f"new-{number}") for number in range(OWNED // 100)]
    with Writer(other, touched) as writer:
        for _ in range(READS):
            before = sum(writer.done.values())
            there = room.direct.jobs()
            seen = Counter(job.key for job in there if job.managed_by == OURS)
            assert seen == Counter(keys)  # each of ours once, whatever moved meanwhile
            assert max(Counter(job.id for job in there).values()) == 1
            plan = room.plan(definitions)
            assert {change.action for change in plan.changes} <= {"update"}
            assert sum(writer.done.values()) > before  # it was not alone
        first = room.apply(after, room.direct, on_error="continue")
        # What the other one changed after it was read is left alone, and said.
        assert all("plan again" in (o.said or "") for o in first.outcomes if o.result == "failed")
    assert room.apply(after, room.direct).complete
    assert room.plan(after).changes == ()
    ours = sorted(job.key for job in room.direct.jobs() if job.managed_by == OURS)
    assert ours == sorted(one.job.key for one in after)
    theirs = Counter(job.name for job in room.direct.jobs() if job.managed_by == "others/jobs")
    assert theirs == {"Changed": writer.done["created"] - writer.done["deleted"]}
    print(f"{OWNED} jobs read {2 * READS} times while another client did {dict(writer.done)}")
