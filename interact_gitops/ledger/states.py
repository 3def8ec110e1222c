"""The states of a run, and which may follow which. Pure.

A run is one *group*: one occurrence of a schedule or one manual start, sent in one request, whatever number of
chats that starts. It waits (`planned`), is taken by a runner (`claimed`), its request is about to go out or has
gone out (`sending`), the target named its chats (`triggered`), at least one of them was seen at work (`running`),
and it ends.

    planned → claimed → sending → triggered → running → succeeded | failed | cancelled | timed_out
       ↓         ↓         ↓          ↓          ↓
    missed, skipped_overlap    needs_operator

What keeps a run from being sent twice is that `sending` is the one state in which the target may know of the run
and we may not: it is entered by a compare-and-set on owner and fence, committed before the request goes out, and
left only with knowledge (the chats, a refusal) or for `needs_operator`. Everything before it was certainly not
sent; everything after it certainly was.

The table below is the only place that says which state may follow which. A state that follows itself is a
take-over by another runner, a repeated request of the same attempt, or progress of single chats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

State: TypeAlias = Literal[
    "planned",
    "claimed",
    "sending",
    "triggered",
    "running",
    "succeeded",
    "failed",
    "cancelled",
    "timed_out",
    "missed",
    "skipped_overlap",
    "needs_operator",
]
PartState: TypeAlias = Literal["planned", "triggered", "running", "succeeded", "failed", "cancelled", "timed_out"]
STATES: tuple[State, ...] = get_args(State)

OWNED: frozenset[State] = frozenset({"claimed", "sending", "triggered", "running"})
"""A runner answers for it, under a lease. These, and a run between two attempts, are in the way of others."""

SENT: frozenset[State] = frozenset({"sending", "triggered", "running"})
"""The target may know of it: what a follower looks at."""

ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled", "timed_out", "missed", "skipped_overlap"})
"""Over, unless somebody retries it or a backfill opens it again."""

NEVER_SENT: frozenset[State] = frozenset({"missed", "skipped_overlap"})
"""Ended without a request: the states that a backfill opens again."""

OPEN_PARTS: frozenset[PartState] = frozenset({"planned", "triggered", "running"})

TRANSITIONS: Mapping[tuple[State, State], str] = {
    ("planned", "claimed"): "a runner took it",
    ("planned", "missed"): "too late to start",
    ("planned", "skipped_overlap"): "another run of the job is in the way",
    ("planned", "cancelled"): "cancelled before it was sent",
    ("claimed", "claimed"): "taken over, not sent before",
    ("claimed", "planned"): "given back, not sent",
    ("claimed", "sending"): "about to be sent",
    ("claimed", "missed"): "too late to start",
    ("claimed", "skipped_overlap"): "another run of the job is in the way at the target",
    ("claimed", "cancelled"): "cancelled before it was sent",
    ("claimed", "failed"): "cannot be sent",
    ("sending", "sending"): "sent again, the same attempt; or taken over",
    ("sending", "triggered"): "the target started it",
    ("sending", "planned"): "the target did not start it; to be sent again",
    ("sending", "skipped_overlap"): "the target has a run of the job in progress",
    ("sending", "failed"): "the target refused it",
    ("sending", "needs_operator"): "nobody knows whether the target started it",
    ("triggered", "triggered"): "followed by another runner, or single chats went on",
    ("triggered", "running"): "at work",
    ("triggered", "succeeded"): "every chat succeeded",
    ("triggered", "failed"): "at least one chat failed",
    ("triggered", "cancelled"): "cancelled at the target",
    ("triggered", "timed_out"): "longer than its timeout",
    ("triggered", "planned"): "failed; to be tried again",
    ("triggered", "needs_operator"): "the target does not say what became of it",
    ("running", "running"): "followed by another runner, or single chats went on",
    ("running", "succeeded"): "every chat succeeded",
    ("running", "failed"): "at least one chat failed",
    ("running", "cancelled"): "cancelled at the target",
    ("running", "timed_out"): "longer than its timeout",
    ("running", "planned"): "failed; to be tried again",
    ("running", "needs_operator"): "the target does not say what became of it",
    ("failed", "planned"): "to be tried again",
    ("timed_out", "planned"): "to be tried again",
    ("cancelled", "planned"): "to be tried again",
    ("missed", "planned"): "opened again",
    ("skipped_overlap", "planned"): "opened again",
    ("needs_operator", "triggered"): "its chats were found",
    ("needs_operator", "planned"): "to be tried again",
    ("needs_operator", "succeeded"): "settled by hand",
    ("needs_operator", "failed"): "settled by hand",
    ("needs_operator", "cancelled"): "settled by hand",
}


def allowed(was: State, to: State) -> bool:
    """Whether a run may go from one state to the other."""
    return (was, to) in TRANSITIONS
