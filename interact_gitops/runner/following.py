"""From what the target shows of a run's chats to the run's next step. Pure.

A run ends when its last chat has; the worst end counts. A status that we do not know, and a chat that is not
listed, count as in progress until the run's patience is over: then nobody knows, and somebody has to look
(ledger.md, rule 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from interact_gitops.ledger.moves import verdict
from interact_gitops.ledger.records import Part, Run
from interact_gitops.ledger.requests import Move, PartChange
from interact_gitops.ledger.states import PartState, State
from interact_gitops.runner import events
from interact_gitops.runner.target import SeenChat

_ENDS: Mapping[str, PartState] = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}


def step_for(run: Run, seen: Mapping[str, SeenChat], *, now: datetime) -> Move | None:
    """The step of a followed run (`triggered` or `running`), given its chats as they are seen; None for no news."""
    changes = tuple(change for part in run.open_parts if (change := _change(part, seen)) is not None)
    parts = _after(run, changes)
    end = verdict(parts)
    if end is not None:
        return _end(run, end, changes, parts, seen, now=now)
    if _patience_over(run, now):
        return _give_up(run, changes, parts, seen)
    at_work = any(part.state == "running" for part in parts)
    to: State = "running" if at_work else run.state
    if not changes and to == run.state:
        return None
    return Move(key=run.key, was=run.state, fence=run.fence, to=to, parts=changes)


def overdue_chats(run: Run, *, now: datetime) -> tuple[str, ...]:
    """The chats that have to be cancelled: all that are open of a run past its time, or that somebody cancelled."""
    if run.cancel_at is None and not _patience_over(run, now):
        return ()
    return tuple(part.chat for part in run.open_parts if part.chat is not None)


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


def _give_up(run: Run, changes: tuple[PartChange, ...], parts: tuple[Part, ...], seen: Mapping[str, SeenChat]) -> Move:
    still = [part for part in parts if part.state in {"triggered", "running"}]
    unsure = [part for part in still if (chat := seen.get(part.chat or "")) is None or chat.state == "unknown"]
    if unsure:
        chat = seen.get(unsure[0].chat or "")
        said = f"the target says {chat.status!r} of chat {chat.id}" if chat else f"chat {unsure[0].chat} is not listed"
        why = f"{said}, and its {run.timeout} seconds are over"
        notice = events.needs_operator(run, why)
        return Move(
            key=run.key, was=run.state, fence=run.fence, to="needs_operator", parts=changes, reason=why,
            notices=(notice,),
        )  # fmt: skip
    reason = f"longer than {run.timeout} seconds"
    return Move(key=run.key, was=run.state, fence=run.fence, to="timed_out", parts=changes, reason=reason)


def _patience_over(run: Run, now: datetime) -> bool:
    return run.triggered_at is not None and now > run.triggered_at + timedelta(seconds=run.timeout)


def _why(parts: tuple[Part, ...], seen: Mapping[str, SeenChat], end: State) -> str | None:
    """The reason of an end, from the first chat that ended so; the plain one of the table where all is well."""
    if end == "succeeded":
        return None
    worst = [part for part in parts if part.state == end]
    chat = seen.get(worst[0].chat or "") if worst else None
    count = f"{len(worst)} of {len(parts)} chats: " if len(parts) > 1 else ""
    said = chat.error if chat is not None and chat.error else None
    return f"{count}{said or end} (chat {worst[0].chat})" if worst else None
