"""The outbox: what is to be told, to whom, and what became of it. Rows are added and moved on, never deleted.

Once per event and channel is the table's unique key. A delivery in progress is leased, so that a sender who died
leaves it to the next one; settling names the lease, so that a late one changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from interact_gitops.server.identity import new_id
from interact_gitops.server.store.database import Connection, Row

STATES = ("waiting", "sent", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A message to be sent: of a run (`group_seq`), or a `remark` (JSON). `error`: it cannot be sent as things are."""

    organisation_id: str
    event: str
    channel: str
    topic: str
    level: str
    group_seq: int | None = None
    remark: Mapping[str, Any] | None = None
    failures: int = 0
    recovered_after: int = 0
    give_up_at: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A row, with the job and first chat that it is about. `reached`: receivers who have it from an earlier try."""

    seq: int
    id: str
    organisation_id: str
    event: str
    channel: str
    topic: str
    level: str
    group_seq: int | None
    remark: Mapping[str, Any] | None
    failures: int
    recovered_after: int
    state: str
    tries: int
    due_at: str
    give_up_at: str
    leased_until: str | None
    reached: frozenset[str]
    error: str | None
    created_at: str
    settled_at: str | None
    job_key: str | None
    job_name: str | None
    chat_id: str | None


# Who asks for a test wants to know now, however the channel did before.
_NOT_RESTING = (
    "(topic = 'test' OR NOT EXISTS (SELECT 1 FROM json_each(?) r WHERE json_extract(r.value, '$[0]') = organisation_id"
    " AND json_extract(r.value, '$[1]') = channel))"
)
_CHAT = "(SELECT min(seq) FROM chats WHERE group_seq = d.group_seq)"
_SELECT = f"SELECT d.*, c.job_key, c.job_name, c.id AS chat_id FROM deliveries d LEFT JOIN chats c ON c.seq = {_CHAT}"  # noqa: S608 - our own text


def add(db: Connection, new: NewDelivery, *, now: str) -> str | None:
    """Puts a message into the outbox; its id, or None when this event was told to this channel before."""
    delivery_id = new_id("dlv")
    state = "waiting" if new.error is None else "dead"
    done = db.execute(
        "INSERT INTO deliveries (id, organisation_id, event, channel, topic, level, group_seq, remark, failures,"
        " recovered_after, state, due_at, give_up_at, error, created_at, settled_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (organisation_id, event, channel) DO NOTHING",
        (
            delivery_id, new.organisation_id, new.event, new.channel, new.topic, new.level, new.group_seq,
            None if new.remark is None else json.dumps(new.remark, ensure_ascii=False), new.failures,
            new.recovered_after, state, now, new.give_up_at, new.error, now, None if new.error is None else now,
        ),
    )  # fmt: skip
    return delivery_id if done.rowcount == 1 else None


def take(db: Connection, resting: Collection[tuple[str, str]], *, now: str, until: str) -> StoredDelivery | None:
    """Leases the message that is due longest, and counts the try. `resting`: (organisation, channel) left alone."""
    row = db.execute(
        "UPDATE deliveries SET tries = tries + 1, leased_until = ? WHERE seq = ("  # noqa: S608 - our own text
        "  SELECT seq FROM deliveries WHERE state = 'waiting' AND due_at <= ?"
        "  AND (leased_until IS NULL OR leased_until <= ?)"
        f"  AND {_NOT_RESTING} ORDER BY due_at, seq LIMIT 1) RETURNING seq",
        (until, now, now, json.dumps(list(resting))),
    ).fetchone()
    return None if row is None else _delivery(db.execute(f"{_SELECT} WHERE d.seq = ?", (row["seq"],)).fetchone())


def settle(
    db: Connection,
    taken: StoredDelivery,
    *,
    state: str,
    now: str,
    error: str | None = None,
    due_at: str | None = None,
    reached: Collection[str] = (),
) -> bool:
    """Writes what became of a leased message; false when the lease is somebody else's by now."""
    done = db.execute(
        "UPDATE deliveries SET state = ?, error = ?, due_at = coalesce(?, due_at), reached = ?, leased_until = NULL,"
        " settled_at = ? WHERE seq = ? AND state = 'waiting' AND leased_until = ?",
        (state, error, due_at, json.dumps(sorted(reached)), None if state == "waiting" else now, taken.seq,
         taken.leased_until),
    )  # fmt: skip
    return done.rowcount == 1


def send_again(db: Connection, delivery: StoredDelivery, *, now: str, give_up_at: str) -> None:
    """Puts a dead message back, due now."""
    db.execute(
        "UPDATE deliveries SET state = 'waiting', tries = 0, due_at = ?, give_up_at = ?, settled_at = NULL"
        " WHERE seq = ? AND state = 'dead'",
        (now, give_up_at, delivery.seq),
    )


def release_all(db: Connection) -> None:
    """Ends every lease: for a server that starts, and knows that nobody else sends from its folder."""
    db.execute("UPDATE deliveries SET leased_until = NULL WHERE state = 'waiting' AND leased_until IS NOT NULL")


def next_due_at(db: Connection, resting: Collection[tuple[str, str]]) -> str | None:
    """When the message that is due first is due, but for those of `resting` channels."""
    row = db.execute(
        f"SELECT min(due_at) AS t FROM deliveries WHERE state = 'waiting' AND {_NOT_RESTING}",  # noqa: S608 - our own text
        (json.dumps(list(resting)),),
    ).fetchone()
    return None if row["t"] is None else str(row["t"])


def find(db: Connection, organisation_id: str, delivery_id: str) -> StoredDelivery | None:
    """An organisation's delivery by id."""
    row = db.execute(f"{_SELECT} WHERE d.id = ? AND d.organisation_id = ?", (delivery_id, organisation_id)).fetchone()
    return _delivery(row) if row else None


def listed(
    db: Connection, organisation_id: str, *, state: str | None, channel: str | None, before: int | None, count: int
) -> list[StoredDelivery]:
    """The first `count` deliveries, newest first. `before` is a seq."""
    found = db.execute(
        f"{_SELECT} WHERE d.organisation_id = ? AND (? IS NULL OR d.state = ?) AND (? IS NULL OR d.channel = ?)"
        " AND d.seq < ? ORDER BY d.seq DESC LIMIT ?",
        (organisation_id, state, state, channel, channel, 2**63 - 1 if before is None else before, count),
    )
    return [_delivery(row) for row in found]


def count_by_state(db: Connection) -> dict[str, int]:
    """How many messages are in each state."""
    counts = {row[0]: row[1] for row in db.execute("SELECT state, count(*) FROM deliveries GROUP BY state")}
    return {state: counts.get(state, 0) for state in STATES}


def _delivery(row: Row) -> StoredDelivery:
    values = {name: row[name] for name in StoredDelivery.__slots__}
    values["remark"] = json.loads(row["remark"]) if row["remark"] else None
    values["reached"] = frozenset(json.loads(row["reached"]))
    return StoredDelivery(**values)
