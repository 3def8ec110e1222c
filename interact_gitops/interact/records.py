"""What the API answers, as values. Read tolerantly: unknown fields stay in `raw`, unknown words are `unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal["active", "succeeded", "failed", "cancelled", "unknown"]

_STATES: Mapping[str, State] = {
    **dict.fromkeys(("running", "in_progress", "pending", "queued"), "active"),
    **dict.fromkeys(("completed", "complete", "success", "succeeded", "done"), "succeeded"),
    **dict.fromkeys(("failed", "error", "errored"), "failed"),
    **dict.fromkeys(("cancelled", "canceled", "stopped"), "cancelled"),
}


def chat_state(status: object) -> State:
    """A status in our words. The set is open (interact-api.md, section 1): what we do not know is never success."""
    return _STATES.get(str(status).strip().lower(), "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAgent:
    """An agent of the organisation."""

    id: str
    slug: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """A job on a target with the definitions API; `raw` is its body, `etag` what a write must match."""

    id: str
    key: str
    name: str
    etag: str | None
    managed_by: str | None
    definition_hash: str | None
    applied_hash: str | None
    schedule_enabled: bool
    protect: bool
    paused: bool
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedChat:
    """A chat that a trigger started, with its parameters where the target says them."""

    id: str
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The answer to a trigger: at least one chat."""

    job_id: str | None
    chats: tuple[StartedChat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSummary:
    """A chat as lists show it; what the target does not say is None. Times are aware."""

    id: str
    status: str
    initiator: str | None = None
    created_at: datetime | None = None
    run_key: str | None = None
    parameters: Mapping[str, Any] | None = None
    job_id: str | None = None
    job_key: str | None = None
    job_name: str | None = None
    agent_name: str | None = None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def state(self) -> State:
        """The status in our words."""
        return chat_state(self.status)


class Chat(ChatSummary):
    """One chat in full: `raw` holds messages, documents and whatever else the target tells."""

    __slots__ = ()


def read_job(raw: Mapping[str, Any]) -> RemoteJob:
    """A job of the definitions API. Raises KeyError for a body without id or key."""
    return RemoteJob(
        id=str(raw["id"]),
        key=str(raw["key"]),
        name=str(raw.get("name", "")),
        etag=raw.get("etag"),
        managed_by=raw.get("managedBy"),
        definition_hash=raw.get("definitionHash"),
        applied_hash=raw.get("appliedHash"),
        schedule_enabled=raw.get("scheduleEnabled", True) is True,
        protect=raw.get("protect") is True,
        paused=bool(raw.get("paused")),
        raw=raw,
    )


def read_summary(raw: Mapping[str, Any], kind: type[ChatSummary] = ChatSummary) -> ChatSummary:
    """A chat in either surface's form. Raises KeyError for a body without id."""
    job, agent = raw.get("job") or {}, raw.get("agent") or {}
    parameters = raw.get("parameters")
    return kind(
        id=str(raw["id"]),
        status=str(raw.get("status", "unknown")),
        initiator=_word(raw.get("initiator")),
        created_at=read_time(raw.get("createdAt")),
        run_key=_word(raw.get("runKey")),
        parameters=parameters if isinstance(parameters, Mapping) else None,
        job_id=_word(job.get("id")),
        job_key=_word(job.get("key")),
        job_name=_word(job.get("name")),
        agent_name=_word(agent.get("name")),
        raw=raw,
    )


def read_triggered(answer: Mapping[str, Any]) -> Triggered:
    """A trigger's answer: the documented form, the flat one of the guide, or a fan-out's.

    Raises KeyError when no chat is named.
    """
    job, chat = answer.get("job") or {}, answer.get("chat") or {}
    several = answer.get("chats")
    if isinstance(several, list) and several:
        chats = tuple(StartedChat(id=str(one["id"]), parameters=one.get("parameters")) for one in several)
    else:
        chats = (StartedChat(id=str(chat["id"] if "id" in chat else answer["chat_id"])),)
    return Triggered(job_id=_word(job.get("id") or answer.get("job_id")), chats=chats)


def read_time(value: object) -> datetime | None:
    """An ISO 8601 instant, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo else None


def _word(value: object) -> str | None:
    return None if value is None else str(value)
