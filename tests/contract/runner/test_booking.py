"""A run that is sent by whoever asked for it, beside runners, on a real ledger and a simulated clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interact_gitops.errors import Refused, RunSkipped
from interact_gitops.jobs.model import FanOut
from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.ledger.records import Run
from interact_gitops.runner.asked import manual_run
from interact_gitops.runner.booking import LEASE, REQUEST, Booking
from interact_gitops.runner.runner import Runner
from interact_gitops.runner.target import Answer, TargetSilent

from .conftest import SPACE, START, World

EIGHT = scheduled_key("j", START.replace(hour=8, minute=0))


def booking(world: World, by: str = "anna") -> Booking:
    return Booking(ledger=world.ledger, space=SPACE, by=by, now=world.clock.now)


def planned(world: World, *, chats: int = 1, **fields: Any) -> str:
    """A manual run of `j`, written down and not sent; its key."""
    if "j" not in world.jobs.found:
        world.jobs.put("j", None)
    combinations = tuple({"n": n} for n in range(chats)) if chats > 1 else ({},)
    given = {"by": "anna", "fan_out": chats > 1, "target_judges": False}
    new = manual_run(world.jobs.found["j"], combinations, world.clock.now(), **{**given, **fields})
    world.ledger.add(SPACE, [new], by="anna", now=world.clock.now())
    return new.key


def sent(world: World, **fields: Any) -> str:
    """A manual run that was sent, and that nobody follows; its key."""
    key, desk = planned(world, **fields), booking(world)
    run = desk.claim(key, world.target, sleep=asleep)
    assert run is not None
    request = desk.intend(run, "remote-j")
    assert request is not None
    desk.answered(key, world.target.start(request))
    return key


def asleep(_seconds: float) -> None:
    raise AssertionError("nothing is waited for")


def run_of(world: World, key: str) -> Run:
    (run,) = world.ledger.runs(SPACE, [key])
    return run


def steps(world: World, key: str) -> list[str]:
    return [step.state for step in world.ledger.transitions(SPACE, key)]


def test_a_run_is_written_down_step_by_step_and_then_left_to_a_runner(world: World) -> None:
    key = sent(world)
    assert steps(world, key) == ["planned", "claimed", "sending", "triggered"]
    assert run_of(world, key).owner is None
    (request,) = world.target.requests
    assert request.idempotency_key == f"{key}~1"
    runner = world.runner()
    world.settle(runner)
    assert run_of(world, key).owner == "runner-0"
    world.target.finish()
    world.wait(5, runner)
    assert world.state(key) == "succeeded"


def test_whoever_waits_says_how_it_ended_where_no_runner_follows(world: World) -> None:
    key = sent(world)
    world.target.finish("failed")
    booking(world).look(world.target)
    assert world.state(key) == "failed"
    assert booking(world).seen(key, {}) == run_of(world, key)  # it is over: news changes nothing
    assert booking(world).seen("j!never", {}) is None


def test_a_runner_that_follows_is_left_to_it(world: World) -> None:
    key = sent(world)
    world.settle(world.runner())
    world.target.finish()
    booking(world).look(world.target)
    assert world.state(key) == "running"


def test_the_intent_is_there_before_the_request_and_a_lost_answer_is_recovered(world: World) -> None:
    """Whoever asked died with the request under way: the next runner sends the same attempt, which starts nothing."""
    key, desk = planned(world), booking(world)
    run = desk.claim(key, world.target)
    assert run is not None
    request = desk.intend(run, "remote-j")
    assert request is not None
    assert run_of(world, key).state == "sending"
    world.target.start(request)
    runner = world.runner()
    world.settle(runner)
    assert run_of(world, key).state == "sending"  # the lease of whoever died
    world.wait(LEASE + 10, runner)
    assert world.state(key) == "running"
    assert len(world.target.chats_by_id) == 1
    assert len(world.target.requests) == 2
    assert LEASE > REQUEST + 20


def test_a_run_whose_answer_says_nothing_needs_somebody_and_tells(world: World) -> None:
    key, desk = planned(world), booking(world)
    run = desk.claim(key, world.target)
    assert run is not None
    desk.intend(run, "remote-j")
    desk.unknown(key, "no new chat is listed")
    assert run_of(world, key).state == "needs_operator"
    assert run_of(world, key).reason == "no new chat is listed"
    deliveries = world.ledger.take_notices(SPACE, owner="x", lease_seconds=60, limit=10, now=world.clock.now())
    assert [one.notice.topic for one in deliveries] == ["needs_operator"]
    desk.unknown(key, "again")  # and nothing a second time
    desk.answered(key, Answer(verdict="started", chats=("chat_1",)))
    assert run_of(world, key).reason == "no new chat is listed"


def test_a_run_that_was_cancelled_meanwhile_is_not_sent(world: World) -> None:
    key, desk = planned(world), booking(world)
    run = desk.claim(key, world.target)
    assert run is not None
    assert booking(world, "ben").cancel(run, world.target, by="ben").outcome == "done"
    assert desk.intend(run, "remote-j") is None
    with pytest.raises(RunSkipped, match="does not start: cancelled by ben"):
        desk.sent_by_a_runner(key, sleep=asleep)
    assert desk.claim(key, world.target) is None
    assert world.target.requests == []


def test_a_run_that_a_runner_took_is_waited_for(world: World) -> None:
    key = planned(world)
    runner = world.runner()

    def a_moment(seconds: float) -> None:
        world.clock.pass_by(seconds)
        world.settle(runner)

    world.ledger.claim(SPACE, owner="runner-0", lease_seconds=120, limit=1, now=world.clock.now())
    desk = booking(world)
    assert desk.claim(key, world.target) is None
    run = desk.sent_by_a_runner(key, sleep=a_moment)
    assert [part.chat for part in run.parts] == ["chat_1"]
    assert len(world.target.chats_by_id) == 1


def test_a_run_that_a_runner_keeps_or_cannot_send_is_said(world: World) -> None:
    key = planned(world)
    (claimed,) = world.ledger.claim(SPACE, owner="stuck", lease_seconds=9_999, limit=1, now=world.clock.now())
    with pytest.raises(Refused, match=r"is claimed, in the hands of a runner: stuck"):
        booking(world).sent_by_a_runner(key, sleep=lambda _seconds: None)
    stuck = Booking(ledger=world.ledger, space=SPACE, by="stuck", now=world.clock.now)
    stuck.intend(claimed, "remote-j")
    stuck.answered(key, Answer(verdict="refused", said="the agent is not active"))
    with pytest.raises(Refused, match="did not start: the agent is not active"):
        booking(world).sent_by_a_runner(key, sleep=asleep)
    with pytest.raises(RunSkipped, match="it was removed"):
        booking(world).sent_by_a_runner("j!never", sleep=asleep)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [("later", "failed"), ("denied", "failed"), ("gone", "failed"), ("refused", "failed"), ("busy", "skipped_overlap")],
)
def test_nobody_waits_for_a_request_that_did_not_start(world: World, verdict: Any, state: str) -> None:
    world.target.answers = lambda _request: Answer(verdict=verdict, said="no", in_the_way="chat_77")
    key = sent(world)
    run = run_of(world, key)
    assert (run.state, run.reason) == (state, "no")
    assert run.in_the_way == ("chat_77" if state == "skipped_overlap" else None)


def test_a_retry_that_finds_the_target_busy_has_failed_again(world: World) -> None:
    """It was sent before: it cannot be as if it never was."""
    key = sent(world)
    world.target.finish("failed")
    booking(world).look(world.target)
    desk = booking(world)
    again = desk.again(run_of(world, key), by="anna")
    run = desk.claim(again.key, world.target)
    assert run is not None
    desk.intend(run, "remote-j")
    desk.answered(key, Answer(verdict="busy", said="chat_77 is running"))
    assert (run_of(world, key).state, run_of(world, key).attempt) == ("failed", 2)


def test_a_retry_is_the_next_attempt_of_the_same_key(world: World) -> None:
    key = sent(world, chats=3)
    first = list(world.target.chats_by_id.values())
    for chat, status in zip(first, ("completed", "failed", "failed"), strict=True):
        chat.status = status
    desk = booking(world)
    desk.look(world.target)
    run = run_of(world, key)
    assert run.state == "failed"
    again = desk.again(run, by="anna")
    with pytest.raises(Refused, match="changed by somebody else"):
        desk.again(run, by="ben")
    claimed = desk.claim(key, world.target)
    assert claimed is not None
    request = desk.intend(claimed, "remote-j")
    assert request is not None
    desk.answered(key, world.target.start(request))
    assert request.idempotency_key == f"{key}~2"
    assert world.target.requests[-1].payload.count('"n":') == 2
    assert len(world.target.chats_by_id) == 5
    assert again.attempt == 2
    world.target.finish()
    desk.look(world.target)
    assert world.state(key) == "succeeded"


def test_of_two_runs_by_hand_the_second_is_skipped_and_says_why(world: World) -> None:
    first = sent(world)
    second = planned(world)
    with pytest.raises(RunSkipped, match="a run of this job is in progress") as skipped:
        booking(world).claim(second, world.target, sleep=asleep)
    assert skipped.value.message.endswith(first)
    assert "cancel" in (skipped.value.remedy or "")
    run = run_of(world, second)
    assert (run.state, run.in_the_way) == ("skipped_overlap", first)


def test_what_is_in_the_way_of_a_run_by_hand_is_looked_at_first(world: World) -> None:
    sent(world)
    world.target.finish()
    second = planned(world)
    assert booking(world).claim(second, world.target, sleep=asleep) is not None


def test_what_nobody_followed_beyond_its_time_is_not_in_the_way_for_good(world: World) -> None:
    first = sent(world)
    world.clock.pass_by(run_of(world, first).timeout + 1)
    second = planned(world)
    assert booking(world).claim(second, world.target, sleep=asleep) is not None
    assert world.state(first) == "timed_out"
    assert world.target.cancelled == ["chat_1"]


def test_a_chat_that_is_no_longer_listed_needs_somebody_when_its_time_is_over(world: World) -> None:
    first = sent(world)
    world.target.chats_by_id.clear()
    booking(world).look(world.target)
    assert world.state(first) == "running"
    world.clock.pass_by(run_of(world, first).timeout + 1)
    booking(world).look(world.target)
    assert world.state(first) == "needs_operator"


def test_a_run_of_which_nobody_knows_is_in_the_way_and_the_remedy_says_how_to_find_out(world: World) -> None:
    first, desk = planned(world), booking(world)
    claimed = desk.claim(first, world.target)
    assert claimed is not None
    desk.intend(claimed, "remote-j")
    with pytest.raises(RunSkipped) as skipped:
        booking(world).claim(planned(world), world.target, sleep=asleep)
    assert "wait for it" in (skipped.value.remedy or "")
    world.clock.pass_by(LEASE + 1)
    with pytest.raises(RunSkipped) as skipped:
        booking(world).claim(planned(world), world.target, sleep=asleep)
    assert "interact-gitops runner --once" in (skipped.value.remedy or "")


def test_a_retry_waits_for_its_turn_and_a_runner_sends_it(world: World) -> None:
    first = sent(world)
    world.target.finish("failed")
    booking(world).look(world.target)
    second = sent(world)
    desk = booking(world)
    desk.again(run_of(world, first), by="anna")
    with pytest.raises(RunSkipped, match="waits"):
        desk.claim(first, world.target, sleep=lambda _seconds: None)
    assert run_of(world, first).state == "planned"
    world.target.finish()
    runner = world.runner()
    world.wait(10, runner)
    assert (world.state(second), world.state(first)) == ("succeeded", "running")


def test_a_retry_of_a_paused_schedule_says_so(world: World) -> None:
    world.jobs.put("j")
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(1_800)
    world.settle(runner)
    world.target.finish("failed")
    world.wait(5, runner)
    assert world.state(EIGHT) == "failed"
    world.ledger.pause(SPACE, "j", by="anna", reason="the ads API is down", now=world.clock.now())
    desk = booking(world)
    desk.again(run_of(world, EIGHT), by="anna")
    with pytest.raises(RunSkipped, match=r"waits: its job is paused \(the ads API is down\)"):
        desk.claim(EIGHT, world.target, sleep=asleep)


def test_a_row_that_somebody_holds_is_asked_for_again_and_then_left_to_a_runner(world: World) -> None:
    key, naps = planned(world), []
    run = run_of(world, key)
    desk = Booking(ledger=world.ledger, space=SPACE, by="anna", now=lambda: run.due_at - timedelta(hours=1))
    with pytest.raises(RunSkipped, match="waits in line"):
        desk.claim(key, world.target, sleep=naps.append)
    assert len(naps) == 9
    assert run_of(world, key).state == "planned"


# Cancelling


def test_a_run_that_nobody_holds_is_cancelled_at_the_target(world: World) -> None:
    key = sent(world)
    assert booking(world).cancel(run_of(world, key), world.target, by="ben").outcome == "asked"
    assert world.target.cancelled == ["chat_1"]
    run = run_of(world, key)
    assert (run.state, run.cancel_by) == ("cancelled", "ben")


def test_a_run_that_a_runner_holds_is_cancelled_by_it(world: World) -> None:
    key = sent(world)
    runner = world.runner()
    world.settle(runner)
    assert booking(world).cancel(run_of(world, key), world.target, by="ben").outcome == "asked"
    assert world.target.cancelled == []
    world.wait(5, runner)
    assert world.target.cancelled == ["chat_1"]
    assert world.state(key) == "cancelled"


def test_a_run_of_a_dead_runner_is_cancelled_at_the_target_and_recorded_by_the_next(world: World) -> None:
    key = sent(world)
    world.settle(world.runner())
    world.clock.pass_by(world.options.lease + 1)
    booking(world).cancel(run_of(world, key), world.target, by="ben")
    assert world.target.cancelled == ["chat_1"]
    world.wait(5, world.runner())
    assert world.state(key) == "cancelled"


def test_a_wish_to_cancel_outlives_a_silent_target(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = sent(world)

    def silent(_chat: str) -> bool:
        raise TargetSilent("the target is down")

    with monkeypatch.context() as patch:
        patch.setattr(world.target, "cancel", silent)
        with pytest.raises(TargetSilent):
            booking(world).cancel(run_of(world, key), world.target, by="ben")
    world.wait(5, world.runner())
    assert world.state(key) == "cancelled"


def test_what_is_over_or_not_sent_costs_no_request(world: World) -> None:
    key = planned(world)
    assert booking(world).cancel(run_of(world, key), world.target, by="ben").outcome == "done"
    assert booking(world).cancel(run_of(world, key), world.target, by="ben").outcome == "ended"
    assert world.target.cancelled == []


# A run by hand and the schedule


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "allow"])
def test_a_run_by_hand_neither_swallows_nor_delays_a_scheduled_one_but_by_the_overlap_rule(
    world: World, overlap: Any
) -> None:
    world.jobs.put("j", overlap=overlap)
    runner = world.runner()
    world.settle(runner)
    by_hand = sent(world)
    world.clock.pass_by(1_800)
    world.settle(runner)
    scheduled = run_of(world, EIGHT)
    if overlap == "skip":
        assert (scheduled.state, scheduled.in_the_way) == ("skipped_overlap", by_hand)
    elif overlap == "queue_one":
        assert scheduled.state == "planned"
    else:
        assert world.state(EIGHT) == "running"
    world.target.finish()
    world.wait(5, runner)
    assert world.state(by_hand) == "succeeded"
    assert world.state(EIGHT) == {"skip": "skipped_overlap", "queue_one": "running", "allow": "succeeded"}[overlap]


def test_a_run_by_hand_of_another_job_changes_nothing(world: World) -> None:
    world.jobs.put("k", None)
    new = manual_run(world.jobs.found["k"], ({},), world.clock.now(), by="a", fan_out=False, target_judges=False)
    world.ledger.add(SPACE, [new], by="a", now=world.clock.now())
    world.jobs.put("j")
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(1_800)
    world.settle(runner)
    assert world.state(EIGHT) == "running"


def test_a_job_removed_from_git_keeps_its_active_run_to_the_end(world: World) -> None:
    world.jobs.put("k", None)  # where no job at all can be read, nothing is believed to be gone
    key = sent(world)
    waiting = planned(world, target_judges=True)
    world.ledger.hold(SPACE, by="x", reason="not now", now=world.clock.now())
    runner = world.runner()
    world.settle(runner)
    world.jobs.remove("j")
    world.wait(10, runner)
    assert world.state(waiting) == "cancelled"
    assert world.state(key) == "running"
    world.target.finish()
    world.wait(10, runner)
    assert world.state(key) == "succeeded"
    assert "no longer defined" in (run_of(world, waiting).reason or "")


# A ledger that goes away


def test_a_ledger_that_is_gone_after_the_request_is_caught_up_by_a_runner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interact_gitops.ledger.errors import LedgerLost

    key, desk = planned(world), booking(world)
    run = desk.claim(key, world.target)
    assert run is not None
    request = desk.intend(run, "remote-j")
    assert request is not None
    answer = world.target.start(request)

    def lost(*_given: Any, **_more: Any) -> Any:
        raise LedgerLost("the ledger is gone")

    with monkeypatch.context() as patch:
        patch.setattr(world.ledger, "move", lost)
        with pytest.raises(LedgerLost):
            desk.answered(key, answer)
    runner: Runner = world.runner()
    world.wait(LEASE + 10, runner)
    assert world.state(key) == "running"
    assert len(world.target.chats_by_id) == 1


def test_a_fan_out_whose_answer_names_too_few_chats_needs_somebody(world: World) -> None:
    world.target.answers = lambda _request: Answer(verdict="started", chats=("chat_1",))
    key = sent(world, chats=3)
    run = run_of(world, key)
    assert run.state == "needs_operator"
    assert run.reason == "the target started 1 chats for 3 combinations"
    assert [part.chat for part in run.parts] == ["chat_1", None, None]


def test_jobs_of_a_fan_out_go_through_the_same_door(world: World) -> None:
    world.jobs.put(
        "j", None, fan_out=FanOut(matrix={"n": (1, 2)}, max_parallel=1), parameters={"n": {"type": "integer"}}
    )
    key = sent(world, chats=2, max_parallel=1)
    assert replace(run_of(world, key), parts=()).fan_out
    assert '"maxParallel":1' in world.target.requests[0].payload


def test_the_hold_of_a_target_is_lifted_by_whoever_tries(world: World) -> None:
    world.ledger.hold(SPACE, by="x", reason="the key was refused", now=world.clock.now())
    assert world.ledger.held(SPACE) is not None
    key = sent(world)
    assert world.ledger.held(SPACE) is None
    assert world.state(key) == "running"
