"""Locks: one per organisation and ownership mark, by the table's primary key. Times are the caller's to give."""

from __future__ import annotations

from dataclasses import dataclass

from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLock:
    """A row. `request_key` and `request_digest` tell the request that took it from others."""

    id: str
    organisation_id: str
    managed_by: str
    holder: str
    request_key: str | None
    request_digest: str
    created_at: str
    expires_at: str


def find(db: Connection, organisation_id: str, lock_id: str) -> StoredLock | None:
    """An organisation's lock by id, expired or not; None once it was released or taken over."""
    row = db.execute("SELECT * FROM locks WHERE id = ? AND organisation_id = ?", (lock_id, organisation_id)).fetchone()
    return _lock(row) if row else None


def find_by_owner(db: Connection, organisation_id: str, managed_by: str) -> StoredLock | None:
    """The lock of an ownership mark, expired or not."""
    row = db.execute(
        "SELECT * FROM locks WHERE organisation_id = ? AND managed_by = ?", (organisation_id, managed_by)
    ).fetchone()
    return _lock(row) if row else None


def put(db: Connection, lock: StoredLock) -> None:
    """Writes a lock in the place of its owner's earlier one, which is then gone for its holder."""
    db.execute(
        "REPLACE INTO locks (organisation_id, managed_by, id, holder, request_key, request_digest, created_at,"
        " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            lock.organisation_id,
            lock.managed_by,
            lock.id,
            lock.holder,
            lock.request_key,
            lock.request_digest,
            lock.created_at,
            lock.expires_at,
        ),
    )


def extend(db: Connection, lock_id: str, *, expires_at: str) -> None:
    """Moves a lock's end."""
    db.execute("UPDATE locks SET expires_at = ? WHERE id = ?", (expires_at, lock_id))


def remove(db: Connection, lock_id: str) -> None:
    """Releases a lock."""
    db.execute("DELETE FROM locks WHERE id = ?", (lock_id,))


def _lock(row: Row) -> StoredLock:
    return StoredLock(**{name: row[name] for name in StoredLock.__slots__})
