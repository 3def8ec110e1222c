"""Jobs as stored: the definition in its wire form, and what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.wire import job_from_wire
from interact_gitops.server.failures import NotFound
from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A row. `definition` has the wire fields with every default written out."""

    seq: int
    id: str
    organisation_id: str
    key: str
    agent_id: str
    definition: Mapping[str, Any]
    definition_hash: str
    managed_by: str | None
    git_commit: str | None
    source_path: str | None
    applied_hash: str | None
    schedule_enabled: bool
    paused_reason: str | None
    paused_at: str | None
    revision: int
    created_at: str
    updated_at: str

    @property
    def etag(self) -> str:
        """As it stands in the ETag header, quotes included."""
        return f'"{self.revision}"'

    def job(self) -> Job:
        """The definition as a value."""
        return job_from_wire(self.definition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a deleted job."""

    seq: int
    job_id: str
    key: str
    name: str
    agent_id: str
    managed_by: str | None
    applied_hash: str | None
    deleted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs of an organisation; None leaves a filter out. `after` is a seq."""

    managed_by: str | None = None
    agent_id: str | None = None
    after: int = 0


def insert(db: Connection, job: StoredJob) -> None:
    """Adds a job (its seq is given here). Raises sqlite3.IntegrityError when its key is taken."""
    db.execute(
        "INSERT INTO jobs (id, organisation_id, created_at, revision, key, agent_id, definition, definition_hash,"
        " managed_by, git_commit, source_path, applied_hash, schedule_enabled, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (job.id, job.organisation_id, job.created_at, job.revision, *_columns(job)),
    )


def replace(db: Connection, job: StoredJob, *, was: int) -> bool:
    """Writes a job over its revision `was`; false when that is not the present one."""
    done = db.execute(
        "UPDATE jobs SET revision = ?, key = ?, agent_id = ?, definition = ?, definition_hash = ?, managed_by = ?,"
        " git_commit = ?, source_path = ?, applied_hash = ?, schedule_enabled = ?, updated_at = ?"
        " WHERE id = ? AND revision = ?",
        (job.revision, *_columns(job), job.id, was),
    )
    return done.rowcount == 1


def pause(db: Connection, job_id: str, *, reason: str, at: str) -> None:
    """Pauses a job. Not a change of the definition: the revision stays."""
    db.execute("UPDATE jobs SET paused_reason = ?, paused_at = ? WHERE id = ?", (reason, at, job_id))


def resume(db: Connection, job_id: str, *, at: str) -> None:
    """Ends a pause, if there is one."""
    db.execute(
        "UPDATE jobs SET paused_reason = NULL, paused_at = NULL, resumed_at = ? WHERE id = ? AND paused_at IS NOT NULL",
        (at, job_id),
    )


def bury(db: Connection, job: StoredJob, *, now: str) -> None:
    """Deletes a job and leaves its tombstone. Its runs go on and its chats stay."""
    db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
    db.execute(
        "INSERT INTO tombstones (organisation_id, job_id, key, name, agent_id, managed_by, applied_hash, deleted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.organisation_id,
            job.id,
            job.key,
            job.definition["name"],
            job.agent_id,
            job.managed_by,
            job.applied_hash,
            now,
        ),
    )


def find(db: Connection, organisation_id: str, job_id: str) -> StoredJob | None:
    """An organisation's job by id."""
    row = db.execute("SELECT * FROM jobs WHERE id = ? AND organisation_id = ?", (job_id, organisation_id)).fetchone()
    return _job(row) if row else None


def demand(db: Connection, organisation_id: str, job_id: str) -> StoredJob:
    """An organisation's job by id. Raises NotFound."""
    found = find(db, organisation_id, job_id)
    if found is None:
        raise NotFound(f"there is no job {job_id[:60]}")
    return found


def find_by_key(db: Connection, organisation_id: str, key: str) -> StoredJob | None:
    """An organisation's job by key."""
    row = db.execute("SELECT * FROM jobs WHERE organisation_id = ? AND key = ?", (organisation_id, key)).fetchone()
    return _job(row) if row else None


def listed(db: Connection, organisation_id: str, wanted: JobFilter, *, count: int) -> list[StoredJob]:
    """The first `count` jobs, oldest first."""
    where, values = _conditions(organisation_id, wanted)
    found = db.execute(f"SELECT * FROM jobs WHERE {where} ORDER BY seq LIMIT ?", (*values, count))  # noqa: S608
    return [_job(row) for row in found]


def versions(db: Connection, organisation_id: str) -> dict[str, tuple[int, str | None]]:
    """Of every job of an organisation: its revision, and since when it is paused. Cheap, and equal when nothing that
    a scheduler reads of the job changed."""
    found = db.execute("SELECT id, revision, paused_at FROM jobs WHERE organisation_id = ?", (organisation_id,))
    return {row["id"]: (row["revision"], row["paused_at"]) for row in found}


def has_schedules(db: Connection, organisation_id: str) -> bool:
    """Whether the server has a schedule of this organisation to evaluate."""
    row = db.execute(
        "SELECT 1 FROM jobs WHERE organisation_id = ? AND schedule_enabled = 1"
        " AND json_type(definition, '$.schedule') = 'object' LIMIT 1",
        (organisation_id,),
    ).fetchone()
    return row is not None


def tombstones(db: Connection, organisation_id: str, wanted: JobFilter, *, count: int) -> list[Tombstone]:
    """The first `count` deleted jobs, oldest deletion first."""
    where, values = _conditions(organisation_id, wanted)
    found = db.execute(f"SELECT * FROM tombstones WHERE {where} ORDER BY seq LIMIT ?", (*values, count))  # noqa: S608
    return [Tombstone(**{name: row[name] for name in Tombstone.__slots__}) for row in found]


def _conditions(organisation_id: str, wanted: JobFilter) -> tuple[str, list[str | int]]:
    """SQL written here, values bound."""
    where = "organisation_id = ? AND seq > ?"
    values: list[str | int] = [organisation_id, wanted.after]
    for column in ("managed_by", "agent_id"):
        value = getattr(wanted, column)
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)
    return where, values


def _columns(job: StoredJob) -> tuple[str | int | None, ...]:
    return (
        job.key,
        job.agent_id,
        json.dumps(job.definition, ensure_ascii=False, separators=(",", ":")),
        job.definition_hash,
        job.managed_by,
        job.git_commit,
        job.source_path,
        job.applied_hash,
        int(job.schedule_enabled),
        job.updated_at,
    )


def _job(row: Row) -> StoredJob:
    values = {name: row[name] for name in StoredJob.__slots__}
    values["definition"] = json.loads(row["definition"])
    values["schedule_enabled"] = bool(row["schedule_enabled"])
    return StoredJob(**values)
