"""What lists show of jobs and runs: few columns of many rows, and nothing that would have to be parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interact_gitops.jobs.model import Scalar
from interact_gitops.server.store.chats import RunError, Status, read_error
from interact_gitops.server.store.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in a list. `schedule` is its JSON text, `failures` counts failed runs in a row, `last_due` is the newest
    occurrence that was started, `open_since` when the run that is in progress began."""

    id: str
    key: str
    name: str
    agent_id: str
    schedule: str | None
    grace: int
    enabled: bool
    managed_by: str | None
    definition_hash: str
    applied_hash: str | None
    schedule_enabled: bool
    paused_at: str | None
    paused_reason: str | None
    resumed_at: str | None
    updated_at: str
    failures: int
    last_due: str | None
    open_since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list. `failed` and `completed` count its chats where they were counted, else are 1 for any."""

    seq: int
    id: str
    job_id: str
    state: str
    fan_out: bool
    running: int
    run_trigger: str
    initiator: str
    scheduled_at: str
    created_at: str
    closed_at: str | None
    git_commit: str | None
    failed: int
    completed: int
    cancelled: int
    chats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """A chat in a list."""

    id: str
    group_seq: int
    combination: Mapping[str, Scalar] | None
    parameters: Mapping[str, Scalar]
    status: Status
    run_seconds: float
    error: RunError | None


_JOBS = """
SELECT j.id, j.key, json_extract(j.definition, '$.name') AS name, j.agent_id,
  json_extract(j.definition, '$.schedule') AS schedule, json_extract(j.definition, '$.graceSeconds') AS grace,
  json_extract(j.definition, '$.enabled') AS enabled, j.managed_by, j.definition_hash, j.applied_hash,
  j.schedule_enabled, j.paused_at, j.paused_reason, j.resumed_at, j.updated_at,
  coalesce((SELECT failures FROM streaks WHERE job_id = j.id), 0) AS failures,
  (SELECT max(scheduled_at) FROM run_groups WHERE job_id = j.id AND run_trigger = 'schedule') AS last_due,
  (SELECT created_at FROM run_groups WHERE job_id = j.id AND state = 'open' LIMIT 1) AS open_since
FROM jobs j WHERE j.organisation_id = ?
"""

# Of each chat one look into an index says enough for a list of jobs; a job's own page counts.
_ANY = "EXISTS (SELECT 1 FROM chats WHERE group_seq = g.seq AND status = '{}')"
_COUNTED = "(SELECT count(*) FROM chats WHERE group_seq = g.seq AND status = '{}')"
_OF_GROUP = (
    "g.seq, g.id, g.job_id, g.state, g.fan_out, g.running, g.run_trigger, g.initiator, g.scheduled_at, g.created_at,"
    " g.closed_at, g.git_commit"
)


_CHATS = "SELECT id, group_seq, combination, parameters, status, run_seconds, error FROM chats"


def jobs(db: Connection, organisation_id: str) -> list[JobLine]:
    """Every job of an organisation."""
    return [_job(row) for row in db.execute(_JOBS, (organisation_id,))]


def job(db: Connection, organisation_id: str, job_id: str) -> JobLine | None:
    """One job of an organisation."""
    row = db.execute(f"{_JOBS} AND j.id = ?", (organisation_id, job_id)).fetchone()
    return _job(row) if row else None


def latest_runs(db: Connection, job_ids: Sequence[str], *, each: int) -> dict[str, list[RunLine]]:
    """The newest runs of each job, newest first."""
    columns = ", ".join([
        _OF_GROUP, *(f"{_ANY.format(status)} AS {status}" for status in ("failed", "completed", "cancelled")),
        "0 AS chats",
    ])  # fmt: skip
    sql = f"SELECT {columns} FROM run_groups g WHERE g.job_id = ? ORDER BY g.seq DESC LIMIT ?"  # noqa: S608 - our own text
    return {job_id: [_run(row) for row in db.execute(sql, (job_id, each))] for job_id in job_ids}


def runs(db: Connection, organisation_id: str, job_id: str, *, before: int | None, count: int) -> list[RunLine]:
    """The first `count` runs of a job before the seq `before`, newest first, with their chats counted."""
    columns = ", ".join([
        _OF_GROUP, *(f"{_COUNTED.format(status)} AS {status}" for status in ("failed", "completed", "cancelled")),
        "(SELECT count(*) FROM chats WHERE group_seq = g.seq) AS chats",
    ])  # fmt: skip
    found = db.execute(
        f"SELECT {columns} FROM run_groups g"  # noqa: S608 - our own text
        " WHERE g.job_id = ? AND g.seq < ? AND g.organisation_id = ? ORDER BY g.seq DESC LIMIT ?",
        (job_id, before or 2**63 - 1, organisation_id, count),
    )
    return [_run(row) for row in found]


def newest_run(db: Connection, job_id: str) -> int:
    """The seq of a job's newest run, 0 before the first."""
    row = db.execute("SELECT max(seq) FROM run_groups WHERE job_id = ?", (job_id,)).fetchone()
    return row[0] or 0


def chats_of_runs(db: Connection, group_seqs: Sequence[int], *, most: int) -> list[ChatLine]:
    """The chats of some runs, in each the order of its combinations; of a run with more than `most` those that failed,
    and then the first."""
    found: list[ChatLine] = []
    for seq in group_seqs:
        rows = db.execute(
            f"{_CHATS} WHERE seq IN (SELECT seq FROM chats WHERE group_seq = ?"  # noqa: S608 - our own text
            " ORDER BY status <> 'failed', seq LIMIT ?) ORDER BY seq",
            (seq, most),
        )
        found += [_chat(row) for row in rows]
    return found


def first_chats(db: Connection, group_seqs: Sequence[int]) -> dict[int, ChatLine]:
    """Of each run the chat to look at first: one that failed, else its first."""
    found = {}
    for seq in group_seqs:
        row = db.execute(
            f"{_CHATS} WHERE seq = coalesce("  # noqa: S608 - our own text
            "(SELECT min(seq) FROM chats WHERE group_seq = ? AND status = 'failed'),"
            "(SELECT min(seq) FROM chats WHERE group_seq = ?))",
            (seq, seq),
        ).fetchone()
        if row:
            found[seq] = _chat(row)
    return found


def last_error(db: Connection, organisation_id: str, job_id: str) -> RunError | None:
    """Why the newest failed chat of a job failed."""
    row = db.execute(
        "SELECT error FROM chats WHERE organisation_id = ? AND job_id = ? AND status = 'failed'"
        " ORDER BY seq DESC LIMIT 1",
        (organisation_id, job_id),
    ).fetchone()
    return read_error(row["error"]) if row else None


def neighbours(
    db: Connection, organisation_id: str, job_id: str, seq: int, combination: Mapping[str, Scalar] | None
) -> tuple[str | None, str | None]:
    """The ids of the chats of the same job and combination just before and after the one with this seq."""
    text = None if combination is None else json.dumps(dict(combination), ensure_ascii=False, separators=(",", ":"))
    where = "organisation_id = ? AND job_id = ? AND combination IS ?"
    found = []
    for rest in ("seq < ? ORDER BY seq DESC", "seq > ? ORDER BY seq"):
        row = db.execute(
            f"SELECT id FROM chats WHERE {where} AND {rest} LIMIT 1",  # noqa: S608 - our own text
            (organisation_id, job_id, text, seq),
        ).fetchone()
        found.append(row["id"] if row else None)
    return found[0], found[1]


def _job(row: Row) -> JobLine:
    values = dict(zip(JobLine.__slots__, row, strict=True))  # _JOBS names its columns in this order
    values["enabled"], values["schedule_enabled"] = bool(values["enabled"]), bool(values["schedule_enabled"])
    return JobLine(**values)


def _run(row: Row) -> RunLine:
    values = {name: row[name] for name in RunLine.__slots__}
    values["fan_out"] = bool(row["fan_out"])
    return RunLine(**values)


def _chat(row: Row) -> ChatLine:
    return ChatLine(
        id=row["id"],
        group_seq=row["group_seq"],
        combination=json.loads(row["combination"]) if row["combination"] else None,
        parameters=json.loads(row["parameters"]),
        status=row["status"],
        run_seconds=row["run_seconds"],
        error=read_error(row["error"]),
    )
