"""Spent idempotency keys: unique for ever, by the table's primary key."""

from __future__ import annotations

from dataclasses import dataclass

from interact_gitops.server.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a key was used for: the digest of the body, and the answer or the run that it started."""

    request_digest: str
    answer: str | None
    group_seq: int | None


def find(db: Connection, organisation_id: str, scope: str, key: str) -> Spent | None:
    """The earlier use of a key, if there was one."""
    row = db.execute(
        "SELECT request_digest, answer, group_seq FROM idempotency WHERE organisation_id = ? AND scope = ? AND key = ?",
        (organisation_id, scope, key),
    ).fetchone()
    return Spent(request_digest=row[0], answer=row[1], group_seq=row[2]) if row else None


def spend(db: Connection, organisation_id: str, scope: str, key: str, use: Spent, *, now: str) -> None:
    """Notes the use of a key. Raises sqlite3.IntegrityError when it was used before."""
    db.execute(
        "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
        (organisation_id, scope, key, use.request_digest, use.answer, use.group_seq, now),
    )
