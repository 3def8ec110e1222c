"""A run whose request may have gone out, and whose runner has gone: what is to be done. Pure.

Where the target honours idempotency keys the same attempt is sent again, which starts nothing twice. Where it does
not, nothing is ever sent on a guess: the chat of the lost request is looked for in the target's list, after the
request can no longer be under way and the list can no longer lag behind (ledger.md, rule 5).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from interact_gitops.ledger.records import Notice, Run
from interact_gitops.ledger.requests import Move, PartChange
from interact_gitops.runner import events
from interact_gitops.runner.target import SeenChat

OnUnknown: TypeAlias = Literal["hold", "resend"]
CLOCKS_APART = timedelta(seconds=120)  # how far the target's clock may be behind ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing can be known before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Send the same attempt again."""

    reason: str


Recovery: TypeAlias = Wait | Again | Move


def may_look(run: Run, *, listing_lag: timedelta) -> datetime:
    """From when on the list of chats says everything about a request that may have gone out."""
    assert run.send_by is not None  # a run in `sending` has an intent
    return run.send_by + listing_lag


def recover(
    run: Run,
    listed: Sequence[SeenChat],
    taken: Collection[str],
    *,
    now: datetime,
    listing_lag: timedelta,
    on_unknown: OnUnknown = "hold",
) -> Recovery:
    """What becomes of a run in `sending` on a target without idempotency keys.

    `listed` are the job's chats as read after `may_look`; `taken` the ids of those that belong to other runs.
    """
    until = may_look(run, listing_lag=listing_lag)
    if now < until:
        return Wait(until=until)
    assert run.sent_at is not None
    earliest = run.sent_at - CLOCKS_APART
    ours = [chat for chat in listed if chat.id not in taken and chat.created_at and chat.created_at >= earliest]
    if not ours:
        if on_unknown == "resend":
            return Again(reason="no chat of it is listed; sent again, as told (--on-unknown resend)")
        return _held(run, "its request may have gone out, and no chat of it is listed")
    oldest = min(ours, key=lambda chat: (chat.created_at or now, chat.id))
    (part,) = run.open_parts[:1]
    reason = "its chat was found in the target's list"
    notices: tuple[Notice, ...] = ()
    if len(ours) > 1:
        reason = f"{len(ours)} chats may be its own; the oldest was taken"
        notices = (events.needs_operator(run, f"{reason}: {', '.join(chat.id for chat in ours[:5])}"),)
    return Move(
        key=run.key, was="sending", fence=run.fence, to="triggered", reason=reason,
        parts=(PartChange(ordinal=part.ordinal, chat=oldest.id),), notices=notices,
    )  # fmt: skip


def _held(run: Run, why: str) -> Move:
    return Move(
        key=run.key, was="sending", fence=run.fence, to="needs_operator", reason=why,
        notices=(events.needs_operator(run, why),),
    )  # fmt: skip
