"""A run of which nobody knows, settled by somebody who looked. Pure.

A run is `needs_operator` where its request may have gone out and the target says neither what it started nor that it
did not. A person can tell, and says so here; the history keeps who did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interact_gitops.errors import Refused
from interact_gitops.jobs.model import Combination
from interact_gitops.ledger.records import Part, Run
from interact_gitops.ledger.requests import Move, PartChange


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundChat:
    """A chat that somebody says is the run's: its id, its parameters where the target tells them, and the job that it
    belongs to there, likewise."""

    id: str
    parameters: Mapping[str, object] | None = None
    remote_job: str | None = None


def adopted(run: Run, chats: Sequence[FoundChat], taken: Mapping[str, str], *, by: str) -> Move:
    """The run goes on with these chats: by their parameters where all of them tell, else in the order given.

    `taken` says which chats belong to which run. Raises Refused for chats that cannot be the run's.
    """
    _demand_open(run)
    for chat in chats:
        if taken.get(chat.id, run.key) != run.key:
            raise Refused(f"the chat {chat.id} belongs to the run {taken[chat.id]}", remedy="name another chat")
        if None not in (chat.remote_job, run.remote_job) and chat.remote_job != run.remote_job:
            said = f"the chat {chat.id} is of the job {chat.remote_job} at the target, the run of {run.remote_job}"
            raise Refused(said, remedy="name a chat of that job")
    parts = run.open_parts
    if len({chat.id for chat in chats}) != len(chats) or len(chats) != len(parts):
        word = "chat is" if len(parts) == 1 else "chats are"
        said = f"{len(parts)} {word} looked for, {len({chat.id for chat in chats})} given"
        raise Refused(said, remedy="give --adopt once for each of them, or settle the run with --fail or --resend")
    changes = tuple(
        PartChange(ordinal=part.ordinal, state="triggered", chat=chat.id) for part, chat in _paired(parts, chats)
    )
    named = ", ".join(chat.id for chat in chats[:5]) + (" …" if len(chats) > 5 else "")
    return Move(
        key=run.key, was=run.state, fence=run.fence, to="triggered", parts=changes, reason=f"{by} says: it is {named}"
    )


def resent(run: Run, *, by: str, now: datetime) -> Move:
    """The run is sent again, as its next attempt: whoever says so looked, and nothing of it had started."""
    _demand_open(run)
    return Move(
        key=run.key, was=run.state, fence=run.fence, to="planned", next_attempt=True, due_at=now,
        reason=f"{by} says: it did not start; it is sent again",
    )  # fmt: skip


def given_up(run: Run, why: str, *, by: str) -> Move:
    """The run has failed, for a reason that somebody knows."""
    _demand_open(run)
    return Move(key=run.key, was=run.state, fence=run.fence, to="failed", reason=f"{by} says: {why}")


def _demand_open(run: Run) -> None:
    if run.state == "needs_operator":
        return
    said = f"the run {run.key} is {run.state}: there is nothing to settle"
    if run.state == "sending":
        remedy = "a runner finds out whether it started: `interact-gitops runner --once`"
    elif run.ended:
        remedy = f"start it once more with `interact-gitops retry {run.key}`"
    else:
        remedy = f"stop it with `interact-gitops cancel {run.key}`"
    raise Refused(said, remedy=remedy)


def _paired(parts: Sequence[Part], chats: Sequence[FoundChat]) -> Sequence[tuple[Part, FoundChat]]:
    left = list(chats)
    pairs: list[tuple[Part, FoundChat]] = []
    for part in parts:
        found = next((chat for chat in left if chat.parameters is not None and _same(chat, part.parameters)), None)
        if found is None:
            return list(zip(parts, chats, strict=True))
        left.remove(found)
        pairs.append((part, found))
    return pairs


def _same(chat: FoundChat, parameters: Combination) -> bool:
    return dict(chat.parameters or {}) == dict(parameters)
