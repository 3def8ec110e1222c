"""Organisations, their API keys, and the server's own secret key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from interact_gitops.server.identity import PREFIX_LENGTH, key_digest, new_api_key, new_id
from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as stored: never the key itself."""

    id: str
    organisation_id: str
    name: str
    prefix: str
    digest: bytes
    permissions: frozenset[str]
    created_at: str
    last_used_at: str | None


def add_organisation(db: Connection, name: str, now: str) -> str:
    """A new organisation; its id."""
    identifier = new_id("org")
    db.execute("INSERT INTO organisations VALUES (?, ?, ?)", (identifier, name, now))
    return identifier


def organisation_ids(db: Connection) -> list[str]:
    """Every organisation, oldest first."""
    return [row["id"] for row in db.execute("SELECT id FROM organisations ORDER BY rowid")]


def add_key(db: Connection, organisation_id: str, *, name: str, permissions: Iterable[str], now: str) -> str:
    """A new key, which is nowhere to be had again."""
    key = new_api_key()
    db.execute(
        "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            new_id("key"),
            organisation_id,
            name,
            key[:PREFIX_LENGTH],
            key_digest(key),
            json.dumps(sorted(permissions)),
            now,
        ),
    )
    return key


def keys_with_prefix(db: Connection, key: str) -> list[ApiKey]:
    """The stored keys that begin like `key`: at most one, but for chance."""
    found = db.execute("SELECT * FROM api_keys WHERE prefix = ?", (key[:PREFIX_LENGTH],))
    return [_key(row) for row in found]


def keys_of(db: Connection, organisation_id: str) -> list[ApiKey]:
    """An organisation's keys, oldest first."""
    found = db.execute("SELECT * FROM api_keys WHERE organisation_id = ? ORDER BY rowid", (organisation_id,))
    return [_key(row) for row in found]


def delete_key(db: Connection, organisation_id: str, key_id: str) -> bool:
    """Whether there was such a key. It stops working at once."""
    gone = db.execute("DELETE FROM api_keys WHERE organisation_id = ? AND id = ?", (organisation_id, key_id))
    return gone.rowcount == 1


def mark_used(db: Connection, key_id: str, now: str) -> None:
    """Notes when a key was used last."""
    db.execute("UPDATE api_keys SET last_used_at = ? WHERE id = ?", (now, key_id))


def own_secret(db: Connection) -> bytes:
    """The server's own key, made at first use: what fingerprints of secrets are made under."""
    db.execute("INSERT OR IGNORE INTO secrets VALUES ('own', ?)", (secrets.token_bytes(32),))
    return bytes(db.execute("SELECT value FROM secrets WHERE name = 'own'").fetchone()["value"])


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        organisation_id=row["organisation_id"],
        name=row["name"],
        prefix=row["prefix"],
        digest=row["digest"],
        permissions=frozenset(json.loads(row["permissions"])),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
