"""Real runners on a ledger and a target, and what happens to them; the sums are of the target's own chats."""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interact_gitops.jobs.model import FanOut, Job, Prompt
from interact_gitops.ledger.keys import scheduled_key, target_name
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Run, RunLine
from interact_gitops.ledger.requests import RunFilter
from interact_gitops.schedule import Schedule

from ...contract.client.scripted import Request, Scripted, Trouble
from ...contract.ledger.conftest import fresh_url, postgres_url  # noqa: F401  # fixtures, shared with the ledger's suite
from .forked import LEASE, LEDGER, TARGET, Forkery
from .interact import OURS, Interact

ALL = os.environ.get("CHAOS") == "all"  # `make chaos`
ORGANIZATION = "acme"
JOB = """\
key: {key}
name: {key}
agent: analyst
prompt: How did the campaigns do?
timeout: 1d
schedule: {{cron: "0 * * * *", catch_up: all, start_deadline: 7d}}
{more}"""
CONFIGURATION = """\
managed_by: {ours}
targets:
  there: {{url: "{url}", organization: {organization}, api_key: "${{INTERACT_API_KEY}}", schedules: runner}}
"""
FAN_OUT = ({"n": 1}, {"n": 2}, {"n": 3})
UNDER_WAY = frozenset({"planned", "claimed", "sending", "triggered", "running"})


@dataclass
class Runner:
    """One that was started; `stopped` while it stands still."""

    pid: int
    log: Path
    stopped_at: float | None = None


@dataclass
class World:
    """A repository, a target, a ledger, and runners between them. The clock that they share is five past an hour, and
    is moved on by whole hours: each of these hours is an occurrence of every job."""

    folder: Path
    front: Scripted
    interact: Interact
    url: str
    forkery: Forkery
    hours: int = 0  # occurrences of each job so far
    runners: list[Runner] = field(default_factory=list)
    kills: int = 0
    stalls: int = 0
    arguments: tuple[str, ...] = ()
    codes: frozenset[int] = frozenset({-signal.SIGKILL})  # how a runner may end
    _ahead: float = 0.0
    _started: int = 0

    def __post_init__(self) -> None:
        self.clock = self.folder / "clock"
        now = datetime.now(UTC)
        self._ahead = (now.replace(minute=5, second=0, microsecond=0) - now).total_seconds()
        self.begin = now.replace(minute=0, second=0, microsecond=0)
        self.set_clock(0.0)
        jobs = self.folder / "jobs.d"
        jobs.mkdir()
        for job in self.interact.jobs:
            more = f"id: {job.key}\n"
            if job.fan_out:
                more += "parameters: {n: {type: integer}}\nfan_out: {combinations: [{n: 1}, {n: 2}, {n: 3}]}\n"
            (jobs / f"{job.key}.yaml").write_text(JOB.format(key=job.key, more=more))
        self.configure()
        self.ledger: FullLedger = open_ledger(self.url, folder=self.folder)
        self.space = f"{target_name(self.front.url, ORGANIZATION)} {OURS}"

    def configure(self) -> None:
        said = CONFIGURATION.format(ours=OURS, url=self.front.url, organization=ORGANIZATION)
        (self.folder / "interact-gitops.yaml").write_text(said)

    # Time

    def set_clock(self, seconds: float) -> None:
        """Moves the clock of every runner."""
        self._ahead += seconds
        if not self.clock.exists():
            self.clock.write_bytes(bytes(8))
        with self.clock.open("r+b") as file:
            file.write(struct.pack("d", self._ahead))

    def next_hours(self, hours: int) -> None:
        """So many occurrences of every job are due from now on."""
        self.hours += hours
        self.set_clock(3600.0 * hours)

    def until(self, what: Callable[[], bool], seconds: float = 60.0, *, hasten: bool = False) -> None:
        """Waits for something; `hasten`: whatever was put off by half a minute comes a little sooner."""
        end, minutes, hastened = time.monotonic() + seconds, 0, time.monotonic()
        while not what():
            assert time.monotonic() < end, self.story()
            if hasten and minutes < 30 and time.monotonic() - hastened > 2:
                self.set_clock(60.0)
                minutes, hastened = minutes + 1, time.monotonic()
            time.sleep(0.05)
        if minutes:
            self.set_clock(-60.0 * minutes)

    # Runners

    def start(
        self, *more: str, trap: str = "", disk: int | None = None, environment: dict[str, str] | None = None
    ) -> Runner:
        self._started += 1
        log = self.folder / f"runner-{self._started}.log"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / ".state"),
            "PYTHONWARNINGS": "error", "INTERACT_API_KEY": "int_" + "f" * 48, "CLOCK": str(self.clock),
            **(environment or {}),
        }  # fmt: skip
        arguments = ["--ledger", self.url, "--log-format", "json", "runner", *self.arguments, *more]
        pid = self.forkery.start(
            arguments, folder=self.folder, environment=environment, log=log, trap=trap, disk=disk
        )  # fmt: skip
        runner = Runner(pid, log)
        self.runners.append(runner)
        return runner

    def signal(self, runner: Runner, number: int) -> None:
        """To a process that may be gone already."""
        if self.forkery.code(runner.pid) is None:
            os.kill(runner.pid, number)

    def kill(self, runner: Runner) -> None:
        self.signal(runner, signal.SIGKILL)
        self.forkery.wait(runner.pid)

    def bury(self) -> int:
        """Takes those that ended from the list: how many were killed. One that ended otherwise is a bug."""
        killed = 0
        for runner in list(self.runners):
            code = self.forkery.code(runner.pid)
            if code is not None:
                assert code in self.codes, (code, runner.log.read_text()[-3000:])
                self.runners.remove(runner)
                killed += code == -signal.SIGKILL
        self.kills += killed
        return killed

    def end(self) -> None:
        """Every runner is told to stop, and does. One that does not listen yet ends like any program."""
        for runner in self.runners:
            self.signal(runner, signal.SIGCONT)
            self.signal(runner, signal.SIGTERM)
        codes = {runner.log: self.forkery.wait(runner.pid) for runner in self.runners}
        wrong = [log.read_text()[-3000:] for log, code in codes.items() if code not in (0, -signal.SIGTERM)]
        assert not wrong
        self.runners.clear()

    # What came of it

    def lines(self) -> list[RunLine]:
        return list(self.ledger.history(self.space, RunFilter(limit=1_000_000)))

    def runs(self) -> dict[str, Run]:
        keys = [line.key for line in self.lines()]
        return {run.key: run for start in range(0, len(keys), 500)
                for run in self.ledger.runs(self.space, keys[start : start + 500])}  # fmt: skip

    def settled(self) -> bool:
        """Whether every occurrence of every job so far is in the ledger, and over."""
        counts = self.ledger.counts(self.space)
        return sum(counts.values()) >= self.hours * len(self.interact.jobs) and not counts.keys() & UNDER_WAY

    def over(self) -> float:
        """The share of the occurrences so far that are over."""
        counts = self.ledger.counts(self.space)
        ended = sum(count for state, count in counts.items() if state not in UNDER_WAY)
        return ended / (self.hours * len(self.interact.jobs))

    def decided(self) -> bool:
        """Whether every job was seen."""
        known = self.ledger.jobs(self.space)
        return sum(one.watermark is not None for one in known.values()) == len(self.interact.jobs)

    def expected(self) -> dict[str, Job]:
        """The key of every occurrence so far."""
        hours = [self.begin + timedelta(hours=n) for n in range(1, self.hours + 1)]
        return {scheduled_key(job.key, hour): job for job in self.interact.jobs for hour in hours}

    def sums(self) -> Counter[str]:
        """No key twice, none lost: counted in the target's chats, and then compared with what the ledger says.

        On a target without idempotency keys a run may be held for somebody to look into; it has a chat or none.
        """
        expected, runs = self.expected(), self.runs()
        assert runs.keys() == expected.keys()
        made = {key.rpartition("~")[0]: count for key, count in self.interact.counted().items()}
        assert made.keys() <= expected.keys()
        states: Counter[str] = Counter()
        for key, job in expected.items():
            run, chats = runs[key], made.get(key, 0)
            states[run.state] += 1
            if run.state == "needs_operator" and not self.interact.full:
                assert chats in {0, 1}, (key, chats)
                states["held with a chat"] += chats
                continue
            assert run.state == "succeeded", (key, run.state, run.reason, self.tale(key))
            wanted = len(job.fan_out.combinations) if job.fan_out else 1
            assert chats == wanted, (key, chats, [(one, made.get(one), self.tale(one)) for one in expected
                                                  if one.startswith(f"{job.key}@")])  # fmt: skip
        ours = Counter(part.chat for run in runs.values() for part in run.parts if part.chat)
        assert set(ours.values()) <= {1}
        assert ours.keys() <= {chat.id for chat in self.interact.chats}
        assert self.ledger.check() == ()
        return states

    def tale(self, key: str) -> list[str]:
        steps = self.ledger.transitions(self.space, key)
        return [f"{one.at:%H:%M:%S} {one.state} {one.by} {one.reason}" for one in steps]

    def story(self) -> str:
        """For whoever reads a failure."""
        tails = "\n".join(f"{one.log.name}: {one.log.read_text()[-1500:]}" for one in self.runners[:3])
        waiting = [(line.key, line.state, line.owner) for line in self.lines() if line.state in UNDER_WAY][:5]
        return f"{dict(self.ledger.counts(self.space))} of {len(self.expected())}: {waiting}\n{tails}"


def some_jobs(count: int, *, full: bool) -> list[Job]:
    """Jobs; on a target that can every fifth one is a fan-out."""
    return [
        Job(
            key=f"job-{n}", name=f"job-{n}", agent="analyst", prompts=(Prompt(text="How did the campaigns do?\n"),),
            parameters={"n": {"type": "integer"}} if full and n % 5 == 4 else {}, labels={}, timeout=86_400,
            schedule=Schedule(cron="0 * * * *", catch_up="all", start_deadline=7 * 86_400),
            fan_out=FanOut(combinations=FAN_OUT) if full and n % 5 == 4 else None,
        )
        for n in range(count)
    ]  # fmt: skip


class Mischief:
    """What happens to runners and to requests, by chance."""

    def __init__(self, world: World, chance: random.Random, *, runners: int) -> None:
        self._world, self._chance, self._runners = world, chance, runners
        self._since = time.monotonic()

    def spoil(self, request: Request, _number: int) -> Trouble | None:
        """Requests that are lost before or after they are carried out."""
        if self._chance.random() >= (0.25 if request.method == "POST" else 0.05):
            return None
        return self._chance.choice(["reset before", "reset after", "closed after", "truncated", "500 before",
                                    "500 after", "html 502 after", "503", "429", "slow"])  # fmt: skip

    def act(self, *, kill: bool) -> None:
        """Keeps the number of runners up; kills one now and then; stops one for longer than its lease."""
        world, chance = self._world, self._chance
        world.bury()
        while len(world.runners) < self._runners:
            world.start(trap=self._trap() if kill and chance.random() < 0.7 else "")
        now = time.monotonic()
        for runner in world.runners:
            if runner.stopped_at is not None and now - runner.stopped_at > LEASE + 1.5:
                world.signal(runner, signal.SIGCONT)
                runner.stopped_at = None
        awake = [runner for runner in world.runners if runner.stopped_at is None]
        if kill and now - self._since > 0.3 and awake:
            self._since = now
            victim = chance.choice(awake)
            if chance.random() < 0.1 and len(awake) == len(world.runners):
                world.signal(victim, signal.SIGSTOP)
                victim.stopped_at = now
                world.stalls += 1
            else:
                world.signal(victim, signal.SIGKILL)
        time.sleep(0.05)

    def _trap(self) -> str:
        call = self._chance.choice(("start", "start", "move", "move", *LEDGER, *TARGET))
        return f"{call}:{self._chance.choice(['before', 'after'])}:{self._chance.randint(1, 4)}:kill"


@pytest.fixture(scope="session")
def forkery() -> Iterator[Forkery]:
    with Forkery() as forkery:
        yield forkery


# One server for all tests that need PostgreSQL, on whichever worker runs them.
@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("runner-postgres"))])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_world(
    tmp_path: Path, forkery: Forkery, fresh_url: Callable[[str], str]  # noqa: F811  # a fixture
) -> Iterator[Callable[..., World]]:  # fmt: skip
    """Makes the world of a test: on which ledger, how many jobs, and what the target can."""
    with ExitStack() as stack:

        def make(kind: str, *, jobs: int, full: bool, url: str | None = None, **target: float) -> World:
            return stack.enter_context(_world(tmp_path, forkery, url or fresh_url(kind), jobs, full, target))

        yield make


@contextmanager
def _world(
    folder: Path, forkery: Forkery, url: str, jobs: int, full: bool, target: dict[str, float]
) -> Iterator[World]:
    interact = Interact(jobs=some_jobs(jobs, full=full), full=full, **target)
    with Scripted(interact, slow_seconds=1.5) as front:
        home = folder / "world"
        home.mkdir()
        world = World(home, front, interact, url, forkery)
        try:
            yield world
        finally:
            for runner in world.runners:
                world.kill(runner)
            world.ledger.close()
