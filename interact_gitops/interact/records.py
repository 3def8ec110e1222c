"""What the API answers, as values. Read tolerantly: unknown fields stay in `raw`, unknown words are `unknown`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

_ID = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"\Z')

State = Literal["active", "succeeded", "failed", "cancelled", "unknown"]

_STATES: Mapping[str, State] = {
    **dict.fromkeys(("running", "in_progress", "pending", "queued"), "active"),
    **dict.fromkeys(("completed", "complete", "success", "succeeded", "done"), "succeeded"),
    **dict.fromkeys(("failed", "error", "errored"), "failed"),
    **dict.fromkeys(("cancelled", "canceled", "stopped"), "cancelled"),
}


class Misread(ValueError):
    """An answer without what every such answer has; the text says what, as in "a job without a key"."""


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
    agent_id: str | None = None
    agent_name: str | None = None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def state(self) -> State:
        """The status in our words."""
        return chat_state(self.status)


class Chat(ChatSummary):
    """One chat in full: `raw` holds messages, documents and whatever else the target tells."""

    __slots__ = ()


def read_agent(raw: Mapping[str, Any]) -> RemoteAgent:
    """An agent. Raises Misread for a body without id or slug."""
    return RemoteAgent(
        id=_id(raw.get("id"), "an agent without an id"),
        slug=_text(raw.get("slug"), "an agent without a slug"),
        name=_text(raw.get("name", ""), "an agent whose name is not a text", empty=True),
        active=raw.get("active") is not False,
    )


def read_job(raw: Mapping[str, Any]) -> RemoteJob:
    """A job of the definitions API, or a tombstone. Its definition in `raw` is not looked into.

    Raises Misread for a body without id, key or agent, or with something else where a text belongs.
    """
    key = _text(raw.get("key"), "a job without a key")
    if not isinstance(raw.get("agent"), Mapping):
        raise Misread(f"the job {key} without an agent")
    return RemoteJob(
        id=_id(raw.get("id"), f"the job {key} without an id"),
        key=key,
        name=_text(raw.get("name", ""), f"the job {key} whose name is not a text", empty=True),
        etag=read_etag(raw.get("etag")),
        managed_by=_text_or_none(raw, "managedBy", key),
        definition_hash=_text_or_none(raw, "definitionHash", key),
        applied_hash=_text_or_none(raw, "appliedHash", key),
        schedule_enabled=raw.get("scheduleEnabled", True) is True,
        protect=raw.get("protect") is True,
        paused=bool(raw.get("paused")),
        raw=raw,
    )


def read_summary(raw: Mapping[str, Any], kind: type[ChatSummary] = ChatSummary) -> ChatSummary:
    """A chat in either surface's form; `job` may be null. Raises Misread for a body without id."""
    job, agent = _map(raw.get("job")), _map(raw.get("agent"))
    status, parameters = raw.get("status"), raw.get("parameters")
    return kind(
        id=_id(raw.get("id"), "a chat without an id"),
        status=status if isinstance(status, str) else "unknown",
        initiator=_word(raw.get("initiator")),
        created_at=read_time(raw.get("createdAt")),
        run_key=_word(raw.get("runKey")),
        parameters=parameters if isinstance(parameters, Mapping) else None,
        job_id=_word(job.get("id")),
        job_key=_word(job.get("key")),
        job_name=_word(job.get("name")),
        agent_id=_word(agent.get("id")),
        agent_name=_word(agent.get("name")),
        raw=raw,
    )


def read_triggered(answer: Mapping[str, Any]) -> Triggered:
    """A trigger's answer: the documented form, the flat one of the guide, or a fan-out's.

    Raises Misread when no chat is named.
    """
    job_id = _word(_map(answer.get("job")).get("id")) or _word(answer.get("job_id"))
    several = answer.get("chats")
    if isinstance(several, list) and several:
        return Triggered(job_id=job_id, chats=tuple(_started(_map(one)) for one in several))
    chat = _map(answer.get("chat"))
    return Triggered(job_id=job_id, chats=(_started(chat if "id" in chat else {"id": answer.get("chat_id")}),))


def read_time(value: object) -> datetime | None:
    """An ISO 8601 instant, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when if when.tzinfo else None


def read_etag(value: object) -> str | None:
    """An entity tag as it can be sent in `If-Match` (RFC 9110, 8.8.3), or None for anything else."""
    return value if isinstance(value, str) and _ETAG.match(value) else None


def _started(chat: Mapping[str, Any]) -> StartedChat:
    parameters = chat.get("parameters")
    return StartedChat(
        id=_id(chat.get("id"), "a started chat without an id"),
        parameters=parameters if isinstance(parameters, Mapping) else None,
    )


def _id(value: object, missing: str) -> str:
    """An opaque id; a number is one too. It goes into addresses and lists, so it is one word."""
    word = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value, missing)
    if not _ID.fullmatch(word):
        raise Misread(missing)
    return word


def _text(value: object, missing: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise Misread(missing)
    return value


def _text_or_none(raw: Mapping[str, Any], name: str, key: str) -> str | None:
    value = raw.get(name)
    return None if value is None else _text(value, f"the job {key} whose {name} is not a text", empty=True)


def _map(value: object) -> Mapping[str, Any]:
    """A map, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def _word(value: object) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None
