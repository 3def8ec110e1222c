"""The process is killed between any two requests, or a request fails: running apply again ends at git's state.

An apply of 50 changes makes 56 requests: reads, the lock, 50 writes, the release. `make test` kills it at some of
them, `make chaos` at every one, before the request reaches the target and after it was carried out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from interact_gitops.server.serving import EmbeddedServer

from ...contract.client.scripted import CARRIED_OUT, Reply, Request, Trouble
from .conftest import ALL, KINDS, OURS, Room, whole_history
from .forked import Ended, Forkery

SIZE = 10
CHANGES = KINDS * SIZE
READS = 5  # the surface, the jobs, the agents, the channels; and the lock
REQUESTS = READS + CHANGES + 1  # and its release
BEFORE, AFTER = whole_history(SIZE)
APPLY = ("apply", "--yes", "--lock-timeout", "0", "--adopt", "found-*", "--allow-changes", "100%", "--allow-deletes",
         "100%")  # fmt: skip
LEASE = timedelta(seconds=31)
# Those that end a stage, those that begin one, and some between.
SOME = (1, 2, 3, 6, 16, 17, 37, 46, 55, 56)
POINTS = range(1, REQUESTS + 1) if ALL else SOME
# The writes alone fail in every way in test_lost_requests.py.
TROUBLES: tuple[Trouble, ...] = tuple(CARRIED_OUT) if ALL else ("429", "500 after", "reset before", "truncated")


class Killer:
    """Between the process and the target: counts requests, and kills at one of them."""

    def __init__(self, room: Room, forkery: Forkery) -> None:
        self._room, self._forkery, self._answer = room, forkery, room.front.answer
        self._count = threading.Condition()
        self._at: int | None = None
        self._when = "before"
        self.seen = self.busy = 0
        self.killed: str | None = None
        room.front.answer = self._ask

    def arm(self, at: int | None, when: str = "before") -> None:
        self._at, self._when, self.seen, self.killed = at, when, 0, None

    def _ask(self, request: Request) -> Reply:
        with self._count:
            self.seen += 1
            self.busy += 1
            number = self.seen
        try:
            if self.killed is not None and self._when == "before":
                return Reply(status=503)  # what was sent at the same time did not get through either
            if number != self._at:
                return self._answer(request)
            reply = self._answer(request) if self._when == "after" else Reply(status=503)
            self.killed = f"{request.method} {request.path}"
            self._forkery.kill()
            return reply
        finally:
            with self._count:
                self.busy -= 1
                self._count.notify_all()

    def rest(self) -> None:
        """Waits until nothing is under way any more."""
        with self._count:
            assert self._count.wait_for(lambda: self.busy == 0, 20)

    def end(self) -> None:
        self._room.front.answer = self._answer


@pytest.fixture(scope="session")
def forkery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forkery]:
    with Forkery(tmp_path_factory.mktemp("forkery")) as forkery:
        yield forkery


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands in git now, as files."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "interact-gitops.yaml").write_text(f"managed_by: {OURS}\n")
    (folder / "jobs.d").mkdir()
    for definition in AFTER:
        job = definition.job
        text = f"key: {job.key}\nname: {job.name}\nagent: {job.agent}\nprompt: {job.prompts[0].text}\n"
        moved = f"moved_from: [{', '.join(job.moved_from)}]\n" if job.moved_from else ""
        (folder / definition.path).write_text(text + moved)
    return folder


@pytest.fixture
def later(embedded: EmbeddedServer) -> Callable[[timedelta], None]:
    """Lets time pass for the server."""

    def pass_by(time_passed: timedelta) -> None:
        clock = embedded.instance.clock
        embedded.instance.clock = lambda: clock() + time_passed

    return pass_by


@pytest.fixture
def killer(room: Room, forkery: Forkery) -> Iterator[Killer]:
    killer = Killer(room, forkery)
    yield killer
    killer.end()


@pytest.fixture
def run(room: Room, forkery: Forkery, tree: Path) -> Callable[..., Ended]:
    headers = room.fronted._transport._httpx.headers
    environment = {
        "INTERACT_URL": room.front.url, "INTERACT_API_KEY": headers["X-API-Key"], "HOME": str(tree),
        "INTERACT_ORG_ID": headers["X-Organization-Id"], "PYTHONUTF8": "1",
    }  # fmt: skip

    def once(*options: str) -> Ended:
        ended = forkery.run([*APPLY, *options], folder=tree, environment=environment)
        assert "Traceback" not in ended.out + ended.err, ended.err
        return ended

    return once


def finish(room: Room, run: Callable[..., Ended], ids: dict[str, str]) -> None:
    """Running it again, once, is all it takes."""
    ended = run()
    assert ended.code == 0, ended.out + ended.err
    room.demand_end(BEFORE, AFTER, ids)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", POINTS)
def test_killed_between_any_two_requests(
    room: Room, killer: Killer, run: Callable[..., Ended], later: Callable[[timedelta], None], at: int, when: str
) -> None:
    room.settle(BEFORE, SIZE)
    ids = {job.key: job.id for job in room.direct.jobs()}
    killer.arm(at, when)
    # One at a time at every other point, so that every request has been the last; else as people run it.
    ended = run("--parallelism", "1" if at % 2 else "8")
    assert ended.code == -9, (killer.seen, ended)
    print(f"killed at request {at} of {REQUESTS}, {killer.killed}, {when} it was carried out")
    killer.rest()
    killer.arm(None)
    if (at > 2 and (at, when) != (REQUESTS, "after")) or (at, when) == (2, "after"):
        refused = run()
        assert refused.code == 1
        assert "the target is locked" in refused.err
        later(LEASE)
    finish(room, run, ids)


def test_killed_again_and_again(
    room: Room, killer: Killer, run: Callable[..., Ended], later: Callable[[timedelta], None]
) -> None:
    """Each run gets a little further than the one before, and the last one to the end."""
    room.settle(BEFORE, SIZE)
    ids = {job.key: job.id for job in room.direct.jobs()}
    kills = 0
    while True:
        killer.arm(READS + 6, "after" if kills % 2 else "before")
        ended = run("--parallelism", "3")
        killer.rest()
        later(LEASE)
        if ended.code == 0:
            break
        assert ended.code == -9, ended
        kills += 1
        assert kills < CHANGES
    assert kills >= CHANGES // 8
    print(f"killed {kills} times until {CHANGES} changes were done")
    killer.arm(None)
    finish(room, run, ids)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_request_fails_once(
    room: Room, killer: Killer, run: Callable[..., Ended], later: Callable[[timedelta], None], trouble: Trouble
) -> None:
    """The whole command, its reads and its lock included; it tries again by itself and succeeds at the first go."""
    room.settle(BEFORE, SIZE)
    ids = {job.key: job.id for job in room.direct.jobs()}
    failed: Counter[str] = Counter()

    def once(request: Request, _number: int) -> Trouble | None:
        name = f"{request.method} {request.target} {request.headers.get('idempotency-key')}"
        failed[name] += 1
        return trouble if failed[name] == 1 else None

    room.spoil(once)
    ended = run("--parallelism", "16")
    assert ended.code == 0, ended.out + ended.err
    assert len(failed) >= REQUESTS  # and those that look whether a lost write was done
    room.spoil(lambda _request, _number: None)
    room.demand_end(BEFORE, AFTER, ids)
    later(LEASE)  # the release may have failed for good: it is asked for once
    finish(room, run, ids)


def test_how_many_requests_there_are(room: Room, killer: Killer, run: Callable[..., Ended]) -> None:
    """The target is read once, and nothing is asked for that is not needed."""
    room.settle(BEFORE, SIZE)
    began = time.monotonic()
    assert run().code == 0
    assert time.monotonic() - began < 30
    assert killer.seen == REQUESTS
    methods = Counter((r.method, r.path.rpartition("/")[0] if r.method in {"PUT", "DELETE"} else r.path)
                      for r in room.front.requests[-REQUESTS:])  # fmt: skip
    assert methods == {
        ("GET", "/api/agents/jobs"): 2, ("GET", "/api/agents"): 1, ("GET", "/api/notifications/channels"): 1,
        ("POST", "/api/locks"): 1, ("DELETE", "/api/locks"): 1, ("POST", "/api/agents/jobs"): SIZE,
        ("PUT", "/api/agents/jobs"): 3 * SIZE, ("DELETE", "/api/agents/jobs"): SIZE,
    }  # fmt: skip
