"""A runner from due to end, on a simulated clock and a real ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interact_gitops.jobs.model import FanOut, Retries
from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.runner.runner import Runner
from interact_gitops.runner.target import Answer, Request
from interact_gitops.schedule import Schedule

from .conftest import OPTIONS, SPACE, START, World

HOUR = 3600.0
HALF_PAST = 1800.0


def key(hour: int, job: str = "j") -> str:
    return scheduled_key(job, START.replace(hour=0, minute=0) + timedelta(hours=hour))


def started(world: World, **fields: Any) -> Runner:
    """A runner whose job `j` just became due at eight and was sent."""
    world.jobs.put("j", **fields)
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(HALF_PAST)
    world.settle(runner)
    return runner


def test_from_due_to_succeeded(world: World) -> None:
    runner = started(world)
    (chat,) = world.target.chats_by_id.values()
    assert (chat.job, chat.key) == ("remote-j", f"{key(8)}~1")
    assert chat.body == {"trigger": "schedule", "scheduledAt": "2026-11-23T08:00:00Z"}
    assert world.state(key(8)) == "running"
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "succeeded"
    assert [step.state for step in world.ledger.transitions(SPACE, key(8))] == [
        "planned", "claimed", "sending", "triggered", "running", "succeeded",
    ]  # fmt: skip


def test_a_job_seen_for_the_first_time_is_not_run_for_its_past(world: World) -> None:
    runner = started(world)
    world.jobs.put("k", "*/5 * * * *")
    world.settle(runner)
    assert set(world.states()) == {"running"}
    assert len(world.target.requests) == 1


def test_overlap_is_skipped_and_says_what_was_in_the_way(world: World) -> None:
    runner = started(world, timeout=7 * 3600)
    world.clock.pass_by(HOUR)
    world.settle(runner)
    (run,) = world.ledger.runs(SPACE, [key(9)])
    assert (run.state, run.in_the_way) == ("skipped_overlap", key(8))
    assert len(world.target.requests) == 1


def test_queue_one_waits_for_its_turn_and_keeps_the_newest(world: World) -> None:
    runner = started(world, timeout=7 * 3600, overlap="queue_one")
    for _ in range(2):
        world.clock.pass_by(HOUR)
        world.settle(runner)
    assert (world.state(key(9)), world.state(key(10))) == ("skipped_overlap", "planned")
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(runner)
    assert (world.state(key(8)), world.state(key(10))) == ("succeeded", "running")


def test_allow_runs_beside_each_other(world: World) -> None:
    runner = started(world, timeout=7 * 3600, overlap="allow")
    world.clock.pass_by(HOUR)
    world.settle(runner)
    assert world.states() == {"running": 2}


def test_what_the_target_itself_runs_is_in_the_way_too(world: World) -> None:
    world.target.answers = lambda _request: Answer(verdict="busy", said="busy", in_the_way="chat_77")
    started(world)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert (run.state, run.in_the_way) == ("skipped_overlap", "chat_77")


def test_a_fan_out_is_one_request_and_ends_with_its_worst_chat(world: World) -> None:
    combinations = ({"n": 1}, {"n": 2}, {"n": 3})
    runner = started(
        world, fan_out=FanOut(combinations=combinations, max_parallel=2), parameters={"n": {"type": "integer"}}
    )
    assert len(world.target.requests) == 1
    chats = list(world.target.chats_by_id.values())
    assert len(chats) == 3
    assert chats[0].body["combinations"] == list(combinations)
    assert chats[0].body["maxParallel"] == 2
    chats[0].status, chats[1].status = "completed", "failed"
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "running"
    chats[2].status = "completed"
    world.clock.pass_by(1)
    world.settle(runner)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert (run.state, [part.state for part in run.parts]) == ("failed", ["succeeded", "failed", "succeeded"])
    assert run.reason == "1 of 3 chats: failed (chat chat_2)"


def test_a_failed_run_is_tried_again_with_what_failed(world: World) -> None:
    runner = started(
        world, fan_out=FanOut(combinations=({"n": 1}, {"n": 2})), parameters={"n": {"type": "integer"}},
        retries=Retries(max_attempts=2, backoff=60), timeout=7200,
    )  # fmt: skip
    first, second = world.target.chats_by_id.values()
    first.status, second.status = "completed", "failed"
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "planned"
    world.clock.pass_by(59)
    world.settle(runner)
    assert len(world.target.requests) == 1
    world.clock.pass_by(2)
    world.settle(runner)
    again = list(world.target.chats_by_id.values())[-1]
    assert (again.key, again.body["combinations"]) == (f"{key(8)}~2", [{"n": 2}])
    again.status = "completed"
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "succeeded"


def test_a_target_that_retries_by_itself_is_left_to_it(world: World) -> None:
    world.target.retries = True
    runner = started(world, retries=Retries(max_attempts=3, backoff=60))
    world.target.finish("failed")
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "failed"


def test_a_run_past_its_timeout_is_cancelled_and_timed_out(world: World) -> None:
    runner = started(world, timeout=600)
    world.clock.pass_by(601)
    world.settle(runner)
    assert world.state(key(8)) == "timed_out"
    assert world.target.cancelled == ["chat_1"]


def test_a_status_nobody_knows_is_never_success(world: World) -> None:
    runner = started(world, timeout=600)
    world.target.finish("resting")
    world.clock.pass_by(500)
    world.settle(runner)
    assert world.state(key(8)) == "running"
    world.clock.pass_by(101)
    world.settle(runner)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert run.state == "needs_operator"
    assert "the target says 'resting' of chat chat_1" in (run.reason or "")


def test_a_lost_answer_is_sent_again_under_the_same_key(world: World) -> None:
    lost: list[str] = []

    def lose(request: Request) -> bool:
        lost.append(request.idempotency_key)
        return len(lost) <= 2

    world.target.lose = lose
    runner = started(world)
    for _ in range(4):
        world.clock.pass_by(5)
        world.settle(runner)
    assert lost == [f"{key(8)}~1"] * 3
    assert len(world.target.chats_by_id) == 1
    assert world.state(key(8)) == "running"


def test_without_idempotency_keys_a_lost_run_is_found_in_the_list(world: World) -> None:
    world.target.repeats = False
    world.target.lose = lambda _request: True
    world.target.lag = timedelta(seconds=20)
    runner = started(world)
    assert world.state(key(8)) == "sending"
    for _ in range(8):
        world.clock.pass_by(10)
        world.settle(runner)
    assert len(world.target.requests) == 1
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert (run.state, run.parts[0].chat) == ("running", "chat_1")


def test_without_idempotency_keys_a_run_that_cannot_be_found_waits_for_somebody(world: World) -> None:
    world.target.repeats = False
    world.target.answers = lambda _request: Answer(verdict="unknown", said="cut off")
    runner = started(world)
    for _ in range(8):
        world.clock.pass_by(10)
        world.settle(runner)
    assert world.state(key(8)) == "needs_operator"
    assert len(world.target.requests) == 1


def test_a_foreign_run_in_progress_is_seen_before_sending_where_keys_are_not_honoured(world: World) -> None:
    world.target.repeats = False
    world.target.start(Request(remote_job="remote-j", payload="{}", idempotency_key="by hand", seconds=1))
    started(world)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert (run.state, run.in_the_way) == ("skipped_overlap", "chat_1")


def test_a_target_that_asks_for_patience_gets_it(world: World) -> None:
    world.target.answers = lambda _request: Answer(verdict="later", said="slow down", retry_after=120.0)
    runner = started(world)
    assert world.state(key(8)) == "planned"
    world.clock.pass_by(100)
    world.settle(runner)
    assert len(world.target.requests) == 1
    world.target.answers = lambda _request: None
    world.clock.pass_by(21)
    world.settle(runner)
    assert world.state(key(8)) == "running"


def test_a_key_that_may_not_holds_the_target_and_says_so_once(world: World) -> None:
    world.target.answers = lambda _request: Answer(verdict="denied", said="the key lacks agent_jobs_trigger")
    for name in "abc":
        world.jobs.put(name)
    runner = started(world)
    assert world.states() == {"planned": 4}
    held = world.ledger.held(SPACE)
    assert held is not None
    assert "agent_jobs_trigger" in held.reason
    before = len(world.target.requests)
    world.clock.pass_by(60)
    world.settle(runner)
    assert len(world.target.requests) == before
    world.target.answers = lambda _request: None
    world.ledger.lift(SPACE)
    world.clock.pass_by(10)
    world.settle(runner)
    assert world.states() == {"running": 4}


def test_a_refusal_is_a_failure_with_its_reason(world: World) -> None:
    world.target.answers = lambda _request: Answer(verdict="refused", said="parameter n is too large")
    started(world)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert (run.state, run.reason) == ("failed", "parameter n is too large")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"bound": False}, "the target has no such job"), ({"refused": "it needs parameters"}, "it needs parameters")],
)
def test_a_job_that_cannot_be_sent_says_why(world: World, fields: dict[str, Any], said: str) -> None:
    started(world, **fields)
    (run,) = world.ledger.runs(SPACE, [key(8)])
    assert run.state == "failed"
    assert said in (run.reason or "")
    assert world.target.requests == []


def test_a_job_removed_while_its_run_is_active_is_followed_to_its_end(world: World) -> None:
    runner = started(world)
    world.jobs.put("k")
    world.jobs.remove("j")
    world.settle(runner)
    assert world.state(key(8)) == "running"
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "succeeded"
    world.clock.pass_by(HOUR)
    world.settle(runner)
    assert world.ledger.runs(SPACE, [key(9)]) == ()


def test_an_empty_catalogue_forgets_nothing(world: World) -> None:
    runner = started(world)
    world.jobs.remove("j")
    world.settle(runner)
    assert "j" in world.ledger.jobs(SPACE)


def test_a_rename_carries_everything_over(world: World) -> None:
    runner = started(world, timeout=7 * 3600)
    world.jobs.remove("j")
    world.jobs.put("k", moved_from=("j",), timeout=7 * 3600)
    world.settle(runner)
    world.clock.pass_by(HOUR)
    world.settle(runner)
    (run,) = world.ledger.runs(SPACE, [key(9, "k")])
    assert (run.state, run.in_the_way) == ("skipped_overlap", key(8))


def test_failures_in_a_row_pause_the_schedule(world: World) -> None:
    runner = started(world, pause_after_failures=2)
    for _ in range(3):
        world.target.finish("failed")
        world.clock.pass_by(1)
        world.settle(runner)
        world.clock.pass_by(HOUR - 1)
        world.settle(runner)
    assert world.states() == {"failed": 2}
    pause = world.ledger.jobs(SPACE)["j"].pause
    assert pause is not None
    assert "2 failures in a row" in pause.reason
    world.ledger.resume(SPACE, "j")
    runner._decider.pauses_changed()
    world.clock.pass_by(HOUR)
    world.settle(runner)
    assert world.states() == {"failed": 2, "running": 1}


def test_after_downtime_the_newest_runs_and_the_others_are_recorded(world: World) -> None:
    runner = started(world)
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(runner)
    runner.drain(1)
    world.clock.pass_by(4 * HOUR)
    world.settle(world.runner())
    assert [world.state(key(hour)) for hour in (9, 10, 11, 12)] == ["missed", "missed", "missed", "running"]


def test_catch_up_all_runs_one_after_the_other(world: World) -> None:
    everything = Schedule(cron="0 * * * *", catch_up="all")
    runner = started(world, schedule=everything, overlap="allow")
    world.target.finish()
    world.clock.pass_by(1)
    world.settle(runner)
    runner.drain(1)
    world.clock.pass_by(3 * HOUR)
    late = world.runner()
    for hour in (9, 10, 11):
        world.settle(late)
        assert world.state(key(hour)) == "running"
        world.target.finish()
        world.clock.pass_by(1)
    world.settle(late)
    assert world.states() == {"succeeded": 4}


def test_two_runners_start_each_run_once(world: World) -> None:
    for number in range(30):
        world.jobs.put(f"j{number}")
    one, other = world.runner(), world.runner()
    world.settle(one, other)
    world.clock.pass_by(HALF_PAST)
    world.settle(one, other)
    assert len(world.target.requests) == len({request.idempotency_key for request in world.target.requests}) == 30
    assert world.states() == {"running": 30}


def test_a_killed_runners_work_is_taken_over_after_its_lease(world: World) -> None:
    started(world)  # and never stepped again
    other = world.runner()
    world.target.finish()
    world.clock.pass_by(60)
    world.settle(other)
    assert world.state(key(8)) == "running"
    world.clock.pass_by(OPTIONS.lease)
    world.settle(other)
    assert world.state(key(8)) == "succeeded"


def test_a_silent_target_is_asked_again(world: World) -> None:
    runner = started(world)
    world.target.finish()
    world.target.silent = True
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.state(key(8)) == "running"
    world.target.silent = False
    world.clock.pass_by(20)
    world.settle(runner)
    assert world.state(key(8)) == "succeeded"


def test_a_wish_to_cancel_is_seen(world: World) -> None:
    runner = started(world)
    world.ledger.cancel(SPACE, [key(8)], by="me", reason="wrong", now=world.clock.now())
    world.settle(runner)
    world.clock.pass_by(1)
    world.settle(runner)
    assert world.target.cancelled == ["chat_1"]
    assert world.state(key(8)) == "cancelled"


def test_once_sends_what_is_due_and_leaves_the_rest_to_the_next(world: World) -> None:
    world.jobs.put("j")
    world.runner().once(follow=False)
    world.clock.pass_by(HALF_PAST)
    world.runner().once(follow=False)
    assert world.state(key(8)) in {"triggered", "running"}
    world.target.finish()
    world.clock.pass_by(300)
    world.runner().once(follow=False)
    assert world.state(key(8)) == "succeeded"
    assert len(world.target.requests) == 1


def test_more_parallelism_than_work_and_less(world: World) -> None:
    world.options = replace(OPTIONS, parallelism=1)
    for number in range(5):
        world.jobs.put(f"j{number}")
    runner = world.runner()
    world.settle(runner)
    world.clock.pass_by(HALF_PAST)
    world.settle(runner)
    assert world.states() == {"running": 5}


def test_a_missed_run_rings_once(world: World) -> None:
    runner = started(world, schedule=Schedule(cron="0 * * * *", start_deadline=60), grace=60, timeout=7 * 3600)
    world.clock.pass_by(121)
    world.settle(runner)
    assert runner._journal.counts["notice_missed_run"] == 1
    world.clock.pass_by(121)
    world.settle(runner)
    assert runner._journal.counts["notice_missed_run"] == 1
