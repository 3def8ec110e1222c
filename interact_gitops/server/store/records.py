"""What a chat holds: messages, documents (their rows kept once), attempts, and the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interact_gitops.notify.events import Level
from interact_gitops.server.failures import NotFound
from interact_gitops.server.identity import new_id
from interact_gitops.server.store.chats import RunError, read_error
from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. `query` is the verified query that a user's message names. `blocks` as in agents/blocks.py."""

    id: str
    attempt: int
    role: str
    query: str | None
    blocks: Sequence[Mapping[str, Any]]
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document: `record` is all of it but its rows, which are JSON text (an array of arrays)."""

    id: str
    attempt: int
    record: Mapping[str, Any]
    rows: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a chat."""

    number: int
    started_at: str
    finished_at: str | None
    status: str
    interrupted: bool
    error: RunError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the log about a chat."""

    topic: str
    level: str
    attempt: int
    message: str
    detail: Mapping[str, Any] | None
    created_at: str


def add_message(
    db: Connection,
    chat_seq: int,
    *,
    attempt: int,
    role: str,
    blocks: Sequence[Mapping[str, Any]],
    query: str | None = None,
    now: str,
) -> None:
    """Adds a turn to a chat."""
    db.execute(
        "INSERT INTO messages (id, chat_seq, attempt, role, query, blocks, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new_id("msg"), chat_seq, attempt, role, query, _json(blocks), now),
    )


def messages(db: Connection, chat_seq: int) -> list[Message]:
    """A chat's turns in order."""
    found = db.execute("SELECT * FROM messages WHERE chat_seq = ? ORDER BY seq", (chat_seq,))
    return [
        Message(
            id=row["id"],
            attempt=row["attempt"],
            role=row["role"],
            query=row["query"],
            blocks=json.loads(row["blocks"]),
            created_at=row["created_at"],
        )
        for row in found
    ]


def add_document(db: Connection, chat_seq: int, document: Mapping[str, Any], *, attempt: int, now: str) -> None:
    """Adds a document to a chat; rows that are already there are not written again."""
    record = {name: value for name, value in document.items() if name != "rows"}
    digest = document["sha256"]
    known = db.execute("SELECT 1 FROM row_sets WHERE sha256 = ?", (digest,)).fetchone()
    if known is None:
        db.execute("INSERT INTO row_sets VALUES (?, ?)", (digest, _json(document["rows"])))
    db.execute(
        "INSERT INTO documents (id, chat_seq, attempt, sha256, record, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (document["id"], chat_seq, attempt, digest, _json(record), now),
    )


_DOCUMENTS = "SELECT d.*, r.rows FROM documents d JOIN row_sets r ON r.sha256 = d.sha256"


def documents(db: Connection, chat_seq: int) -> list[StoredDocument]:
    """A chat's documents in order."""
    found = db.execute(f"{_DOCUMENTS} WHERE d.chat_seq = ? ORDER BY d.seq", (chat_seq,))
    return [_document(row) for row in found]


def document(db: Connection, chat_seq: int, document_id: str) -> StoredDocument | None:
    """One document of a chat."""
    row = db.execute(f"{_DOCUMENTS} WHERE d.chat_seq = ? AND d.id = ?", (chat_seq, document_id)).fetchone()
    return _document(row) if row else None


def demand_document(db: Connection, chat_seq: int, document_id: str) -> StoredDocument:
    """One document of a chat. Raises NotFound."""
    found = document(db, chat_seq, document_id)
    if found is None:
        raise NotFound(f"the chat has no document {document_id[:60]}")
    return found


def attempts(db: Connection, chat_seq: int) -> list[Attempt]:
    """A chat's attempts in order."""
    found = db.execute("SELECT * FROM attempts WHERE chat_seq = ? ORDER BY number", (chat_seq,))
    return [
        Attempt(
            number=row["number"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            status=row["status"],
            interrupted=bool(row["interrupted"]),
            error=read_error(row["error"]),
        )
        for row in found
    ]


def add_event(db: Connection, organisation_id: str, chat_seq: int, event: Event) -> None:
    """Writes a line of the log."""
    db.execute(
        "INSERT INTO events (organisation_id, topic, level, chat_seq, attempt, message, detail, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            organisation_id,
            event.topic,
            event.level,
            chat_seq,
            event.attempt,
            event.message,
            None if event.detail is None else _json(event.detail),
            event.created_at,
        ),
    )


def events(db: Connection, chat_seq: int) -> list[Event]:
    """The log of a chat, oldest first."""
    found = db.execute("SELECT * FROM events WHERE chat_seq = ? ORDER BY seq", (chat_seq,))
    return [
        Event(
            topic=row["topic"],
            level=row["level"],
            attempt=row["attempt"],
            message=row["message"],
            detail=json.loads(row["detail"]) if row["detail"] else None,
            created_at=row["created_at"],
        )
        for row in found
    ]


# Of the attempt that counts: what a failed attempt saw is seen again by the next one.
_ANOMALY = "e.topic = 'anomaly' AND e.attempt = c.attempt"


def anomalies_of_group(db: Connection, group_seq: int) -> dict[Level, int]:
    """How many anomalies a group's chats raised, by level; levels without any are left out."""
    found = db.execute(
        "SELECT e.level, count(*) FROM chats c JOIN events e ON e.chat_seq = c.seq"  # noqa: S608 - our own text
        f" WHERE c.group_seq = ? AND {_ANOMALY} GROUP BY e.level",
        (group_seq,),
    )
    return {row[0]: row[1] for row in found}


def telling_of_group(db: Connection, group_seq: int, *, most: int) -> list[int]:
    """The seqs of a group's chats, those that need somebody first: failed ones, then those with anomalies."""
    found = db.execute(
        "SELECT c.seq FROM chats c WHERE c.group_seq = ? ORDER BY"  # noqa: S608 - our own text
        f" c.status <> 'failed', NOT EXISTS (SELECT 1 FROM events e WHERE e.chat_seq = c.seq AND {_ANOMALY}), c.seq"
        " LIMIT ?",
        (group_seq, most),
    )
    return [row["seq"] for row in found]


def _document(row: Row) -> StoredDocument:
    return StoredDocument(
        id=row["id"],
        attempt=row["attempt"],
        record=json.loads(row["record"]),
        rows=row["rows"],
        created_at=row["created_at"],
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
