"""Runners on a simulated clock, a real SQLite ledger, and a target that does as it is told."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.relational import RelationalLedger
from interact_gitops.ledger.sqlite import SqliteDatabase
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import RunnerOptions
from interact_gitops.runner.runner import Runner
from interact_gitops.runner.target import Answer, Request, SeenChat, Target, TargetSilent
from interact_gitops.schedule import Schedule

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
SPACE = "http://target org"
OPTIONS = RunnerOptions(parallelism=4, poll_first=0.5, poll_last=0.5, sweep=0.0)


AT_WORK = {"triggered": "running"}


class AtOnce(Executor):
    """Does what it is asked to do when it is asked: one thread, and so one order of things."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@dataclass
class FakeClock:
    """A clock that moves when it is told to."""

    when: datetime = START
    ticks: float = 1_000.0

    def now(self) -> datetime:
        return self.when

    def seconds(self) -> float:
        return self.ticks

    def pass_by(self, seconds: float) -> None:
        self.when += timedelta(seconds=seconds)
        self.ticks += seconds

    def lease(self) -> LeaseTime:
        return LeaseTime(epoch="boot", seconds=self.ticks, wall=self.when)


@dataclass
class Chat:
    id: str
    job: str
    key: str
    body: dict[str, object]
    ticks: float
    status: str = "running"


@dataclass
class FakeTarget:
    """A target in this process. `answers` decides of each request what becomes of it; by default it starts."""

    clock: FakeClock
    repeats: bool = True
    retries: bool = False
    chats_by_id: dict[str, Chat] = field(default_factory=dict)
    answers: Callable[[Request], Answer | None] = lambda _request: None
    lose: Callable[[Request], bool] = lambda _request: False
    silent: bool = False
    takes: float | None = None  # seconds after which a chat succeeds by itself
    lag: timedelta = timedelta(0)
    requests: list[Request] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def age(self, chat: Chat) -> float:
        return self.clock.ticks - chat.ticks

    def born(self, chat: Chat) -> datetime:
        """In the caller's time, which a target's answers allow to tell (the clock that is set is not the target's)."""
        return self.clock.now() - timedelta(seconds=self.age(chat))

    def start(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            said = self.answers(request)
            if said is not None:
                return said
            body = json.loads(request.payload)
            before = [chat for chat in self.chats_by_id.values() if chat.key == request.idempotency_key]
            if not (before and self.repeats):
                count = len(body.get("combinations", [0]))
                before = []
                for _ in range(count):
                    chat = Chat(f"chat_{next(self._numbers)}", request.remote_job, request.idempotency_key, body,
                                self.clock.ticks)  # fmt: skip
                    self.chats_by_id[chat.id] = chat
                    before.append(chat)
            if self.lose(request):
                return Answer(verdict="unknown", said="no answer")
            return Answer(verdict="started", chats=tuple(chat.id for chat in before))

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        if self.silent:
            raise TargetSilent("the target is down")
        for chat in self.chats_by_id.values():
            if self.takes is not None and chat.status == "running":
                chat.status = "completed" if self.age(chat) >= self.takes else "running"
        states = {"running": "active", "completed": "succeeded", "failed": "failed", "cancelled": "cancelled"}
        return {
            chat.id: SeenChat(id=chat.id, state=states.get(chat.status, "unknown"), status=chat.status,
                              created_at=self.born(chat), run_key=chat.key if self.repeats else None)
            for chat in list(self.chats_by_id.values())
            if chat.job == remote_job and self.born(chat) >= since and self.age(chat) >= self.lag.total_seconds()
        }  # fmt: skip

    def cancel(self, chat: str) -> bool:
        self.cancelled.append(chat)
        self.chats_by_id[chat].status = "cancelled"
        return True

    def finish(self, status: str = "completed") -> None:
        for chat in self.chats_by_id.values():
            if chat.status == "running":
                chat.status = status


@dataclass
class Jobs:
    """A catalogue that tests write into."""

    found: dict[str, RunnableJob] = field(default_factory=dict)
    number: int = 0

    def version(self) -> object:
        return self.number

    def jobs(self) -> Mapping[str, RunnableJob]:
        return dict(self.found)

    def put(
        self,
        key: str,
        cron: str | None = "0 * * * *",
        *,
        schedule: Schedule | None = None,
        refused: str | None = None,
        bound: bool = True,
        scheduled: bool = True,
        **fields: object,
    ) -> None:
        planned = schedule or (Schedule(cron=cron) if cron else None)
        base = {"name": key, "agent": "a", "prompts": (Prompt(text="?"),), "parameters": {}, "labels": {}}
        job = Job(key=key, **{**base, "schedule": planned, **fields})
        remote_id = f"remote-{key}" if bound else None
        self.found[key] = RunnableJob(
            job=job, definition_hash="0" * 64, git_commit="c0ffee", refused=refused, scheduled=scheduled,
            remote_id=remote_id,
        )  # fmt: skip
        self.number += 1

    def remove(self, key: str) -> None:
        del self.found[key]
        self.number += 1


@dataclass
class World:
    """Everything around a runner; `runner()` makes one more on the same ledger."""

    clock: FakeClock
    target: FakeTarget
    jobs: Jobs
    ledger: FullLedger
    options: RunnerOptions = field(default_factory=lambda: OPTIONS)
    runners: list[Runner] = field(default_factory=list)

    def runner(self, name: str = "", *, ledger: FullLedger | None = None, target: Target | None = None) -> Runner:
        made = Runner(
            target=target or self.target, ledger=ledger or self.ledger, catalogue=self.jobs, space=SPACE,
            owner=name or f"runner-{len(self.runners)}", options=self.options, journal=Journal(), clock=self.clock,
            pool=AtOnce(),
        )  # fmt: skip
        self.runners.append(made)
        return made

    def settle(self, *runners: Runner) -> None:
        """Step until nothing happens any more at this instant."""
        calm, before = 0, {}
        while calm < 2:
            sent = sum(runner.step() for runner in runners)
            now = dict(self.ledger.counts(SPACE))
            busy = any(runner._dispatch.busy for runner in runners)
            calm = 0 if sent or busy or now != before else calm + 1
            before = now

    def wait(self, seconds: float, *runners: Runner, every: float = 5.0) -> None:
        """Let time pass while the runners work."""
        while seconds > 0:
            self.clock.pass_by(min(every, seconds))
            seconds -= every
            self.settle(*runners)

    def close(self) -> None:
        for runner in self.runners:
            runner.drain(1.0)
        self.runners.clear()
        self.ledger.close()

    def state(self, key: str) -> str:
        """A run's state; one whose chats are known is running, whether they were seen at work or not."""
        (run,) = self.ledger.runs(SPACE, [key])
        return AT_WORK.get(run.state, run.state)

    def states(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for state, count in self.ledger.counts(SPACE).items():
            found[AT_WORK.get(state, state)] += count
        return dict(found)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Worlds of their own, one after the other; in memory where there is such a folder, since hundreds are made."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared)) if shared.is_dir() and os.access(shared, os.W_OK) else tmp_path
    made: list[World] = []

    def make() -> World:
        clock = FakeClock()
        ledger = RelationalLedger(SqliteDatabase(folder / f"ledger-{len(made)}.db", clock=clock.lease))
        made.append(World(clock=clock, target=FakeTarget(clock=clock), jobs=Jobs(), ledger=ledger))
        return made[-1]

    yield make
    for world in made:
        world.close()
    if folder != tmp_path:
        shutil.rmtree(folder)


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    return make_world()
