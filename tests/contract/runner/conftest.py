"""Runners on a simulated clock, a real SQLite ledger, and a target that does as it is told."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from interact_gitops.runner.target import Answer, Request, SeenChat, TargetSilent
from interact_gitops.schedule import Schedule

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
SPACE = "http://target org"
OPTIONS = RunnerOptions(parallelism=4, poll_first=0.5, poll_last=0.5, sweep=0.0)


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
    created_at: datetime
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
    lag: timedelta = timedelta(0)
    requests: list[Request] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

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
                                self.clock.now())  # fmt: skip
                    self.chats_by_id[chat.id] = chat
                    before.append(chat)
            if self.lose(request):
                return Answer(verdict="unknown", said="no answer")
            return Answer(verdict="started", chats=tuple(chat.id for chat in before))

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        if self.silent:
            raise TargetSilent("the target is down")
        states = {"running": "active", "completed": "succeeded", "failed": "failed", "cancelled": "cancelled"}
        return {
            chat.id: SeenChat(id=chat.id, state=states.get(chat.status, "unknown"), status=chat.status,
                              created_at=chat.created_at, run_key=chat.key if self.repeats else None)
            for chat in list(self.chats_by_id.values())
            if chat.job == remote_job and chat.created_at >= since
            and chat.created_at + self.lag <= self.clock.now()
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

    def runner(self, name: str = "") -> Runner:
        made = Runner(
            target=self.target, ledger=self.ledger, catalogue=self.jobs, space=SPACE,
            owner=name or f"runner-{len(self.runners)}", options=self.options, journal=Journal(), clock=self.clock,
        )  # fmt: skip
        self.runners.append(made)
        return made

    def settle(self, *runners: Runner, quiet: int = 6) -> None:
        """Step until nothing happens any more at this instant."""
        calm, before = 0, {}
        while calm < quiet:
            sent = sum(runner.step() for runner in runners)
            until = time.monotonic() + 5
            while any(runner._sender.under_way and runner._sender._answers.empty() for runner in runners):
                assert time.monotonic() < until
                time.sleep(0.001)
            while any(runner._watcher.asking and runner._watcher._looks.empty() for runner in runners):
                assert time.monotonic() < until
                time.sleep(0.001)
            now = dict(self.ledger.counts(SPACE))
            calm = 0 if sent or now != before else calm + 1
            before = now

    def state(self, key: str) -> str:
        (run,) = self.ledger.runs(SPACE, [key])
        return run.state

    def states(self) -> dict[str, int]:
        return dict(self.ledger.counts(SPACE))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> Iterator[World]:
    ledger = RelationalLedger(SqliteDatabase(tmp_path / "ledger.db", clock=clock.lease))
    made = World(clock=clock, target=FakeTarget(clock=clock), jobs=Jobs(), ledger=ledger)
    yield made
    for runner in made.runners:
        runner.drain(1.0)
    ledger.close()
