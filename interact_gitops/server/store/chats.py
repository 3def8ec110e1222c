"""Chats: the permanent records of runs. They are added and moved on, never deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from interact_gitops.jobs.model import Scalar
from interact_gitops.server.failures import NotFound
from interact_gitops.server.store.database import Connection, Row

Status: TypeAlias = Literal["queued", "running", "completed", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = ("queued", "running", "completed", "failed", "cancelled")
FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPrompt:
    """A question as it is asked, and the verified query that it names."""

    text: str
    query: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a chat did not complete. `kind` as in error blocks, or timeout, cancelled, interrupted, superseded,
    internal."""

    kind: str
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChat:
    """A chat to be queued."""

    id: str
    combination: Mapping[str, Scalar] | None
    parameters: Mapping[str, Scalar]
    prompts: Sequence[RenderedPrompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOwner:
    """What all chats of a group have in common; names as they were at the trigger."""

    organisation_id: str
    group_seq: int
    job_id: str
    job_key: str
    job_name: str
    agent_id: str
    agent_slug: str
    agent_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChat:
    """A chat with what its group adds. Times are text, durations seconds."""

    seq: int
    id: str
    organisation_id: str
    group_seq: int
    group_id: str
    run_key: str
    run_trigger: str
    initiator: str
    scheduled_at: str
    run_date: str
    definition_hash: str
    git_commit: str | None
    timeout_seconds: int
    max_attempts: int
    backoff_seconds: int
    job_id: str
    job_key: str
    job_name: str
    agent_id: str
    agent_slug: str
    agent_name: str
    combination: Mapping[str, Scalar] | None
    parameters: Mapping[str, Scalar]
    prompts: Sequence[RenderedPrompt]
    status: Status
    attempt: int
    ready_at: str
    cancel_requested_at: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    run_seconds: float
    interrupted: bool
    error: RunError | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFilter:
    """Which chats of an organisation; None leaves a filter out. `before` is a seq."""

    job_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    initiator: str | None = None
    created_after: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStanding:
    """How a chat stands, and nothing else of it: what somebody who follows thousands needs."""

    id: str
    status: Status
    created_at: str
    run_key: str
    error: RunError | None


_OF_GROUP = {"group_id": "id"} | {
    name: name
    for name in (
        "run_key", "run_trigger", "initiator", "scheduled_at", "run_date", "definition_hash", "git_commit",
        "timeout_seconds", "max_attempts", "backoff_seconds",
    )
}  # fmt: skip


def _select(*, prompts: str) -> str:
    columns = [f"g.{column} AS {name}" for name, column in _OF_GROUP.items()]
    columns += [f"c.{name}" for name in StoredChat.__slots__ if name not in {*_OF_GROUP, "prompts"}]
    source = "FROM chats c CROSS JOIN run_groups g ON g.seq = c.group_seq"
    return f"SELECT {', '.join(columns)}, {prompts} {source}"


_WHOLE = _select(prompts="c.prompts")
_IN_LISTS = _select(prompts="'[]' AS prompts")  # prompts are long, and lists do not show them


def insert(db: Connection, owner: ChatOwner, chats: Iterable[NewChat], *, now: str) -> None:
    """Queues chats, in order. They are ready whatever the clock says: it may step back."""
    db.executemany(
        "INSERT INTO chats (id, organisation_id, group_seq, job_id, job_key, job_name, agent_id, agent_slug,"
        " agent_name, combination, parameters, prompts, status, ready_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', ?)",
        (
            (
                chat.id,
                *(getattr(owner, name) for name in ChatOwner.__slots__),
                None if chat.combination is None else _json(dict(chat.combination)),
                _json(dict(chat.parameters)),
                _json([[prompt.text, prompt.query] for prompt in chat.prompts]),
                now,
            )
            for chat in chats
        ),
    )


def get(db: Connection, seq: int) -> StoredChat:
    """A chat that is there."""
    return _chat(db.execute(f"{_WHOLE} WHERE c.seq = ?", (seq,)).fetchone())


def find(db: Connection, organisation_id: str, chat_id: str) -> StoredChat | None:
    """An organisation's chat by id."""
    row = db.execute(f"{_WHOLE} WHERE c.id = ? AND c.organisation_id = ?", (chat_id, organisation_id)).fetchone()
    return _chat(row) if row else None


def demand(db: Connection, organisation_id: str, chat_id: str) -> StoredChat:
    """An organisation's chat by id. Raises NotFound."""
    found = find(db, organisation_id, chat_id)
    if found is None:
        raise NotFound(f"there is no chat {chat_id[:60]}")
    return found


def listed(db: Connection, organisation_id: str, wanted: ChatFilter, *, count: int) -> list[StoredChat]:
    """The first `count` chats, newest first."""
    where, values = "c.organisation_id = ?", [organisation_id]
    for column in ("c.job_id", "c.agent_id", "c.status", "g.initiator"):
        value = getattr(wanted, column[2:])
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)
    if wanted.created_after is not None:
        # Bounds the walk down seq: without it a quiet hour would read every chat there is.
        where += (
            " AND c.created_at > ? AND c.seq >= (SELECT min(seq) FROM chats WHERE organisation_id = ?"
            " AND created_at > ?)"
        )
        values += [wanted.created_after, organisation_id, wanted.created_after]
    before = 2**63 - 1 if wanted.before is None else wanted.before
    found = db.execute(f"{_IN_LISTS} WHERE {where} AND c.seq < ? ORDER BY c.seq DESC LIMIT ?", (*values, before, count))
    return [_chat(row) for row in found]


def standings(db: Connection, organisation_id: str, job_id: str, *, since: str) -> list[ChatStanding]:
    """The job's chats that were created after `since`, oldest first."""
    found = db.execute(
        "SELECT c.id, c.status, c.created_at, g.run_key, c.error FROM chats c CROSS JOIN run_groups g"
        " ON g.seq = c.group_seq WHERE c.organisation_id = ? AND c.job_id = ? AND c.created_at > ? AND c.seq >="
        " (SELECT min(seq) FROM chats WHERE organisation_id = ? AND created_at > ?) ORDER BY c.seq",
        (organisation_id, job_id, since, organisation_id, since),
    )
    return [
        ChatStanding(
            id=row["id"],
            status=row["status"],
            created_at=row["created_at"],
            run_key=row["run_key"],
            error=read_error(row["error"]),
        )
        for row in found
    ]


def of_group(db: Connection, group_seq: int) -> list[tuple[str, Mapping[str, Scalar]]]:
    """(id, parameters) of a group's chats, in the order of its combinations."""
    found = db.execute("SELECT id, parameters FROM chats WHERE group_seq = ? ORDER BY seq", (group_seq,))
    return [(row["id"], json.loads(row["parameters"])) for row in found]


def results_of_group(db: Connection, group_seq: int) -> dict[str, int]:
    """How many of a group's chats ended in each way."""
    found = db.execute("SELECT status, count(*) FROM chats WHERE group_seq = ? GROUP BY status", (group_seq,))
    counts = {row[0]: row[1] for row in found}
    return {status: counts.get(status, 0) for status in ("completed", "failed", "cancelled")}


def unfinished_of_group(db: Connection, group_seq: int) -> list[int]:
    """The seqs of a group's chats that have not ended."""
    found = db.execute(
        "SELECT seq FROM chats WHERE group_seq = ? AND status IN ('queued', 'running') ORDER BY seq",
        (group_seq,),
    )
    return [row["seq"] for row in found]


def running(db: Connection) -> list[int]:
    """The seqs of all chats that run."""
    return [row["seq"] for row in db.execute("SELECT seq FROM chats WHERE status = 'running' ORDER BY seq")]


def next_in_turn(db: Connection, *, now: str) -> int | None:
    """The chat to run next: of the open group that has room and whose turn is longest ago, the first ready one."""
    row = db.execute(
        "SELECT c.seq FROM run_groups g CROSS JOIN chats c ON c.seq = ("
        "  SELECT q.seq FROM chats q WHERE q.group_seq = g.seq AND q.status = 'queued' AND q.ready_at <= ?"
        "  ORDER BY q.seq LIMIT 1)"
        " WHERE g.state = 'open' AND g.running < g.max_parallel ORDER BY g.turn, g.seq LIMIT 1",
        (now,),
    ).fetchone()
    return None if row is None else int(row["seq"])


def next_ready_at(db: Connection, *, now: str) -> str | None:
    """When the next retry becomes ready, if any waits."""
    row = db.execute("SELECT min(ready_at) AS t FROM chats WHERE status = 'queued' AND ready_at > ?", (now,))
    found = row.fetchone()["t"]
    return None if found is None else str(found)


def count_by_status(db: Connection) -> dict[str, int]:
    """How many chats are in each status."""
    counts = {row[0]: row[1] for row in db.execute("SELECT status, count(*) FROM chats GROUP BY status")}
    return {status: counts.get(status, 0) for status in STATUSES}


def read_error(text: str | None) -> RunError | None:
    """An error from its column."""
    return RunError(**json.loads(text)) if text else None


def write_error(error: RunError | None) -> str | None:
    """An error for its column."""
    return _json({name: getattr(error, name) for name in RunError.__slots__}) if error else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _chat(row: Row) -> StoredChat:
    values = {name: row[name] for name in StoredChat.__slots__}
    values["combination"] = json.loads(row["combination"]) if row["combination"] else None
    values["parameters"] = json.loads(row["parameters"])
    values["prompts"] = tuple(RenderedPrompt(text=text, query=query) for text, query in json.loads(row["prompts"]))
    values["interrupted"] = bool(row["interrupted"])
    values["error"] = read_error(row["error"])
    return StoredChat(**values)
