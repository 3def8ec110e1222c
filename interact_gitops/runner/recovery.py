"""A run whose request may have gone out, and of which nobody knows: what is to be done. Pure.

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
CLOCKS_APART = timedelta(seconds=10)
"""How far a chat's time may be before ours: what is left where the target's clock is known to the second, and an
answer took a while. A chat of somebody else that began shortly before must not be taken for ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Send the same attempt again."""

    reason: str


Recovery: TypeAlias = Again | Move


def recover(
    run: Run, listed: Sequence[SeenChat], taken: Collection[str], *, sent_at: datetime, on_unknown: OnUnknown = "hold"
) -> Recovery:
    """What becomes of a run in `sending` on a target without idempotency keys.

    `listed` are the job's chats, read when the request was over and the list had caught up; `taken` the ids of those
    that belong to other runs.
    """
    earliest = sent_at - CLOCKS_APART
    ours = sorted(
        (chat for chat in listed if chat.id not in taken and chat.created_at and chat.created_at >= earliest),
        key=lambda chat: (chat.created_at, chat.id),
    )
    if not ours:
        if on_unknown == "resend":
            return Again(reason="no chat of it is listed; sent again, as told (--on-unknown resend)")
        return _held(run, "its request may have gone out, and no chat of it is listed")
    if len(run.open_parts) > 1:
        found = ", ".join(chat.id for chat in ours[:5])
        return _held(
            run, f"its {len(run.open_parts)} chats may be among these, and which is which nobody can say: {found}"
        )
    reason = "its chat was found in the target's list"
    notices: tuple[Notice, ...] = ()
    if len(ours) > 1:
        reason = f"{len(ours)} chats may be its own; the oldest was taken"
        notices = (events.needs_operator(run, f"{reason}: {', '.join(chat.id for chat in ours[:5])}"),)
    (part,) = run.open_parts
    return Move(
        key=run.key, was="sending", fence=run.fence, to="triggered", reason=reason,
        parts=(PartChange(ordinal=part.ordinal, chat=ours[0].id),), notices=notices,
    )  # fmt: skip


def _held(run: Run, why: str) -> Move:
    return Move(
        key=run.key, was="sending", fence=run.fence, to="needs_operator", reason=why,
        notices=(events.needs_operator(run, why),),
    )  # fmt: skip
