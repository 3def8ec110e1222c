"""The git ledger without any runner that stays: `runner --once` from several clones, killed around its pushes."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ALL, Mischief, Runner, World
from .forked import GIT

JOBS, HOURS, KILLS, RUNNERS = (25, 40, 300, 4) if ALL else (4, 2, 5, 2)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    made = new_world("git", jobs=JOBS, full=True, takes=0.1)
    made.arguments = ("--once",)
    made.codes = frozenset({-9, 0})
    return made


def test_killed_around_pushes(world: World) -> None:
    """A scheduled workflow that runs often, overlaps itself, and is cancelled at any moment."""
    chance, began = random.Random(), time.monotonic()
    world.start()
    world.until(world.decided, 60)
    world.until(lambda: world.bury() == 0 and not world.runners, 60)
    world.codes = frozenset({-9, 0, 1})  # one that waited for its turn in vain says so, and the next one goes on
    mischief = Mischief(world, chance, runners=RUNNERS)
    world.front.trouble = mischief.spoil
    rounds = 10 if ALL else 1  # of several hours: what is due at once queues, and what is in the way is not skipped
    for number in range(1, rounds + 1):
        world.next_hours(HOURS // rounds)
        while (wanted := world.kills < KILLS * number // rounds) or world.over() < 0.7:
            assert time.monotonic() - began < (3_000 if ALL else 150), world.story()
            world.bury()
            while len(world.runners) < RUNNERS:
                trap = f"{chance.choice(GIT)}:{chance.choice(['before', 'after'])}:{chance.randint(1, 6)}:kill"
                world.start(trap=trap if wanted and chance.random() < 0.7 else "")
            if wanted and chance.random() < 0.02:
                world.signal(chance.choice(world.runners), 9)
            time.sleep(0.05)
    world.front.trouble = lambda _request, _number: None
    for runner in world.runners:
        world.kill(runner)
    world.bury()
    while not world.settled():
        assert time.monotonic() - began < (3_600 if ALL else 240), world.story()
        once = world.start()
        world.until(lambda: world.forkery.code(once.pid) is not None, 60)  # noqa: B023  # called at once
        world.bury()
        world.set_clock(5.0)
    states = world.sums()
    print(f"git: {len(world.expected())} keys, {world.kills} kills, {len(world.front.troubles)} requests spoilt:"
          f" {dict(states)}; {time.monotonic() - began:.0f} s")  # fmt: skip


def test_two_clones_at_once_and_ticks_that_were_dropped(world: World, tmp_path: Path) -> None:
    """As GitHub Actions does it: each time two clones, none of which remembers anything."""
    remote = world.url.removeprefix("git:")
    world.url = "git:origin"
    subprocess.run(["git", "init", "-q", str(world.folder)], check=True)
    subprocess.run(["git", "-C", str(world.folder), "remote", "add", "origin", remote], check=True)

    def at_once() -> list[Runner]:
        """Two clones, used once and thrown away."""
        clones = [tmp_path / f"clone-{time.monotonic_ns()}-{number}" for number in range(2)]
        home, runners = world.folder, []
        for clone in clones:
            shutil.copytree(home, clone, ignore=shutil.ignore_patterns("runner-*.log", ".state", ".interact"))
            world.folder = clone
            runners.append(world.start())
        world.folder = home
        codes = [world.forkery.wait(runner.pid) for runner in runners]
        assert codes == [0, 0], [runner.log.read_text() for runner in runners]
        world.runners.clear()
        for clone in clones:
            shutil.rmtree(clone)
        return runners

    def whole() -> bool:
        at_once()
        world.set_clock(5.0)
        return world.settled()

    at_once()
    world.until(world.decided, 10)  # what we read is two seconds old at most
    for hours in (1, 1, 3):  # three: two ticks never came
        world.next_hours(hours)
        at_once()
        world.until(lambda: len(world.runs()) == world.hours * len(world.interact.jobs), 10)
    until = time.monotonic() + 60
    while not whole():
        assert time.monotonic() < until, world.story()
    world.sums()
