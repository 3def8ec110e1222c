"""Steps of a run, as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interact_gitops.ledger.moves import IllegalMove, added, is_step, moved, reopened, stands, verdict
from interact_gitops.ledger.records import LONGEST_TEXT, Part, Run, stored_text
from interact_gitops.ledger.requests import Hold, Intent, Move, NewRun, PartChange

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def new(**fields) -> NewRun:
    given = {
        "key": "weekly@t", "job": "weekly", "kind": "schedule", "scheduled_at": NOW, "due_at": NOW,
        "combinations": ({},), "definition_hash": "h", "start_by": NOW + timedelta(hours=6),
        "alarm_at": NOW + timedelta(hours=7),
    }  # fmt: skip
    return NewRun(**(given | fields))


def run(state="planned", *, chats=1, **fields) -> Run:
    combinations = tuple({"n": n} for n in range(chats))
    made = added(new(combinations=combinations, fan_out=chats > 1), seq=1, now=NOW)
    return replace(made, **({"state": state, "fence": 3} | fields))


def step(of: Run, to, **fields) -> Run:
    return moved(of, Move(key=of.key, was=of.state, fence=of.fence, to=to, **fields), now=LATER)


INTENT = Intent(payload="{}", sent_at=NOW, seconds=30, remote_job="job_1")


def triggered(chats=1) -> Run:
    sent = step(run("claimed", chats=chats, owner="a"), "sending", intent=INTENT)
    return step(sent, "triggered", parts=tuple(PartChange(ordinal=n, chat=f"chat_{n}") for n in range(chats)))


def test_a_run_from_its_adding_to_its_end():
    planned = added(new(), seq=7, now=NOW)
    assert (planned.seq, planned.state, planned.attempt, planned.fence, planned.ended) == (7, "planned", 1, 0, False)
    assert planned.occurrence == NOW
    claimed = replace(planned, state="claimed", fence=1, owner="a")
    sending = step(claimed, "sending", intent=INTENT)
    assert (sending.payload, sending.remote_job, sending.sent_at) == ("{}", "job_1", NOW)
    assert sending.send_by == NOW + timedelta(seconds=30)
    there = step(sending, "triggered", parts=(PartChange(ordinal=0, chat="chat_1"),))
    assert (there.triggered_at, there.parts[0].state, there.parts[0].chat) == (LATER, "triggered", "chat_1")
    assert there.owner == "a"
    working = step(there, "running", parts=(PartChange(ordinal=0, state="running"),))
    over = step(working, "succeeded")
    assert (over.state, over.owner, over.ended_at, over.alarm_at) == ("succeeded", None, LATER, None)
    assert (over.parts[0].state, over.parts[0].ended_at) == ("succeeded", LATER)
    assert over.reason == "every chat succeeded"


def test_a_run_decided_against_is_added_with_its_reason():
    missed = added(new(state="missed", reason="7 hours late\0"), seq=1, now=NOW)
    assert (missed.state, missed.ended_at, missed.reason) == ("missed", NOW, "7 hours late\N{REPLACEMENT CHARACTER}")
    assert added(new(kind="manual"), seq=1, now=NOW).occurrence is None


@pytest.mark.parametrize(
    "fields", [{"combinations": ()}, {"combinations": ({}, {})}, {"fan_out": True, "combinations": ()}]
)
def test_a_run_has_its_combinations(fields):
    with pytest.raises(IllegalMove, match="one set of parameters"):
        added(new(**fields), seq=1, now=NOW)


@pytest.mark.parametrize(
    ("changed", "by", "still"),
    [
        ({}, "a", True),
        ({"fence": 4}, "a", False),
        ({"state": "sending"}, "a", False),
        ({"owner": "b"}, "a", False),
        ({"owner": None}, "a", True),
    ],
)
def test_a_move_stands_while_nothing_changed(changed, by, still):
    read = run("claimed", owner="a")
    move = Move(key=read.key, was="claimed", fence=3, to="sending")
    assert stands(replace(read, **changed), move, by=by) is still


def test_a_run_that_nobody_owns_may_be_moved_by_anybody_who_read_it():
    assert stands(run("failed", owner="b"), Move(key="k", was="failed", fence=3, to="planned"), by="a")


def test_what_the_table_does_not_have_is_illegal():
    """Whatever has become of the run in the meantime."""
    for was, to, said in (
        ("succeeded", "planned", "succeeded is never followed by planned"),
        ("planned", "claimed", "only a claim or a take-over claims"),
        ("claimed", "claimed", "only a claim or a take-over claims"),
    ):
        with pytest.raises(IllegalMove, match=said):
            stands(run("running"), Move(key="k", was=was, fence=3, to=to), by="a")


def test_an_intent_belongs_to_sending_and_to_nothing_else():
    with pytest.raises(IllegalMove, match="an intent belongs"):
        step(run("claimed"), "sending")
    with pytest.raises(IllegalMove, match="an intent belongs"):
        step(run("sending"), "failed", intent=INTENT)


def test_a_frozen_payload_stays_for_the_whole_attempt():
    sending = step(run("claimed"), "sending", intent=INTENT)
    again = step(sending, "sending", intent=replace(INTENT, sent_at=LATER))
    assert again.sent_at == LATER
    with pytest.raises(IllegalMove, match="attempt 1 was frozen with another payload"):
        step(sending, "sending", intent=replace(INTENT, payload="other"))
    back = step(sending, "planned", due_at=LATER)
    assert (back.payload, back.sent_at, back.attempt, back.due_at) == ("{}", None, 1, LATER)
    assert back.start_by == sending.start_by
    with pytest.raises(IllegalMove, match="another payload"):
        step(replace(back, state="claimed"), "sending", intent=replace(INTENT, payload="other"))


def test_a_retry_sends_what_failed_with_a_new_payload():
    three = triggered(3)
    ended = step(three, "failed", parts=(
        PartChange(ordinal=0, state="succeeded"), PartChange(ordinal=1, state="failed", error="no data"),
    ))  # fmt: skip
    assert [part.state for part in ended.parts] == ["succeeded", "failed", "failed"]
    assert ended.alarm_at == three.alarm_at
    again = step(ended, "planned", next_attempt=True, due_at=LATER)
    assert (again.attempt, again.payload, again.retrying, again.start_by) == (2, None, False, None)
    assert [part.state for part in again.parts] == ["succeeded", "planned", "planned"]
    assert [part.error for part in again.open_parts] == [None, None]
    assert [part.chat for part in again.parts] == ["chat_0", "chat_1", "chat_2"]
    second = step(replace(again, state="sending"), "triggered", parts=(PartChange(ordinal=1, chat="chat_9"),))
    assert (second.parts[1].attempt, second.parts[1].chat, second.parts[0].attempt) == (2, "chat_9", 1)


def test_an_automatic_retry_keeps_the_way():
    waiting = step(triggered(), "planned", next_attempt=True, keep_way=True)
    assert waiting.retrying
    taken = replace(waiting, state="claimed", owner="a")
    assert step(taken, "planned").retrying
    refused = step(step(taken, "sending", intent=INTENT), "planned", due_at=LATER)
    assert refused.retrying
    assert not step(step(taken, "sending", intent=INTENT), "failed").retrying
    with pytest.raises(IllegalMove, match="only a retry of a run in progress keeps the way"):
        step(run("failed"), "planned", next_attempt=True, keep_way=True)
    with pytest.raises(IllegalMove, match="only a retry of a run in progress keeps the way"):
        step(run("claimed"), "planned", keep_way=True)


def test_what_was_sent_is_only_tried_again_as_the_next_attempt():
    with pytest.raises(IllegalMove, match="what follows is the next attempt"):
        step(triggered(), "planned")
    with pytest.raises(IllegalMove, match="its attempt 1 was not made"):
        step(run("claimed"), "planned", next_attempt=True)
    with pytest.raises(IllegalMove, match="only a run that is planned again"):
        step(triggered(), "failed", next_attempt=True)
    assert step(run("sending"), "planned", next_attempt=True).attempt == 2


def test_nothing_is_left_to_try_again():
    parts = (Part(ordinal=0, parameters={}, state="succeeded"),)
    with pytest.raises(IllegalMove, match="nothing to try again"):
        step(run("failed", parts=parts), "planned", next_attempt=True)


def test_what_was_sent_is_neither_missed_nor_skipped():
    with pytest.raises(IllegalMove, match="was sent before: it cannot be skipped_overlap"):
        step(run("claimed", attempt=2), "skipped_overlap")
    with pytest.raises(IllegalMove, match="was sent before: it cannot be missed"):
        step(run("claimed", parts=(Part(ordinal=0, parameters={}, chat="chat_1"),)), "missed")
    skipped = step(run("claimed"), "skipped_overlap", in_the_way="chat_7")
    assert (skipped.in_the_way, skipped.parts[0].state) == ("chat_7", "planned")


def test_opened_again_after_it_was_missed():
    opened = step(run("missed", ended_at=NOW, cancel_at=NOW), "planned", start_by=LATER)
    assert (opened.start_by, opened.ended_at, opened.cancel_at, opened.attempt) == (LATER, None, None, 1)


def test_triggered_needs_its_chats():
    with pytest.raises(IllegalMove, match="its chats are known"):
        step(run("sending"), "triggered")
    followed = triggered()
    assert (
        step(followed, "triggered", parts=(PartChange(ordinal=0, error="slow"),)).triggered_at == followed.triggered_at
    )


def test_a_run_found_by_hand_does_not_claim_to_be_alone():
    lost = run("needs_operator")
    assert lost.exclusive
    assert not step(lost, "triggered", parts=(PartChange(ordinal=0, chat="chat_1"),)).exclusive


def test_a_success_is_every_chats_success():
    with pytest.raises(IllegalMove, match="did not succeed"):
        step(triggered(2), "succeeded", parts=(PartChange(ordinal=0, state="failed"),))


def test_parts_that_are_not_there_and_parts_named_twice():
    with pytest.raises(IllegalMove, match="has no part 1"):
        step(triggered(), "running", parts=(PartChange(ordinal=1, state="running"),))
    with pytest.raises(IllegalMove, match="two changes of one part"):
        step(triggered(), "running", parts=(PartChange(ordinal=0), PartChange(ordinal=0)))


def test_news_of_chats_are_no_step():
    working = run("running")
    assert not is_step(working, Move(key="k", was="running", fence=3, to="running"))
    assert is_step(working, Move(key="k", was="running", fence=3, to="running", reason="seen by hand"))
    assert is_step(run("sending"), Move(key="k", was="sending", fence=3, to="sending", intent=INTENT))
    quiet = step(replace(triggered(), reason="started"), "triggered", parts=(PartChange(ordinal=0, error="slow"),))
    assert quiet.reason == "started"


def test_a_backfill_opens_what_was_never_sent():
    skipped = replace(run("skipped_overlap"), fence=4, created_at=NOW)
    today = new(key="other", kind="backfill", definition_hash="h2", line_up="serial")
    opened = reopened(skipped, today, now=LATER)
    assert (opened.key, opened.fence, opened.created_at) == (skipped.key, 4, NOW)
    assert (opened.definition_hash, opened.line_up, opened.alarm_at, opened.state) == ("h2", "serial", None, "planned")
    with pytest.raises(IllegalMove, match="only what was never sent"):
        reopened(run("failed"), today, now=LATER)


@pytest.mark.parametrize(
    ("states", "end"),
    [
        (("succeeded", "succeeded"), "succeeded"),
        (("succeeded", "cancelled"), "cancelled"),
        (("timed_out", "cancelled"), "timed_out"),
        (("timed_out", "failed"), "failed"),
        (("running", "failed"), None),
    ],
)
def test_the_worst_chat_decides(states, end):
    assert verdict(tuple(Part(ordinal=n, parameters={}, state=state) for n, state in enumerate(states))) == end


def test_texts_that_no_database_takes():
    assert stored_text("a\0b\ud800") == "a\N{REPLACEMENT CHARACTER}b?"
    assert len(stored_text("x" * 5_000)) == LONGEST_TEXT
    assert stored_text("x" * 5_000).endswith("…")


def test_a_hold_is_a_claim_as_read():
    assert Hold.of(run(fence=9)) == Hold(key="weekly@t", fence=9)
