"""The table of states says what ledger.md says."""

from __future__ import annotations

from itertools import product

from interact_gitops.ledger import states


def test_every_state_can_be_reached_and_left_or_is_an_end():
    reached = {to for _, to in states.TRANSITIONS}
    assert reached == set(states.STATES)
    left = {was for was, _ in states.TRANSITIONS}
    assert set(states.STATES) - left == {"succeeded"}


def test_what_was_sent_never_counts_as_not_sent():
    """From `sending` on, the way back leads through knowledge or an operator: never to missed, nor to claimed."""
    for was, to in product({"triggered", "running", "needs_operator"}, {"claimed", "missed", "skipped_overlap"}):
        assert not states.allowed(was, to)
    assert not states.allowed("sending", "claimed")
    assert not states.allowed("sending", "missed")
    assert not states.allowed("planned", "sending")


def test_nothing_follows_a_success():
    assert not any(states.allowed("succeeded", to) for to in states.STATES)


def test_the_groups_of_states():
    assert states.NEVER_SENT < states.ENDED
    assert states.SENT < states.OWNED
    assert not states.OWNED & states.ENDED
    assert {*states.OWNED, *states.ENDED, "planned", "needs_operator"} == set(states.STATES)
    assert all(reason and not reason.endswith(".") for reason in states.TRANSITIONS.values())
