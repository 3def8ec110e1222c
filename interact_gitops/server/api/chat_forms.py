"""Chats on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from interact_gitops.server.clock import seconds_between
from interact_gitops.server.store.chats import RunError, StoredChat
from interact_gitops.server.store.records import Attempt, Event, Message, StoredDocument

MOST_ROW_CHARACTERS = 16 * 1024 * 1024
"""How much JSON of rows one record carries; documents beyond it have `rows: null` and their own address."""


def chat_summary(chat: StoredChat) -> dict[str, Any]:
    """A chat in a list: the public API's fields first, then ours."""
    queued = None if chat.started_at is None else seconds_between(chat.created_at, chat.started_at)
    return {
        "id": chat.id,
        "status": chat.status,
        "initiator": chat.initiator,
        "createdAt": chat.created_at,
        "job": {"id": chat.job_id, "key": chat.job_key, "name": chat.job_name},
        "agent": {"id": chat.agent_id, "slug": chat.agent_slug, "name": chat.agent_name},
        "runKey": chat.run_key,
        "groupId": chat.group_id,
        "scheduledAt": chat.scheduled_at,
        "trigger": chat.run_trigger,
        "combination": chat.combination,
        "parameters": chat.parameters,
        "definitionHash": chat.definition_hash,
        "commit": chat.git_commit,
        "startedAt": chat.started_at,
        "finishedAt": chat.finished_at,
        "queueSeconds": queued,
        "runSeconds": chat.run_seconds if chat.started_at else None,
        "attempt": chat.attempt,
        "maxAttempts": chat.max_attempts,
        "nextAttemptAt": chat.ready_at or None if chat.status == "queued" else None,
        "cancelRequestedAt": chat.cancel_requested_at,
        "interrupted": chat.interrupted,
        "error": _error(chat.error),
    }


def chat_form(
    chat: StoredChat,
    *,
    messages: Sequence[Message],
    documents: Sequence[StoredDocument],
    attempts: Sequence[Attempt],
    events: Sequence[Event],
) -> dict[str, Any]:
    """The full record."""
    tokens = {"inputTokens": chat.input_tokens, "outputTokens": chat.output_tokens}
    return {
        **chat_summary(chat),
        "runDate": chat.run_date,
        "timeoutSeconds": chat.timeout_seconds,
        "model": chat.model,
        "usage": None if chat.input_tokens is None else tokens,
        "prompts": [asdict(prompt) for prompt in chat.prompts],
        "messages": [_message(message) for message in messages],
        "documents": _documents(chat, documents),
        "anomalies": [_anomaly(event) for event in events if event.topic == "anomaly"],
        "attempts": [_attempt(attempt) for attempt in attempts],
    }


def document_form(chat: StoredChat, document: StoredDocument) -> dict[str, Any]:
    """A document but its rows."""
    return {
        **document.record,
        "rows": None,
        "attempt": document.attempt,
        "createdAt": document.created_at,
        "href": f"/api/agents/chats/{chat.id}/documents/{document.id}",
    }


def _documents(chat: StoredChat, documents: Sequence[StoredDocument]) -> list[dict[str, Any]]:
    forms = []
    left = MOST_ROW_CHARACTERS
    for document in documents:
        form = document_form(chat, document)
        left -= len(document.rows)
        if left >= 0:
            form["rows"] = json.loads(document.rows)
        forms.append(form)
    return forms


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "role": message.role,
        "time": message.created_at,
        "attempt": message.attempt,
        "query": message.query,
        "blocks": list(message.blocks),
    }


def _anomaly(event: Event) -> dict[str, Any]:
    detail: Mapping[str, Any] = event.detail or {}
    return {
        "query": detail.get("query"),
        "level": event.level,
        "message": event.message,
        "row": detail.get("row"),
        "attempt": event.attempt,
        "createdAt": event.created_at,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "status": attempt.status,
        "startedAt": attempt.started_at,
        "finishedAt": attempt.finished_at,
        "interrupted": attempt.interrupted,
        "error": _error(attempt.error),
    }


def _error(error: RunError | None) -> dict[str, Any] | None:
    return None if error is None else asdict(error)
