"""From what the target shows of a run's chats to the run's next step. Pure.

A run ends when its last chat has; the worst end counts. A status that we do not know, and a chat that is not
listed, count as in progress until the run's time is over: then nobody knows, and somebody has to look. What is known
to be at work by then is cancelled at the target first, and timed out once that was answered (ledger.md, rule 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from interact_gitops.ledger.moves import verdict
from interact_gitops.ledger.records import Part, Run
from interact_gitops.ledger.requests import Move, PartChange
from interact_gitops.ledger.states import OPEN_PARTS, PartState, State
from interact_gitops.runner import events
from interact_gitops.runner.target import SeenChat

_ENDS: Mapping[str, PartState] = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}


def step_for(
    run: Run, seen: Mapping[str, SeenChat], *, now: datetime, overdue: bool = False, cancelled: bool = False
) -> Move | None:
    """The step of a followed run (`triggered` or `running`), given its chats as they are seen; None for no news.

    `overdue`: it takes longer than it may; `cancelled`: the target was asked to end what is left of it.
    """
    changes = tuple(change for part in run.open_parts if (change := _change(part, seen)) is not None)
    parts = _after(run, changes)
    end = verdict(parts)
    if end is not None:
        if end == "cancelled" and overdue and run.cancel_at is None:
            return _timed_out(run, changes)
        return _end(run, end, changes, parts, seen, now=now)
    if overdue:
        step = _give_up(run, changes, parts, seen, cancelled=cancelled)
        if step is not None:
            return step
    at_work = any(part.state == "running" for part in parts)
    to: State = "running" if at_work else run.state
    if not changes and to == run.state:
        return None
    return Move(key=run.key, was=run.state, fence=run.fence, to=to, parts=changes)


def chats_to_cancel(run: Run, seen: Mapping[str, SeenChat]) -> tuple[str, ...]:
    """Of an overdue run: the chats that are known to be at work."""
    chats = (part.chat for part in run.open_parts if part.chat is not None)
    return tuple(chat for chat in chats if chat in seen and seen[chat].state == "active")


def _change(part: Part, seen: Mapping[str, SeenChat]) -> PartChange | None:
    chat = seen.get(part.chat or "")
    if chat is None:
        return None
    state = _ENDS.get(chat.state) or ("running" if chat.state == "active" else part.state)
    if state == part.state:
        return None
    return PartChange(ordinal=part.ordinal, state=state, error=chat.error if state == "failed" else None)


def _after(run: Run, changes: tuple[PartChange, ...]) -> tuple[Part, ...]:
    news = {change.ordinal: change.state for change in changes}
    return tuple(replace(part, state=news.get(part.ordinal) or part.state) for part in run.parts)


def _end(
    run: Run, end: State, changes: tuple[PartChange, ...], parts: tuple[Part, ...], seen: Mapping[str, SeenChat],
    *, now: datetime,
) -> Move:  # fmt: skip
    reason = _why(parts, seen, end)
    if end == "failed" and run.attempt < run.max_attempts and run.cancel_at is None:
        return Move(
            key=run.key, was=run.state, fence=run.fence, to="planned", parts=changes, next_attempt=True, keep_way=True,
            due_at=now + timedelta(seconds=run.backoff), reason=reason,
        )  # fmt: skip
    return Move(key=run.key, was=run.state, fence=run.fence, to=end, parts=changes, reason=reason)


def _give_up(
    run: Run, changes: tuple[PartChange, ...], parts: tuple[Part, ...], seen: Mapping[str, SeenChat], *, cancelled: bool
) -> Move | None:
    still = [part for part in parts if part.state in OPEN_PARTS]
    unsure = [part for part in still if (chat := seen.get(part.chat or "")) is None or chat.state == "unknown"]
    if unsure:
        chat = seen.get(unsure[0].chat or "")
        named = f"chat {unsure[0].chat}" if unsure[0].chat else "one of its chats"
        said = f"the target says {chat.status!r} of chat {chat.id}" if chat else f"{named} is not listed"
        why = f"{said}, and its {run.timeout} seconds are over"
        notice = events.needs_operator(run, why)
        return Move(
            key=run.key, was=run.state, fence=run.fence, to="needs_operator", parts=changes, reason=why,
            notices=(notice,),
        )  # fmt: skip
    return _timed_out(run, changes) if cancelled else None


def _timed_out(run: Run, changes: tuple[PartChange, ...]) -> Move:
    reason = f"longer than {run.timeout} seconds"
    return Move(key=run.key, was=run.state, fence=run.fence, to="timed_out", parts=changes, reason=reason)


def _why(parts: tuple[Part, ...], seen: Mapping[str, SeenChat], end: State) -> str | None:
    """The reason of an end, from the first chat that ended so; the plain one of the table where all is well."""
    if end == "succeeded":
        return None
    worst = [part for part in parts if part.state == end]
    chat = seen.get(worst[0].chat or "") if worst else None
    count = f"{len(worst)} of {len(parts)} chats: " if len(parts) > 1 else ""
    said = chat.error if chat is not None and chat.error else None
    return f"{count}{said or end} (chat {worst[0].chat})" if worst else None
