"""Notification channels. `url` and `secret` are kept readable, for senders need them; no answer has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from interact_gitops.server.store.database import Connection, Row

_COLUMNS = (
    "id", "organisation_id", "name", "type", "level", "topics", "receivers", "url", "secret", "managed_by",
    "applied_hash", "revision", "created_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChannel:
    """A row. `receivers` are an email channel's addresses."""

    seq: int
    id: str
    organisation_id: str
    name: str
    type: str
    level: str
    topics: tuple[str, ...]
    receivers: tuple[str, ...]
    url: str | None
    secret: str | None
    managed_by: str | None
    applied_hash: str | None
    revision: int
    created_at: str
    updated_at: str

    @property
    def etag(self) -> str:
        """As it stands in the ETag header, quotes included."""
        return f'"{self.revision}"'


def insert(db: Connection, channel: StoredChannel) -> None:
    """Adds a channel. Raises sqlite3.IntegrityError when its name is taken."""
    marks = ", ".join("?" * len(_COLUMNS))
    db.execute(f"INSERT INTO channels ({', '.join(_COLUMNS)}) VALUES ({marks})", _values(channel))  # noqa: S608


def replace(db: Connection, channel: StoredChannel, *, was: int) -> bool:
    """Writes a channel over its revision `was`; false when that is not the present one."""
    sets = ", ".join(f"{column} = ?" for column in _COLUMNS)
    done = db.execute(
        f"UPDATE channels SET {sets} WHERE id = ? AND revision = ?",  # noqa: S608
        (*_values(channel), channel.id, was),
    )
    return done.rowcount == 1


def delete(db: Connection, channel_id: str) -> None:
    """Removes a channel; jobs that name it keep the name."""
    db.execute("DELETE FROM channels WHERE id = ?", (channel_id,))


def find(db: Connection, organisation_id: str, channel_id: str) -> StoredChannel | None:
    """An organisation's channel by id."""
    row = db.execute(
        "SELECT * FROM channels WHERE id = ? AND organisation_id = ?", (channel_id, organisation_id)
    ).fetchone()
    return _channel(row) if row else None


def find_by_name(db: Connection, organisation_id: str, name: str) -> StoredChannel | None:
    """An organisation's channel by name."""
    row = db.execute(
        "SELECT * FROM channels WHERE organisation_id = ? AND name = ?", (organisation_id, name)
    ).fetchone()
    return _channel(row) if row else None


def listed(
    db: Connection, organisation_id: str, *, after: int, managed_by: str | None, count: int
) -> list[StoredChannel]:
    """The first `count` channels after the seq `after`, oldest first."""
    found = db.execute(
        "SELECT * FROM channels WHERE organisation_id = ? AND seq > ? AND (? IS NULL OR managed_by = ?)"
        " ORDER BY seq LIMIT ?",
        (organisation_id, after, managed_by, managed_by, count),
    )
    return [_channel(row) for row in found]


def _values(channel: StoredChannel) -> tuple[Any, ...]:
    values = {name: getattr(channel, name) for name in _COLUMNS}
    values["topics"] = json.dumps(channel.topics)
    values["receivers"] = json.dumps(channel.receivers)
    return tuple(values.values())


def _channel(row: Row) -> StoredChannel:
    values = dict(zip(row.keys(), row, strict=True))
    values["topics"] = tuple(json.loads(row["topics"]))
    values["receivers"] = tuple(json.loads(row["receivers"]))
    return StoredChannel(**values)
