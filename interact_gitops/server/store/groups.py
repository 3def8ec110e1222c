"""Run groups: one trigger each. The overlap rule lives in the table's two unique indexes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from interact_gitops.jobs.model import Scalar
from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGroup:
    """A row; `state` is waiting (next in line), open, or closed. Durations in seconds."""

    seq: int
    id: str
    organisation_id: str
    job_id: str
    run_key: str
    state: str
    exclusive: bool
    fan_out: bool
    max_parallel: int
    running: int
    unfinished: int
    timeout_seconds: int
    max_attempts: int
    backoff_seconds: int
    run_trigger: str
    initiator: str
    scheduled_at: str
    run_date: str
    definition_hash: str
    git_commit: str | None
    created_at: str
    closed_at: str | None


_GIVEN = tuple(name for name in StoredGroup.__slots__ if name not in {"seq", "running", "closed_at"})


def insert(db: Connection, group: StoredGroup) -> int:
    """Adds a group; its seq. Raises sqlite3.IntegrityError when the overlap rule forbids it."""
    values = [int(v) if isinstance(v := getattr(group, name), bool) else v for name in _GIVEN]
    marks = ", ".join("?" * len(_GIVEN))
    done = db.execute(f"INSERT INTO run_groups ({', '.join(_GIVEN)}) VALUES ({marks})", values)  # noqa: S608
    assert done.lastrowid is not None
    return done.lastrowid


def get(db: Connection, seq: int) -> StoredGroup:
    """A group that is there."""
    return _group(db.execute("SELECT * FROM run_groups WHERE seq = ?", (seq,)).fetchone())


def find(db: Connection, organisation_id: str, group_id: str) -> StoredGroup | None:
    """An organisation's group by id."""
    row = db.execute(
        "SELECT * FROM run_groups WHERE id = ? AND organisation_id = ?", (group_id, organisation_id)
    ).fetchone()
    return _group(row) if row else None


def of_job(db: Connection, job_id: str, state: str) -> StoredGroup | None:
    """The newest group of a job in a state."""
    row = db.execute(
        "SELECT * FROM run_groups WHERE job_id = ? AND state = ? ORDER BY seq DESC LIMIT 1", (job_id, state)
    ).fetchone()
    return _group(row) if row else None


def set_state(db: Connection, seq: int, state: str, *, closed_at: str | None = None) -> None:
    """Moves a group on."""
    db.execute("UPDATE run_groups SET state = ?, closed_at = ? WHERE seq = ?", (state, closed_at, seq))


def take_turn(db: Connection, seq: int, turn: int) -> None:
    """One more chat of the group runs; groups whose turn is longest ago come first."""
    db.execute("UPDATE run_groups SET running = running + 1, turn = ? WHERE seq = ?", (turn, seq))


def count_down(db: Connection, seq: int, *, running: int, unfinished: int) -> int:
    """Takes ended chats off the group's counts; how many are unfinished now."""
    row = db.execute(
        "UPDATE run_groups SET running = running - ?, unfinished = unfinished - ? WHERE seq = ? RETURNING unfinished",
        (running, unfinished, seq),
    ).fetchone()
    return int(row["unfinished"])


def unfinished_ids(db: Connection, group_seq: int) -> list[str]:
    """The ids of a group's chats that have not ended, in their order."""
    found = db.execute(
        "SELECT id FROM chats WHERE group_seq = ? AND status IN ('queued', 'running') ORDER BY seq", (group_seq,)
    )
    return [row["id"] for row in found]


def not_completed(db: Connection, group_seq: int) -> list[Mapping[str, Scalar]]:
    """The parameters of a group's chats that failed or were cancelled, in their order."""
    found = db.execute(
        "SELECT parameters FROM chats WHERE group_seq = ? AND status IN ('failed', 'cancelled') ORDER BY seq",
        (group_seq,),
    )
    return [json.loads(row["parameters"]) for row in found]


def span(db: Connection, group_seq: int) -> tuple[str | None, str | None]:
    """When the first of a group's chats started and the last ended."""
    row = db.execute("SELECT min(started_at), max(finished_at) FROM chats WHERE group_seq = ?", (group_seq,)).fetchone()
    return row[0], row[1]


def _group(row: Row) -> StoredGroup:
    values = {name: row[name] for name in StoredGroup.__slots__}
    values["exclusive"], values["fan_out"] = bool(row["exclusive"]), bool(row["fan_out"])
    return StoredGroup(**values)
