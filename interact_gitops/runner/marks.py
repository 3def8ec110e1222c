"""A watermark's schedule as the ledger keeps it: JSON text, the same for equal schedules."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.ledger.records import Watermark as StoredMark
from interact_gitops.runner.due import Watermark
from interact_gitops.schedule import Schedule

_DATES = ("not_before", "not_after")
_FIELDS = ("cron", "timezone", "calendar", "catch_up", "start_deadline", "jitter", *_DATES)


def to_ledger(mark: Watermark) -> StoredMark:
    """The watermark as it is stored."""
    values: dict[str, Any] = {name: getattr(mark.schedule, name) for name in _FIELDS}
    dates = {name: values[name].isoformat() if values[name] else None for name in _DATES}
    return StoredMark(schedule=canonical_json({**values, **dates, "enabled": mark.enabled}), until=mark.at)


def from_ledger(stored: StoredMark) -> Watermark:
    """The watermark that was stored. Raises ValueError, KeyError for a text that is none of ours."""
    values = json.loads(stored.schedule)
    dates = {name: date.fromisoformat(values[name]) if values[name] else None for name in _DATES}
    schedule = Schedule(**{name: values[name] for name in _FIELDS} | dates)
    return Watermark(at=stored.until, schedule=schedule, enabled=values["enabled"])
