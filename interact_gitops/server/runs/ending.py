"""The end of a chat. Every end goes through `end_chat`, inside one transaction: what should follow from a run's
end (the log, the outbox rows of notifications) is written there or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from interact_gitops.server.clock import from_text, to_text
from interact_gitops.server.notifying.outbox import tell_of_run
from interact_gitops.server.store import chats, groups, progress, records
from interact_gitops.server.store.chats import FINISHED, RunError, StoredChat
from interact_gitops.server.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a chat's attempt ended. `interrupted`: the server stopped under it."""

    status: Literal["completed", "failed", "cancelled"]
    error: RunError | None = None
    interrupted: bool = False


COMPLETED = Outcome(status="completed")
CANCELLED = Outcome(status="cancelled", error=RunError(kind="cancelled", message="the run was cancelled"))
INTERRUPTED = Outcome(
    status="failed",
    interrupted=True,
    error=RunError(kind="interrupted", message="the server stopped while the run was in progress"),
)


def end_chat(db: Connection, chat: StoredChat, outcome: Outcome, *, now: str) -> bool:
    """Ends a queued or running chat, or puts a failed one back for its next attempt.

    False when it had ended already: nothing is written then. Closes the group with its last chat, and opens
    the one that is next in line.
    """
    if chat.status in FINISHED:
        return False
    if chat.status == "running":
        if chat.cancel_requested_at is not None and outcome.status == "failed":
            outcome = CANCELLED
        progress.end_attempt(
            db, chat, status=outcome.status, error=outcome.error, interrupted=outcome.interrupted, now=now
        )
        if outcome.status == "failed" and chat.attempt < chat.max_attempts:
            return _again(db, chat, now=now)
    ended = progress.finish(
        db,
        chat.seq,
        was=chat.status,
        status=outcome.status,
        error=outcome.error,
        interrupted=outcome.interrupted,
        now=now,
    )
    assert ended  # the chat was read in this transaction
    _log(db, chat, outcome, now=now)
    left = groups.count_down(db, chat.group_seq, running=int(chat.status == "running"), unfinished=1)
    if left == 0:
        _close_group(db, chat, now=now)
    return True


def _again(db: Connection, chat: StoredChat, *, now: str) -> bool:
    ready_at = to_text(from_text(now) + timedelta(seconds=chat.backoff_seconds))
    groups.count_down(db, chat.group_seq, running=1, unfinished=0)
    return progress.requeue(db, chat.seq, ready_at=ready_at)


def _log(db: Connection, chat: StoredChat, outcome: Outcome, *, now: str) -> None:
    """What channels will hear of; a cancelled run was somebody's wish and is no news."""
    if outcome.status == "completed":
        topic, level, message = "completed_run", "info", f"{chat.job_name} completed"
    elif outcome.status == "failed":
        reason = outcome.error.message if outcome.error else "no reason is known"
        topic, level, message = "failed_run", "error", f"{chat.job_name} failed: {reason}"
    else:
        return
    event = records.Event(topic=topic, level=level, attempt=chat.attempt, message=message, detail=None, created_at=now)
    records.add_event(db, chat.organisation_id, chat.seq, event)


def _close_group(db: Connection, chat: StoredChat, *, now: str) -> None:
    """The run as a whole is over: whatever is said once per run, and not per chat, belongs here."""
    groups.set_state(db, chat.group_seq, "closed", closed_at=now)
    tell_of_run(db, groups.get(db, chat.group_seq), now=now)
    open_next(db, chat.job_id)


def open_next(db: Connection, job_id: str) -> None:
    """Lets the run that is next in line begin, when the way is free."""
    waiting = groups.of_job(db, job_id, "waiting")
    if waiting is not None and groups.of_job(db, job_id, "open") is None:
        groups.set_state(db, waiting.seq, "open")


def close_leftovers(db: Connection, *, now: str) -> None:
    """After a restart: ends what was running when the server died, each with an attempt or for good."""
    for seq in chats.running(db):
        end_chat(db, chats.get(db, seq), INTERRUPTED, now=now)
