"""When a runner looks at the target's chats: after a repeated request, before an overlap is judged, and at a hint."""

from __future__ import annotations

from dataclasses import replace

from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.runner.target import Request

from .conftest import OPTIONS, SPACE, START, World

SELDOM = replace(OPTIONS, poll_first=600.0, poll_last=600.0)
EIGHT, NINE = (scheduled_key("j", START.replace(hour=hour, minute=0)) for hour in (8, 9))


def test_the_chat_of_a_request_that_was_repeated_later_is_found(world: World) -> None:
    world.jobs.put("j", timeout=36_000)
    first, second = world.runner(), world.runner()
    world.settle(first)
    world.clock.pass_by(1_800)
    lost: list[Request] = []
    world.target.lose = lambda request: not lost and lost.append(request) is None
    while not lost:
        first.step()  # it is killed after its request went out
    world.clock.pass_by(600)
    world.settle(second)
    assert len(world.target.chats_by_id) == 1
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(second)
    assert world.state(EIGHT) == "succeeded"


def test_an_overlap_is_judged_by_what_the_target_shows_then(world: World) -> None:
    world.options = SELDOM
    world.jobs.put("j", timeout=36_000)
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(1_800)
    world.settle(runner)
    world.clock.pass_by(3_590)
    world.settle(runner)
    world.target.finish()  # unseen: the last look was ten seconds before the next occurrence
    world.clock.pass_by(10)
    world.settle(runner)
    assert world.state(EIGHT) == "succeeded"
    assert world.state(NINE) in {"triggered", "running"}


def test_a_hint_is_a_look_at_once(world: World) -> None:
    world.options = replace(OPTIONS, poll_first=10.0, poll_last=600.0)
    world.jobs.put("j", timeout=36_000)
    runner = world.runner()
    world.settle(runner)
    for seconds in (1_800, 10, 16, 23):  # ever more seldom
        world.clock.pass_by(seconds)
        world.settle(runner)
    world.target.finish()
    world.clock.pass_by(11)
    world.settle(runner)
    (run,) = world.ledger.runs(SPACE, [EIGHT])
    assert not run.ended
    runner.hint("remote-j")
    runner.hint("remote-of-nobody")
    world.settle(runner)
    assert world.state(EIGHT) == "succeeded"
