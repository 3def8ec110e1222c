"""Runners that are killed at any moment, stand still for longer than their leases, and lose requests and answers:
each occurrence has its chats once, as the target counts them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from .conftest import ALL, Mischief, World

JOBS, ROUNDS, KILLS, RUNNERS = (50, 10, 300, 4) if ALL else (8, 2, 8, 3)


@pytest.mark.parametrize("full", [True, False], ids=["keys", "public"])
def test_killed_stopped_and_cut_off(new_world: Callable[..., World], kind: str, full: bool) -> None:
    lag = 0.0 if full else 0.5
    world = new_world(kind, jobs=JOBS, full=full, takes=0.1, lag=lag)
    began = time.monotonic()
    mischief = Mischief(world, random.Random(), runners=RUNNERS)
    world.start()
    world.until(world.decided)
    world.front.trouble = mischief.spoil
    for number in range(1, ROUNDS + 1):
        world.next_hours(2)
        while (wanted := world.kills < KILLS * number // ROUNDS) or world.over() < 0.7:
            assert time.monotonic() - began < (1_800 if ALL else 120), world.story()
            mischief.act(kill=wanted)
    world.front.trouble = lambda _request, _number: None
    for runner in world.runners:
        world.kill(runner)
    world.bury()
    world.start()
    world.start()
    world.until(world.settled, 300 if ALL else 60, hasten=True)
    states = world.sums()
    world.end()
    assert states["succeeded"] > len(world.expected()) / 3
    requests, chats = sum(world.interact.asked.values()), len(world.interact.chats)
    print(f"{kind}, {'idempotency keys' if full else 'no keys, lists lag'}: {len(world.expected())} keys,"
          f" {world.kills} kills, {world.stalls} stalls, {len(world.front.troubles)} requests spoilt:"
          f" {requests} triggers arrived, {chats} chats; twice 0, lost 0, held {states['needs_operator']}"
          f" ({states['held with a chat']} with a chat);"
          f" {time.monotonic() - began:.0f} s")  # fmt: skip
