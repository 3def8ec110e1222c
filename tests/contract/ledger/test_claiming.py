"""Who may run what, and when: order, overlap, pauses, leases and fences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interact_gitops.ledger.requests import Hold


def keys(runs):
    return [run.key for run in runs]


def test_due_runs_are_claimed_with_a_fence_and_a_lease(desk):
    desk.add(desk.new("a"), desk.new("b", hour=1))
    (run,) = desk.claim("one")
    assert (run.state, run.owner, run.fence, run.job) == ("claimed", "one", 1, "a")
    assert run.leased_until is not None
    assert desk.claim("two") == ()
    desk.later(1)
    assert keys(desk.claim("two")) == [desk.new("b", hour=1).key]
    assert [step.by for step in desk.ledger.transitions(desk.target, run.key)] == ["cli", "one"]


def test_scheduled_runs_go_before_those_that_people_asked_for(desk):
    desk.later(5)
    desk.add(
        desk.new("a", hour=0, kind="backfill", line_up="serial"),
        desk.new("b", hour=1, kind="manual", key="b!1"),
        desk.new("c", hour=2),
        desk.new("d", hour=3),
    )
    assert [run.job for run in desk.claim(limit=3)] == ["c", "d", "b"]
    assert [run.job for run in desk.claim()] == ["a"]


def test_a_job_without_overlap_has_one_run_at_a_time(desk):
    desk.later(3)
    desk.add(desk.new(hour=0), desk.new(hour=1), desk.new("other", hour=2))
    first, other = desk.claim()
    assert (first.key, other.job) == (desk.new(hour=0).key, "other")
    assert desk.claim() == ()
    (blocked,) = desk.ledger.blocked(desk.target, limit=10, now=desk.now)
    assert (blocked.run.key, blocked.why, blocked.in_the_way) == (desk.new(hour=1).key, "in_progress", first.key)
    skipped = desk.step(blocked.run, "skipped_overlap", in_the_way=blocked.in_the_way)
    assert (skipped.in_the_way, skipped.state) == (first.key, "skipped_overlap")
    assert desk.ledger.blocked(desk.target, limit=10, now=desk.now) == ()


def test_the_way_is_free_again_at_the_end(desk):
    desk.later(1)
    desk.add(desk.new(hour=0), desk.new(hour=1))
    (first,) = desk.claim()
    desk.ended(first)
    assert keys(desk.claim()) == [desk.new(hour=1).key]


def test_a_job_that_allows_overlap_starts_everything(desk):
    desk.later(3)
    desk.add(*(desk.new(hour=hour, line_up="allow") for hour in range(3)))
    assert len(desk.claim()) == 3


def test_a_job_that_no_longer_allows_overlap_minds_what_runs_from_before(desk):
    desk.later(3)
    desk.add(desk.new(hour=0, line_up="allow"))
    desk.claim()
    desk.add(desk.new(hour=1, line_up="skip"))
    assert desk.claim() == ()
    assert [one.why for one in desk.ledger.blocked(desk.target, limit=9, now=desk.now)] == ["in_progress"]


def test_serial_runs_go_one_after_the_other_whatever_the_job_allows(desk):
    desk.later(9)
    hours = [desk.new(hour=hour, kind="backfill", line_up="serial") for hour in (2, 0, 1)]
    desk.add(*hours)
    seen = []
    while claimed := desk.claim():
        (run,) = claimed
        assert desk.claim("b") == ()
        assert desk.ledger.blocked(desk.target, limit=9, now=desk.now) == ()
        seen.append(run.key)
        desk.ended(run)
    assert seen == sorted(one.key for one in hours)


def test_serial_runs_wait_for_others_and_allowed_ones_do_not_wait_for_them(desk):
    desk.later(9)
    desk.add(desk.new(hour=0, kind="backfill", line_up="serial"))
    (serial,) = desk.claim()
    desk.add(desk.new(hour=1, line_up="allow"), desk.new(hour=2, kind="backfill", line_up="serial"))
    assert keys(desk.claim()) == [desk.new(hour=1).key]
    desk.ended(serial)
    assert desk.claim() == ()


def test_a_long_backfill_leaves_room_for_others(desk):
    desk.later(500)
    desk.add(*(desk.new("long", hour=hour, kind="backfill", line_up="serial") for hour in range(300)))
    desk.add(*(desk.new(f"job-{n}", hour=400, kind="backfill", line_up="serial") for n in range(5)))
    assert {run.job for run in desk.claim(limit=10)} == {"long", *(f"job-{n}" for n in range(5))}


def test_queue_one_keeps_the_newest(desk):
    desk.add(desk.new(hour=0, line_up="queue_one"))
    (running,) = desk.claim()
    desk.later(3)
    desk.add(*(desk.new(hour=hour, line_up="queue_one") for hour in (1, 3, 2)))
    desk.add(desk.new(hour=9, key="weekly!x", kind="manual", due_at=desk.now, line_up="queue_one"))
    newest = desk.new(hour=3).key
    blocked = desk.ledger.blocked(desk.target, limit=9, now=desk.now)
    assert {one.run.key: (one.why, one.in_the_way) for one in blocked} == {
        desk.new(hour=1).key: ("superseded", newest),
        desk.new(hour=2).key: ("superseded", newest),
        "weekly!x": ("superseded", newest),  # nobody's own run takes a scheduled one's place
    }
    assert desk.claim() == ()
    desk.ended(running)
    assert keys(desk.claim()) == [newest]


def test_a_run_between_two_attempts_is_still_in_the_way(desk):
    desk.add(desk.new(max_attempts=2))
    (run,) = desk.claim()
    sending = desk.step(run, "sending", intent=desk.intent())
    there = desk.step(sending, "triggered", parts=desk.chats_of(run))
    waiting = desk.step(there, "planned", next_attempt=True, keep_way=True, due_at=desk.now + timedelta(minutes=5))
    assert (waiting.owner, waiting.attempt, waiting.retrying) == (None, 2, True)
    desk.now += timedelta(minutes=1)
    desk.add(desk.new(hour=0, key="weekly!x", kind="manual"))
    assert desk.claim() == ()
    assert [one.in_the_way for one in desk.ledger.blocked(desk.target, limit=9, now=desk.now)] == [run.key]
    desk.now += timedelta(minutes=5)
    (again,) = desk.claim("b")
    assert (again.key, again.attempt, again.fence) == (run.key, 2, 2)


def test_a_run_retried_by_hand_waits_its_turn(desk):
    desk.add(desk.new(hour=0))
    (run,) = desk.claim()
    failed = desk.ended(run, "failed")
    desk.later(1)
    desk.add(desk.new(hour=1))
    (newer,) = desk.claim()
    desk.step(failed, "planned", next_attempt=True)
    assert desk.claim() == ()
    desk.ended(newer)
    assert keys(desk.claim()) == [run.key]


def test_what_is_too_late_is_not_started(desk):
    desk.add(desk.new(start_by=desk.now + timedelta(hours=6)))
    desk.later(7)
    assert desk.claim() == ()
    (late,) = desk.ledger.blocked(desk.target, limit=9, now=desk.now)
    assert late.why == "too_late"
    assert desk.step(late.run, "missed").state == "missed"


def test_a_paused_job_starts_what_people_ask_for_and_nothing_else(desk):
    desk.add(desk.new(), desk.new(key="weekly!x", kind="manual", line_up="allow"))
    assert desk.ledger.pause(desk.target, "weekly", by="ana", reason="broken warehouse", now=desk.now)
    assert keys(desk.claim()) == ["weekly!x"]
    assert desk.ledger.resume(desk.target, "weekly")
    assert desk.claim() == ()  # the manual run is in its way
    assert len(desk.ledger.blocked(desk.target, limit=9, now=desk.now)) == 1


def test_a_held_target_starts_nothing(desk):
    desk.add(desk.new())
    assert desk.ledger.hold(desk.target, by="a", reason="401", now=desk.now)
    assert desk.claim() == ()
    assert desk.ledger.lift(desk.target)
    assert len(desk.claim()) == 1


def test_no_more_than_asked_for(desk):
    desk.add(*(desk.new(f"job-{n}") for n in range(10)))
    assert desk.claim(limit=0) == ()
    assert len(desk.claim(limit=3)) == 3
    assert len(desk.claim(limit=100)) == 7


def test_a_lease_that_ended_is_taken_over_with_a_higher_fence(desk):
    desk.add(desk.new())
    (run,) = desk.claim("one")
    assert desk.take_over("two") == ()
    desk.end_leases()
    (taken,) = desk.take_over("two")
    assert (taken.state, taken.owner, taken.fence) == ("claimed", "two", 2)
    assert desk.take_over("three") == ()
    # The one before can do nothing any more.
    assert desk.move(run, "sending", by="one", intent=desk.intent()).lost == (run.key,)
    assert desk.ledger.renew(desk.target, [Hold.of(run)], owner="one", lease_seconds=60) == ()
    desk.ledger.release(desk.target, [Hold.of(run)], owner="one")
    assert desk.get(run.key).owner == "two"
    # Nor may somebody else with the right fence.
    assert desk.move(taken, "sending", by="three", intent=desk.intent()).lost == (run.key,)
    desk.step(taken, "sending", by="two", intent=desk.intent())


def test_a_runner_that_stalled_and_took_its_own_run_back_has_one_claim(desk):
    """Two threads of one runner: the one with the older fence is as much a stranger as another machine."""
    desk.add(desk.new())
    (run,) = desk.claim("one")
    desk.end_leases()
    (taken,) = desk.take_over("one")
    assert desk.move(run, "sending", by="one", intent=desk.intent()).lost == (run.key,)
    assert desk.ledger.renew(desk.target, [Hold.of(run)], owner="one", lease_seconds=60) == ()
    desk.ledger.release(desk.target, [Hold.of(run)], owner="one")
    assert desk.get(run.key) == taken


@pytest.mark.parametrize("state", ["claimed", "sending", "triggered", "running"])
def test_whatever_was_owned_is_taken_over_as_it_is(desk, state):
    run = desk.a_run(state, "weekly")
    desk.end_leases()
    (taken,) = desk.take_over("b")
    assert (taken.state, taken.fence, taken.attempt, taken.parts) == (state, run.fence + 1, 1, run.parts)
    assert (taken.payload, taken.sent_at) == (run.payload, run.sent_at)
    assert desk.ledger.transitions(desk.target, run.key)[-1].by == "b"


def test_a_renewed_lease_lasts(desk):
    desk.add(desk.new("a"), desk.new("b"))
    one, two = desk.claim()
    desk.end_leases()
    assert desk.ledger.renew(desk.target, [Hold.of(one)], owner="a", lease_seconds=60) == (one.key,)
    assert keys(desk.take_over()) == [two.key]


def test_a_lease_given_back_is_free_at_once(desk):
    run = desk.a_run("running", "weekly")
    desk.ledger.release(desk.target, [Hold.of(run)], owner="a")
    assert desk.get(run.key).owner is None
    assert keys(desk.take_over()) == [run.key]


def test_an_intent_needs_a_lease_that_outlasts_the_request(desk):
    desk.add(desk.new())
    (run,) = desk.claim(lease=20)
    assert desk.move(run, "sending", intent=desk.intent(seconds=30)).lost == (run.key,)
    assert desk.move(run, "sending", intent=desk.intent(seconds=30)).done == ()
    desk.ledger.renew(desk.target, [Hold.of(run)], owner="a", lease_seconds=60)
    desk.step(run, "sending", intent=desk.intent(seconds=30))


def test_an_expired_lease_sends_nothing_even_if_nobody_took_over(desk):
    desk.add(desk.new())
    (run,) = desk.claim()
    desk.end_leases()
    assert desk.move(run, "sending", intent=desk.intent(seconds=0.1)).lost == (run.key,)
    assert desk.get(run.key).state == "claimed"


def test_of_named_runs_alone(desk):
    first, second, third = (desk.new(job) for job in ("a", "b", "c"))
    desk.add(first, second, third)
    assert desk.ledger.claim(desk.target, owner="a", lease_seconds=60, limit=10, now=desk.now, keys=["nobody's"]) == ()
    taken = desk.ledger.claim(desk.target, owner="a", lease_seconds=60, limit=10, now=desk.now, keys=[second.key])
    assert [run.key for run in taken] == [second.key]
    assert {run.key for run in desk.claim()} == {first.key, third.key}
