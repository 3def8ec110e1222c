"""Time as the server keeps it: UTC, as text of one fixed width, so that text order is time order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""The `Clock` seam: the present instant, aware."""

EARLIEST_YEAR, LATEST_YEAR = 1970, 2999


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def to_text(instant: datetime) -> str:
    """2026-11-23T07:00:00.000Z; finer parts are cut off."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The instant in an RFC 3339 text. Raises ValueError, also for one without an offset or far away."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the time has no offset")
    if not EARLIEST_YEAR < instant.year < LATEST_YEAR:  # leaves room to convert between zones
        raise ValueError("the year is out of range")
    return instant.astimezone(UTC)


def seconds_between(start: str, end: str) -> float:
    """Seconds from one stored time to another, never below 0 (clocks step back)."""
    return max(0.0, round((from_text(end) - from_text(start)).total_seconds(), 3))
