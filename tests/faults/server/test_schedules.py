"""Servers killed in the middle of their own schedules, on a clock that makes an hour of a minute: every occurrence has
its chats, once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interact_gitops.ledger.opening import open_ledger
from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.sample.warehouse import agents_file

from .conftest import AGENTS, Visitor

ALL = os.environ.get("CHAOS") == "all"
KILLS = 40 if ALL else 5
DEATHS = 8 if ALL else 1  # at each point
POINTS = [f"{step}:{moment}" for step in ("start", "decide", "claim", "move") for moment in ("before", "after")]
JOBS = 8
SPEED = 60.0  # the servers' minutes pass in a second
BEGIN = datetime(2026, 11, 23, 7, 0, 30, tzinfo=UTC)
PARAMETERS = {"n": {"type": "integer", "default": 1}}
FAN_OUT = {"combinations": [{"n": 1}, {"n": 2}, {"n": 3}]}
_SERVE = """
import itertools, os, signal, sys, time
from datetime import datetime, timedelta
from pathlib import Path
from interact_gitops.server.scheduling.ledger import ScheduleLedger
from interact_gitops.server.scheduling.target import OwnTarget
from interact_gitops.server.serving import serve

def die(step, moment, number):
    owner = OwnTarget if step == "start" else ScheduleLedger
    real, calls = getattr(owner, step), itertools.count(1)
    def deadly(*arguments, **named):
        asked = next(calls) == number and (step != "claim" or moment == "before")
        if asked and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if asked or (step == "claim" and moment == "after" and result):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, step, deadly)

data, agents, sample, begin, since, speed, death = sys.argv[1:]
if death:
    step, moment, number = death.split(":")
    die(step, moment, int(number))
began, start = float(since), datetime.fromisoformat(begin)
serve(Path(data), agents=Path(agents), sample_folder=Path(sample), drain_seconds=0.2, workers=4,
      clock=lambda: start + timedelta(seconds=(time.time() - began) * float(speed)),
      started=lambda server: print(server.url, flush=True))
"""


class Fast(Visitor):
    """A server on a fast clock, in a process of its own."""

    def __init__(
        self, folder: Path, sample: Path, *, begin: datetime, since: float, speed: float = SPEED, death: str = ""
    ) -> None:
        agents = folder.parent / "agents.yaml"
        agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
        arguments = [folder, agents, sample, begin.isoformat(), repr(since), str(speed), death]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _SERVE, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.startswith("http") or death, self.process.communicate()
        credentials = read_credentials(folder)
        assert credentials is not None
        super().__init__(line, credentials.api_key, credentials.organization_id)
        self.organization = credentials.organization_id

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def fast(tmp_path: Path, sample: Path) -> Iterator[Callable[..., Fast]]:
    """Starts servers on one data folder, one after the other."""
    started: list[Fast] = []

    def start(**clock: object) -> Fast:
        started.append(Fast(tmp_path / "data", sample, **clock))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def test_killed_in_the_middle_of_its_schedules(fast: Callable[..., Fast], tmp_path: Path) -> None:
    chance = random.Random(4)
    since = time.time()
    server = fast(begin=BEGIN, since=since)
    schedule = {"cron": "* * * * *", "catchUp": "all", "startDeadlineSeconds": 24 * 3600}
    for number in range(JOBS):
        more = {"parameters": PARAMETERS, "fanOut": FAN_OUT} if number % 2 else {}
        server.job(f"job-{number}", "quick", overlap="allow", schedule=schedule, **more)
    for death in chance.sample(POINTS, len(POINTS)) * DEATHS:
        server.kill()
        server = fast(begin=BEGIN, since=since, death=f"{death}:{chance.randint(1, 12)}")
        _, said = server.process.communicate(timeout=30)
        assert server.process.returncode == -signal.SIGKILL, (death, said)
    server = fast(begin=BEGIN, since=since)
    for _ in range(KILLS):
        # Mostly around the full minute, when everything happens at once.
        into = (time.time() - since + 0.5) % 1.0
        time.sleep(1.0 + (1.0 - into) + chance.choice([0.0, 0.02, 0.05, 0.1, 0.2, 0.5]) * chance.random())
        server.kill()
        server = fast(begin=BEGIN, since=since)
    time.sleep(1.0)
    server.kill()
    end = BEGIN + timedelta(seconds=(time.time() - since) * SPEED)
    server = fast(begin=end, since=time.time(), speed=1e-9)  # the clock stands still
    server.until(lambda: _settled(server, tmp_path / "data"), seconds=60)

    chats = server.until_idle()
    last = end.replace(second=0, microsecond=0)
    for number in range(JOBS):
        of_job = [chat for chat in chats if chat["job"]["key"] == f"job-{number}"]
        seen = Counter((chat["scheduledAt"], chat["parameters"].get("n")) for chat in of_job)
        assert set(seen.values()) == {1}, [name for name, count in seen.items() if count > 1]
        minutes = sorted({datetime.fromisoformat(at) for at, _ in seen})
        count = round((last - minutes[0]) / timedelta(minutes=1)) + 1
        assert minutes == [minutes[0] + timedelta(minutes=n) for n in range(count)]
        assert len(seen) == count * (3 if number % 2 else 1)
        assert minutes[0] - BEGIN < timedelta(minutes=10)  # from the beginning on
        assert {chat["runKey"] for chat in of_job} == {f"job-{number}@{at:%Y-%m-%dT%H:%MZ}~1" for at in minutes}
    assert {chat["status"] for chat in chats} <= {"completed", "failed"}
    assert all(chat["interrupted"] for chat in chats if chat["status"] == "failed")
    print(f"{len(chats)} chats of {JOBS * count} occurrences, {KILLS + DEATHS * len(POINTS)} kills: each once")


def _settled(server: Fast, folder: Path) -> bool:
    ledger = open_ledger("sqlite:///schedules.db", folder=folder)
    try:
        counts = ledger.counts(server.organization)
        assert ledger.check() == ()
    finally:
        ledger.close()
    return set(counts) <= {"succeeded", "failed"}
