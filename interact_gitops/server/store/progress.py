"""How a chat moves: queued → running → completed, failed or cancelled; back to queued for another attempt.

Every move names the status it comes from and says whether it happened.
"""

from __future__ import annotations

from interact_gitops.server.clock import seconds_between
from interact_gitops.server.store.chats import RunError, StoredChat, write_error
from interact_gitops.server.store.database import Connection


def begin(db: Connection, chat_seq: int, *, now: str) -> None:
    """A queued chat runs, with its next attempt."""
    row = db.execute(
        "UPDATE chats SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, ?)"
        " WHERE seq = ? AND status = 'queued' RETURNING attempt",
        (now, chat_seq),
    ).fetchone()
    assert row is not None  # chosen in this very transaction
    db.execute(
        "INSERT INTO attempts (chat_seq, number, started_at, status) VALUES (?, ?, ?, 'running')",
        (chat_seq, row["attempt"], now),
    )


def end_attempt(
    db: Connection, chat: StoredChat, *, status: str, error: RunError | None, interrupted: bool, now: str
) -> None:
    """A running chat's attempt is over."""
    db.execute(
        "UPDATE attempts SET finished_at = ?, status = ?, interrupted = ?, error = ? WHERE chat_seq = ? AND number = ?",
        (now, status, int(interrupted), write_error(error), chat.seq, chat.attempt),
    )
    started = db.execute(
        "SELECT started_at FROM attempts WHERE chat_seq = ? AND number = ?", (chat.seq, chat.attempt)
    ).fetchone()["started_at"]
    took = seconds_between(started, now)
    db.execute("UPDATE chats SET run_seconds = round(run_seconds + ?, 3) WHERE seq = ?", (took, chat.seq))


def requeue(db: Connection, chat_seq: int, *, ready_at: str) -> bool:
    """A running chat waits for its next attempt."""
    done = db.execute(
        "UPDATE chats SET status = 'queued', ready_at = ? WHERE seq = ? AND status = 'running'",
        (ready_at, chat_seq),
    )
    return done.rowcount == 1


def finish(
    db: Connection,
    chat_seq: int,
    *,
    was: str,
    status: str,
    error: RunError | None,
    interrupted: bool,
    now: str,
) -> bool:
    """A chat's end."""
    done = db.execute(
        "UPDATE chats SET status = ?, error = ?, interrupted = ?, finished_at = ? WHERE seq = ? AND status = ?",
        (status, write_error(error), int(interrupted), now, chat_seq, was),
    )
    return done.rowcount == 1


def ask_to_cancel(db: Connection, chat_seq: int, *, now: str) -> None:
    """Notes the first wish to stop a running chat."""
    db.execute(
        "UPDATE chats SET cancel_requested_at = coalesce(cancel_requested_at, ?) WHERE seq = ?",
        (now, chat_seq),
    )


def add_usage(db: Connection, chat_seq: int, *, model: str, input_tokens: int, output_tokens: int) -> None:
    """Adds what one answer of a model took to the chat's total."""
    db.execute(
        "UPDATE chats SET model = ?, input_tokens = coalesce(input_tokens, 0) + ?,"
        " output_tokens = coalesce(output_tokens, 0) + ? WHERE seq = ?",
        (model, input_tokens, output_tokens, chat_seq),
    )
