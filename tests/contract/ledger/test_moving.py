"""Steps: every pair of states, what each leaves behind, and the chats that make a run findable."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interact_gitops.ledger import states
from interact_gitops.ledger.moves import IllegalMove
from interact_gitops.ledger.records import Notice
from interact_gitops.ledger.requests import Move, PartChange

RETRIED = {"triggered", "running", "failed", "timed_out", "cancelled", "needs_operator"}


@pytest.mark.parametrize("was", states.STATES)
def test_every_pair_of_states(desk, was):
    for number, to in enumerate(states.STATES):
        run = desk.a_run(was, f"job-{number}")
        fields = {}
        if to == "sending":
            fields["intent"] = desk.intent()
        if to == "planned" and was in RETRIED:
            fields["next_attempt"] = True
        if to == "triggered":
            fields["parts"] = desk.chats_of(run) or (PartChange(ordinal=0, chat=f"late {was} {number}"),)
        step = Move(key=run.key, was=was, fence=run.fence, to=to, **fields)
        history = len(desk.ledger.transitions(desk.target, run.key))
        if not states.allowed(was, to) or to == "claimed":  # which only a claim or a take-over may do
            with pytest.raises(IllegalMove):
                desk.ledger.move(desk.target, [step], by="a", now=desk.now)
            assert desk.get(run.key) == run
            assert len(desk.ledger.transitions(desk.target, run.key)) == history
            continue
        moved = desk.ledger.move(desk.target, [step], by="a", now=desk.now)
        assert [one.state for one in moved.done] == [to]
        after = desk.get(run.key)
        assert after == moved.done[0]
        assert (after.owner is not None) == (to in states.OWNED and was in states.OWNED)
        written = desk.ledger.transitions(desk.target, run.key)[history:]
        quiet = was == to and to != "sending"
        assert [(line.was, line.state, line.by) for line in written] == ([] if quiet else [(was, to, "a")])


def test_history_tells_the_story(desk):
    desk.add(desk.new(max_attempts=2))
    (run,) = desk.claim()
    sending = desk.step(run, "sending", intent=desk.intent(), reason="first try")
    there = desk.step(sending, "triggered", parts=desk.chats_of(run))
    waiting = desk.step(there, "planned", next_attempt=True, keep_way=True, reason="no data yet\n\x1b[31m")
    (again,) = desk.claim("b")
    assert again.attempt == waiting.attempt == 2
    sending = desk.step(again, "sending", by="b", intent=desk.intent('{"try": 2}'))
    there = desk.step(sending, "triggered", by="b", parts=desk.chats_of(again))
    desk.step(there, "succeeded", by="b")
    lines = desk.ledger.transitions(desk.target, run.key)
    assert [line.state for line in lines] == [
        "planned", "claimed", "sending", "triggered", "planned", "claimed", "sending", "triggered", "succeeded",
    ]  # fmt: skip
    assert [line.attempt for line in lines] == [1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert [line.fence for line in lines] == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert lines[2].reason == "first try"
    assert lines[4].reason == "no data yet\n\x1b[31m"
    # Both chats lead to the run.
    for attempt in (1, 2):
        assert [line.key for line in desk.ledger.find(desk.target, f"{run.key}/0~{attempt}")] == [run.key]


def test_a_repeated_step_is_lost_and_can_be_read(desk):
    """What a runner does after a commit of which it does not know whether it was made."""
    desk.add(desk.new())
    (run,) = desk.claim()
    desk.step(run, "sending", intent=desk.intent())
    assert desk.move(run, "sending", intent=desk.intent()).lost == (run.key,)
    now = desk.get(run.key)
    assert (now.state, now.fence, now.owner, now.payload) == ("sending", run.fence, "a", "{}")


def test_steps_of_one_call_are_each_by_themselves(desk):
    desk.add(desk.new("a"), desk.new("b"), desk.new("c"))
    one, two, three = desk.claim()
    desk.ledger.cancel(desk.target, [two.key], by="ana", reason="not now", now=desk.now)
    moves = [
        Move(key=run.key, was="claimed", fence=run.fence, to="sending", intent=desk.intent())
        for run in (one, two, three)
    ]
    moves.append(Move(key="nothing@t", was="claimed", fence=1, to="failed"))
    moves.append(Move(key=three.key, was="sending", fence=three.fence, to="failed", reason="400"))
    moved = desk.ledger.move(desk.target, moves, by="a", now=desk.now)
    assert [(run.key, run.state) for run in moved.done] == [(one.key, "sending"), (three.key, "failed")]
    assert set(moved.lost) == {two.key, "nothing@t"}
    assert [line.state for line in desk.ledger.transitions(desk.target, three.key)][-2:] == ["sending", "failed"]


def test_an_illegal_step_stops_the_whole_call(desk):
    desk.add(desk.new("a"), desk.new("b"))
    one, two = desk.claim()
    moves = [
        Move(key=one.key, was="claimed", fence=one.fence, to="sending", intent=desk.intent()),
        Move(key=two.key, was="claimed", fence=two.fence, to="succeeded"),
    ]
    with pytest.raises(IllegalMove):
        desk.ledger.move(desk.target, moves, by="a", now=desk.now)
    assert {run.state for run in desk.ledger.open_runs(desk.target)} == {"claimed"}


def test_a_chat_belongs_to_one_run(desk):
    one, two = desk.a_run("sending", "a"), desk.a_run("sending", "b")
    desk.step(one, "triggered", parts=(PartChange(ordinal=0, chat="chat_1"),))
    assert desk.ledger.owners_of_chats(desk.target, ["chat_1", "chat_2"]) == {"chat_1": one.key}
    assert desk.move(two, "triggered", parts=(PartChange(ordinal=0, chat="chat_1"),)).lost == (two.key,)
    assert desk.get(two.key) == two
    desk.step(two, "triggered", parts=(PartChange(ordinal=0, chat="chat_2"),))
    desk.target = "https://staging.example acme"
    elsewhere = desk.a_run("sending", "a")
    desk.step(elsewhere, "triggered", parts=(PartChange(ordinal=0, chat="chat_1"),))


def test_of_two_runs_that_want_one_chat_in_one_call_only_one_gets_it(desk):
    one, two = desk.a_run("sending", "a", chats=2), desk.a_run("sending", "b", chats=2)
    moves = [
        Move(key=run.key, was="sending", fence=run.fence, to="triggered", parts=(
            PartChange(ordinal=0, chat=f"own {run.job}"), PartChange(ordinal=1, chat="same"),
        ))
        for run in (one, two)
    ]  # fmt: skip
    moved = desk.ledger.move(desk.target, moves, by="a", now=desk.now)
    (winner,) = moved.done
    assert set(moved.lost) | {winner.key} == {one.key, two.key}
    assert desk.ledger.owners_of_chats(desk.target, ["own a", "own b", "same"]) == {
        f"own {winner.job}": winner.key,
        "same": winner.key,
    }


def test_news_of_single_chats(desk):
    run = desk.a_run("triggered", "weekly", chats=3)
    working = desk.step(run, "running", parts=(PartChange(ordinal=1, state="running"),))
    working = desk.step(working, "running", parts=(PartChange(ordinal=1, state="failed", error="no data \0\ud800"),))
    assert [part.state for part in working.parts] == ["triggered", "failed", "triggered"]
    assert working.parts[1].error == "no data \N{REPLACEMENT CHARACTER}?"
    over = desk.step(working, "failed", parts=tuple(PartChange(ordinal=n, state="succeeded") for n in (0, 2)))
    (line,) = desk.ledger.history(desk.target, desk_filter(job="weekly"))
    assert line.chats == {"failed": 1, "succeeded": 2}
    assert line.chat == over.parts[0].chat
    again = desk.step(over, "planned", next_attempt=True)
    assert [part.ordinal for part in again.open_parts] == [1]


def test_a_large_fan_out(desk):
    run = desk.a_run("triggered", "weekly", chats=2_000)
    parts = tuple(PartChange(ordinal=n, state="succeeded") for n in range(2_000))
    assert desk.step(run, "succeeded", parts=parts).state == "succeeded"


def test_notices_are_written_with_their_step_or_not_at_all(desk):
    run = desk.a_run("triggered", "weekly")
    told = Notice(id=f"{run.key}~1:failed_run:ops", channel="ops", topic="failed_run", body="{}", run_key=run.key)
    assert desk.move(run, "failed", by="stranger", notices=(told,)).lost
    assert desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=9, now=desk.now) == ()
    desk.step(run, "failed", notices=(told,))
    (delivery,) = desk.ledger.take_notices(desk.target, owner="a", lease_seconds=9, limit=9, now=desk.now)
    assert (delivery.notice, delivery.tries) == (told, 0)


def test_failures_in_a_row(desk):
    def standing():
        return desk.ledger.jobs(desk.target)["weekly"]

    for hour, end in enumerate(("failed", "timed_out", "cancelled", "failed")):
        desk.add(desk.new(hour=hour))
        (run,) = desk.claim()
        desk.ended(run, end)
        desk.later(1)
    assert (standing().failures, standing().succeeded_at) == (3, None)
    desk.ledger.pause(desk.target, "weekly", by="runner", reason="3 failures in a row", now=desk.now)
    desk.ledger.resume(desk.target, "weekly")
    assert standing().failures == 0
    desk.add(desk.new(hour=4), desk.new(hour=4, key="weekly!1", kind="manual", line_up="allow"))
    runs = [desk.step(run, "sending", intent=desk.intent()) for run in desk.claim()]
    runs = [desk.step(run, "triggered", parts=desk.chats_of(run)) for run in runs]
    moves = [
        Move(key=run.key, was="triggered", fence=run.fence, to=to)
        for run, to in zip(runs, ("failed", "succeeded"), strict=True)
    ]
    desk.ledger.move(desk.target, moves, by="a", now=desk.now)
    assert (standing().failures, standing().succeeded_at) == (0, desk.now)


def test_cancelling(desk):
    found = {state: desk.a_run(state, f"job-{state}").key for state in reversed(states.STATES)}
    said = desk.ledger.cancel(desk.target, [*found.values(), "none!1"], by="ana", reason="wrong data", now=desk.now)
    outcomes = dict(zip([*found, "none"], [one.outcome for one in said], strict=True))
    done, asked = {"planned", "claimed", "needs_operator"}, {"sending", "triggered", "running"}
    assert {state for state, outcome in outcomes.items() if outcome == "done"} == done
    assert {state for state, outcome in outcomes.items() if outcome == "asked"} == asked
    assert outcomes.pop("none") == "unknown"
    assert {outcomes[state] for state in set(states.STATES) - done - asked} == {"ended"}
    cancelled = desk.get(found["claimed"])
    assert (cancelled.state, cancelled.reason, cancelled.owner) == ("cancelled", "wrong data", None)
    running = desk.get(found["running"])
    assert (running.state, running.cancel_by, running.cancel_reason) == ("running", "ana", "wrong data")
    assert running.cancel_at == desk.now


def test_a_claimed_run_that_was_cancelled_is_not_sent(desk):
    desk.add(desk.new())
    (run,) = desk.claim()
    desk.ledger.cancel(desk.target, [run.key], by="ana", reason="stop", now=desk.now)
    assert desk.move(run, "sending", intent=desk.intent()).lost == (run.key,)


def test_a_run_found_by_hand_while_another_is_in_the_way(desk):
    lost = desk.a_run("needs_operator", "weekly")
    desk.later(1)
    desk.add(desk.new(hour=1))
    (other,) = desk.claim()
    desk.step(lost, "triggered", by="ana", parts=(PartChange(ordinal=0, chat="chat_found"),))
    (followed,) = desk.take_over("b")
    assert followed.key == lost.key
    desk.later(1)
    desk.add(desk.new(hour=2))
    desk.ended(other)
    assert desk.claim() == ()
    desk.step(followed, "succeeded", by="b")
    assert len(desk.claim()) == 1


def test_open_runs_are_those_that_somebody_answers_for(desk):
    found = {state: desk.a_run(state, f"job-{state}") for state in reversed(states.STATES)}
    assert {run.state for run in desk.ledger.open_runs(desk.target)} == states.OWNED
    desk.end_leases()
    desk.take_over("b", limit=1)
    mine = desk.ledger.open_runs(desk.target, owner="a")
    assert len(mine) == 3
    assert mine == tuple(found[run.state] for run in mine)
    assert desk.ledger.counts(desk.target) == dict.fromkeys(states.STATES, 1)


def test_late_runs(desk):
    desk.add(desk.new("a"), desk.new("b", hour=1), desk.new("c", hour=9))
    desk.later(2)
    assert desk.ledger.late(desk.target, now=desk.now) == (2, desk.now - timedelta(hours=2))


def desk_filter(**fields):
    from interact_gitops.ledger.requests import RunFilter

    return RunFilter(**fields)
