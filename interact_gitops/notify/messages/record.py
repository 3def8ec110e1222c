"""A run's end for programs: the body of the generic webhook (`schema/notification.schema.json`). Pure.

Texts stand in it as they are, without marks being taken out: JSON escapes them, and a program that shows them has to
escape them by its own rules.
"""

from __future__ import annotations

from typing import Any

from interact_gitops.notify.events import Part, RunEnded

LONGEST_TEXT, MOST_PARTS, MOST_FINDINGS = 4_000, 50, 50
VERSION = "1"


def record(
    event: RunEnded, *, delivery: str, topic: str, level: str, title: str, public_url: str | None
) -> dict[str, Any]:
    """The whole of a run's end, bounded. `partsLeftOut` says how many chats are not in it."""
    parts = event.parts[:MOST_PARTS]
    return {
        "version": VERSION,
        "id": delivery,
        "event": event.id,
        "topic": topic,
        "level": level,
        "time": event.time,
        "title": title,
        "text": None,
        "job": {"key": event.job_key, "name": event.job_name},
        "run": {
            "key": event.run_key,
            "result": event.result,
            "trigger": event.trigger,
            "initiator": event.initiator,
            "scheduledAt": event.scheduled_at,
            "seconds": event.seconds,
            "fanOut": event.fan_out,
            "chats": {name: event.total.get(name, 0) for name in ("completed", "failed", "cancelled")},
            "anomalies": event.findings,
            "failuresInARow": event.failures,
            "recoveredAfter": event.recovered_after,
        },
        "parts": [_part(part, public_url) for part in parts],
        "partsLeftOut": sum(event.total.values()) - len(parts),
    }


def _part(part: Part, public_url: str | None) -> dict[str, Any]:
    error = None if part.error is None else {"message": _text(part.error), "remedy": _text(part.remedy or "") or None}
    return {
        "chatId": part.chat_id,
        "url": None if public_url is None else f"{public_url.rstrip('/')}/chats/{part.chat_id}",
        "result": part.result,
        "parameters": {name: _text(v) if isinstance(v, str) else v for name, v in part.parameters.items()},
        "answer": _text(part.answer),
        "error": error,
        "anomalies": [{"level": one.level, "message": _text(one.message)} for one in part.findings[:MOST_FINDINGS]],
        "seconds": part.seconds,
    }


def _text(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
