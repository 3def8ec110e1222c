"""One step of a run: the run before, the move, and the run after. Pure; every backend writes what comes out here.

A move that breaks a rule is a bug of whoever made it and raises `IllegalMove`; one that comes too late (another
state, another fence, another owner) is no bug, and `stands` says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.ledger.records import PRIORITIES, Part, Run, stored_text
from interact_gitops.ledger.requests import Intent, Move, NewRun, PartChange
from interact_gitops.ledger.states import (
    ENDED,
    NEVER_SENT,
    OPEN_PARTS,
    OWNED,
    SENT,
    TRANSITIONS,
    PartState,
    State,
    allowed,
)

_PART_ENDS: dict[State, PartState] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "timed_out": "timed_out",
}


class IllegalMove(ValueError):
    """A step that no run may make."""


def stands(run: Run, move: Move, *, by: str) -> bool:
    """Whether the run is still as the mover read it, and the mover's own if it is anybody's.

    Raises IllegalMove for a step that no run in that state may make.
    """
    if not allowed(move.was, move.to):
        raise IllegalMove(f"{run.key}: {move.was} is never followed by {move.to}")
    if move.to == "claimed":
        raise IllegalMove(f"{run.key}: only a claim or a take-over claims, and gives a new fence")
    mine = run.owner in {None, by} or run.state not in OWNED
    return run.state == move.was and run.fence == move.fence and mine


def moved(run: Run, move: Move, *, now: datetime) -> Run:
    """The run after a step that stands. Raises IllegalMove for one that breaks a rule."""
    _check(run, move)
    news: dict[str, Any] = {"state": move.to, "parts": _changed(run, move.parts, now=now)}
    if is_step(run, move):
        news["reason"] = stored_text(move.reason or TRANSITIONS[run.state, move.to])
    if move.to == "planned":
        news |= _planned(run, move, news["parts"])
    elif move.intent is not None:
        news |= _sending(move.intent)
    elif move.to == "triggered":
        news |= _triggered(run, news["parts"], now=now)
    elif move.to in ENDED:
        news |= _ended(run, move, news["parts"], now=now)
    if move.to not in OWNED:
        news |= {"owner": None, "leased_until": None}
    if move.to in ENDED or move.to == "needs_operator":
        news["retrying"] = False
    return replace(run, **news)


def is_step(run: Run, move: Move) -> bool:
    """Whether a move is worth a line in the run's history: news of single chats are not."""
    return run.state != move.to or move.intent is not None or move.reason is not None


def added(new: NewRun, *, seq: int, now: datetime) -> Run:
    """A run as it stands when it was just added. Raises IllegalMove for a fan-out that is none."""
    if not new.combinations or (not new.fan_out and len(new.combinations) != 1):
        raise IllegalMove(f"{new.key}: a run without fan-out has one set of parameters, one with it at least one")
    ended = new.state in ENDED
    return Run(
        seq=seq,
        key=new.key,
        job=new.job,
        kind=new.kind,
        occurrence=new.occurrence,
        scheduled_at=new.scheduled_at,
        due_at=new.due_at,
        start_by=new.start_by,
        alarm_at=new.alarm_at,
        priority=PRIORITIES[new.kind],
        line_up=new.line_up,
        exclusive=new.line_up != "allow",
        fan_out=new.fan_out,
        max_parallel=new.max_parallel,
        timeout=new.timeout,
        max_attempts=new.max_attempts,
        backoff=new.backoff,
        definition_hash=new.definition_hash,
        git_commit=new.git_commit,
        requested_by=new.requested_by,
        created_at=now,
        state=new.state,
        attempt=1,
        retrying=False,
        fence=0,
        owner=None,
        leased_until=None,
        payload=None,
        remote_job=None,
        sent_at=None,
        send_by=None,
        triggered_at=None,
        ended_at=now if ended else None,
        reason=None if new.reason is None else stored_text(new.reason),
        in_the_way=new.in_the_way,
        cancel_at=None,
        cancel_by=None,
        cancel_reason=None,
        parts=tuple(Part(ordinal=n, parameters=dict(one)) for n, one in enumerate(new.combinations)),
    )


def reopened(run: Run, new: NewRun, *, now: datetime) -> Run:
    """A missed or skipped run as a backfill wants it: the key stays, all else is today's definition.

    Its alarm is not rung again. Raises IllegalMove for a run that was, or may have been, sent.
    """
    if run.state not in NEVER_SENT:
        raise IllegalMove(f"{run.key} is {run.state}: only what was never sent is opened again")
    fresh = added(new, seq=run.seq, now=now)
    return replace(fresh, key=run.key, created_at=run.created_at, fence=run.fence, alarm_at=None)


def _check(run: Run, move: Move) -> None:
    if (move.to == "sending") != (move.intent is not None):
        raise IllegalMove(f"{run.key}: an intent belongs to a move to sending, and to no other")
    if move.intent is not None and run.payload not in {None, move.intent.payload}:
        raise IllegalMove(f"{run.key}: attempt {run.attempt} was frozen with another payload")
    if move.to in NEVER_SENT and (run.attempt > 1 or any(part.chat for part in run.parts)):
        raise IllegalMove(f"{run.key} was sent before: it cannot be {move.to}")
    if move.next_attempt and move.to != "planned":
        raise IllegalMove(f"{run.key}: only a run that is planned again has a next attempt")
    if move.keep_way and not (move.next_attempt and run.state in SENT):
        raise IllegalMove(f"{run.key}: only a retry of a run in progress keeps the way")
    retry = {"triggered", "running", "failed", "timed_out", "cancelled", "needs_operator"}
    if move.to == "planned" and run.state in retry and not move.next_attempt:
        raise IllegalMove(f"{run.key} was sent: what follows is the next attempt")
    if move.next_attempt and run.state not in {*retry, "sending"}:
        raise IllegalMove(f"{run.key} is {run.state}: its attempt {run.attempt} was not made")
    if len({change.ordinal for change in move.parts}) != len(move.parts):
        raise IllegalMove(f"{run.key}: two changes of one part")


def _changed(run: Run, changes: tuple[PartChange, ...], *, now: datetime) -> tuple[Part, ...]:
    if not changes:
        return run.parts
    parts = list(run.parts)
    for change in changes:
        if not 0 <= change.ordinal < len(parts):
            raise IllegalMove(f"{run.key} has no part {change.ordinal}")
        part = parts[change.ordinal]
        state = change.state or ("triggered" if change.chat is not None else part.state)
        parts[change.ordinal] = replace(
            part,
            state=state,
            attempt=run.attempt if change.chat is not None else part.attempt,
            chat=part.chat if change.chat is None else stored_text(change.chat),
            error=part.error if change.error is None else stored_text(change.error),
            ended_at=None if state in OPEN_PARTS else part.ended_at or now,
        )
    return tuple(parts)


def _sending(intent: Intent) -> dict[str, Any]:
    return {
        "payload": intent.payload,
        "remote_job": None if intent.remote_job is None else stored_text(intent.remote_job),
        "sent_at": intent.sent_at,
        "send_by": intent.sent_at + timedelta(seconds=intent.seconds),
    }


def _triggered(run: Run, parts: tuple[Part, ...], *, now: datetime) -> dict[str, Any]:
    if not any(part.state == "triggered" and part.chat for part in parts):
        raise IllegalMove(f"{run.key}: triggered means that its chats are known")
    if run.state == "triggered":
        return {}
    # Found by hand while another run is in the way: both are now, but at most one may say that it is alone.
    return {"triggered_at": now, "exclusive": run.exclusive and run.state != "needs_operator"}


def _planned(run: Run, move: Move, parts: tuple[Part, ...]) -> dict[str, Any]:
    """Back in line: given back, not started, opened again, or to be tried once more."""
    back = run.state in {"claimed", "sending"} and not move.next_attempt
    news: dict[str, Any] = dict.fromkeys(("sent_at", "send_by", "triggered_at", "ended_at", "in_the_way"))
    news["due_at"] = move.due_at or run.due_at
    news["start_by"] = run.start_by if back else move.start_by
    news["retrying"] = run.retrying if back else move.keep_way
    if not back and run.state in ENDED:
        news |= {"cancel_at": None, "cancel_by": None, "cancel_reason": None}
    if not move.next_attempt:
        return news
    if all(part.state == "succeeded" for part in parts):
        raise IllegalMove(f"{run.key}: every chat succeeded, so there is nothing to try again")
    return news | {"parts": tuple(_again(part) for part in parts), "attempt": run.attempt + 1, "payload": None}


def _again(part: Part) -> Part:
    return part if part.state == "succeeded" else replace(part, state="planned", error=None, ended_at=None)


def _ended(run: Run, move: Move, parts: tuple[Part, ...], *, now: datetime) -> dict[str, Any]:
    end = _PART_ENDS.get(move.to)
    if end is not None:
        closed = (replace(part, state=end, ended_at=now) if part.state in OPEN_PARTS else part for part in parts)
        parts = tuple(closed)
    if move.to == "succeeded" and any(part.state != "succeeded" for part in parts):
        raise IllegalMove(f"{run.key}: a chat of it did not succeed")
    return {
        "parts": parts,
        "ended_at": now,
        "in_the_way": None if move.in_the_way is None else stored_text(move.in_the_way),
        "alarm_at": None if move.to in {"succeeded", "cancelled"} else run.alarm_at,
    }


def verdict(parts: tuple[Part, ...]) -> State | None:
    """How a run ended whose chats are these; None while one is open. The worst counts."""
    found = {part.state for part in parts}
    if found & OPEN_PARTS:
        return None
    ends: tuple[State, ...] = ("failed", "timed_out", "cancelled", "succeeded")
    return next(end for end in ends if end in found)
