"""Coming occurrences as a person wants to see them: UTC, the wall clock, and what a clock change did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from .definition import Schedule
from .evaluation import moment, seconds, skipped_walls
from .expression import parse
from .zones import clock_time, zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DEFAULT_COUNT = 10
_SHOWN = 3  # skipped wall times named in one note


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One occurrence: the instant in UTC, the same in the job's zone, and a note about a clock change."""

    utc: datetime
    local: datetime
    note: str | None = None


def preview(
    schedule: Schedule, after: datetime, until: datetime | None = None, count: int | None = None
) -> list[Occurrence]:
    """The occurrences after `after`, up to `until` and at most `count` (ten when neither is given)."""
    found = schedule.instants(seconds(after))
    if until is not None:
        last = seconds(until)
        found = takewhile(lambda instant: instant <= last, found)
    elif count is None:
        count = DEFAULT_COUNT
    return [_occurrence(schedule, instant) for instant in islice(found, count)]


def _occurrence(schedule: Schedule, instant: int) -> Occurrence:
    tz = zone(schedule.timezone)
    utc = moment(instant)
    local = utc.astimezone(tz)
    return Occurrence(utc=utc, local=local, note=_note(schedule, tz, instant, local))


def _note(schedule: Schedule, tz: ZoneInfo, instant: int, local: datetime) -> str | None:
    expression = parse(schedule.cron)
    skipped = skipped_walls(expression, tz, instant, schedule.calendar)
    if skipped:
        named = ", ".join(clock_time(wall) for wall in skipped[:_SHOWN])
        more = f" and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
        return f"clock went forward: {named}{more} → {local:%H:%M}"
    if local.fold:
        return f"clock went back: {local:%H:%M} for the second time"
    if local.replace(fold=1).utcoffset() == local.utcoffset():
        return None
    if expression.fixed:
        return f"clock goes back: {local:%H:%M} comes twice, this is the only run"
    return f"clock goes back: {local:%H:%M} comes twice, this is the first run"
