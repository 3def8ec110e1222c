"""Instants as people type them: `2026-11-23`, `2026-11-23T08:00`, `2026-11-23T08:00Z`, `now`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from interact_gitops.errors import Failure


def now() -> datetime:
    """The present instant in UTC: the command line's one clock."""
    return datetime.now(UTC)


def read_instant(text: str, zone: ZoneInfo, option: str) -> datetime:
    """An aware instant in UTC; a text with no offset is wall time in `zone`, a date its midnight.

    Raises Failure for anything else.
    """
    try:
        when = datetime.fromisoformat(text)
        aware = when if when.tzinfo else when.replace(tzinfo=zone)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        remedy = "write 2026-11-23, 2026-11-23T08:00 or 2026-11-23T08:00Z"
        raise Failure(f"{option}: {text!r} is not a date or an instant", remedy=remedy) from error
