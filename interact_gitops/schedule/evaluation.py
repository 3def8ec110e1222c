"""From an expression and a zone to instants.

Theory: between two clock changes wall time is UTC plus a constant (a stretch, see `zones`). In each
stretch the matching wall times are enumerated by day masks and mapped by subtraction. A wildcard job is
then done: it skips what the clock skips and repeats what it repeats. A fixed job also fires at the first
instant of a stretch when a matching wall time was skipped right before it (jumps of up to three hours),
and leaves out wall times that have been on the clock before. This is what Debian's cron does (`cron(8)`),
without its state: the instants of an expression are a set that does not depend on who asks when, so
occurrences(a, b) = occurrences(a, m) + occurrences(m, b).

Instants before 1900 and after 2199 are left out: it bounds every search.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from .calendars import business_calendar, business_days
from .expression import Expression, parse
from .zones import DAY, EPOCH, stretch_at, zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EARLIEST = -2208988800  # 1900-01-01T00:00Z
LATEST = 7258118399  # 2199-12-31T23:59:59Z

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_SECOND = timedelta(seconds=1)
_LAST_YEAR = 2201
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days; February's in a common year


def occurrences(
    expression: str, timezone: str, after: datetime, until: datetime, calendar: str | None = None
) -> list[datetime]:
    """The instants after < t ≤ until at which `expression` fires in `timezone`, in UTC, ascending.

    `after` and `until` may be in any zone. Raises ScheduleInvalid for a bad expression, zone or calendar,
    TypeError for a datetime without a zone.
    """
    last = seconds(until)
    found = takewhile(lambda instant: instant <= last, _instants(expression, timezone, seconds(after), calendar))
    return [moment(instant) for instant in found]


def upcoming(
    expression: str,
    timezone: str,
    after: datetime,
    calendar: str | None = None,
    *,
    until: datetime | None = None,
) -> Iterator[datetime]:
    """Like `occurrences`, one at a time; without `until` it ends with the year 2199.

    Faults are raised by this call, not by the first `next`.
    """
    last = LATEST if until is None else seconds(until)
    found = _instants(expression, timezone, seconds(after), calendar)
    return (moment(instant) for instant in takewhile(lambda instant: instant <= last, found))


def next_occurrence(expression: str, timezone: str, after: datetime, calendar: str | None = None) -> datetime | None:
    """The first instant after `after`, in UTC; None when there is none before 2200."""
    for instant in _instants(expression, timezone, seconds(after), calendar):
        return moment(instant)
    return None


def seconds(when: datetime) -> int:
    """Unix seconds of an aware datetime, rounded down. Raises TypeError for a naive one."""
    if when.tzinfo is None or when.utcoffset() is None:
        raise TypeError(f"{when.isoformat()} has no time zone: pass an aware datetime")
    return (when - EPOCH) // _SECOND


def moment(instant: int) -> datetime:
    """The UTC datetime of unix seconds."""
    return EPOCH + timedelta(seconds=instant)


def instants(expression: Expression, tz: ZoneInfo, after: int, calendar: str | None = None) -> Iterator[int]:
    """All unix seconds greater than `after` at which `expression` fires in `tz`, ascending."""
    at = max(after + 1, EARLIEST)
    while at <= LATEST:
        stretch = stretch_at(tz, at)
        offset = stretch.offset
        wall = at + offset
        if expression.fixed:
            if at == stretch.start and skipped_walls(expression, tz, at, calendar):
                yield at
                wall += 1
            wall = max(wall, stretch.repeats)
        end = stretch.end + offset
        matched = wall
        for found in walls(expression, wall, calendar):
            if found >= end:
                break
            if found - offset > LATEST:
                return
            yield found - offset
            matched = found
        else:
            return
        at = stretch.end
        if matched < end - 2 * DAY:
            # Nothing matched in the last two days of this stretch, and nothing will until `found`: leave
            # out the stretches between. No clock change moves a wall time by more than a day or so.
            at = max(at, found - offset - 2 * DAY)


def skipped_walls(expression: Expression, tz: ZoneInfo, instant: int, calendar: str | None) -> list[int]:
    """The matching wall times that a fixed job makes up for at `instant` (none for a wildcard job).

    In seconds since 1970-01-01 00:00 on the wall. Empty unless `instant` is the first after a gap.
    """
    stretch = stretch_at(tz, instant)
    if not expression.fixed or instant != stretch.start or stretch.skipped == instant + stretch.offset:
        return []
    begin, end = max(stretch.skipped, stretch.repeats), instant + stretch.offset
    return list(takewhile(lambda wall: wall < end, walls(expression, begin, calendar)))


def walls(expression: Expression, start: int, calendar: str | None) -> Iterator[int]:
    """Matching wall times from `start` on, in seconds since 1970-01-01 00:00 on the wall, to the year 2201."""
    day, second = divmod(start, DAY)
    times = expression.times
    index = bisect_left(times, second)
    if index == len(times):
        day += 1
        index = 0
    today = date.fromordinal(day + _EPOCH_DAY)
    year, month = today.year, today.month
    bits = matching_days(expression, year, month, calendar) >> today.day << today.day
    base = (day - today.day) * DAY  # day 0 of the month
    if index and bits >> today.day & 1:
        for time in times[index:]:
            yield day * DAY + time
    if index:
        bits &= ~(1 << today.day)
    while year <= _LAST_YEAR:
        while bits:
            lowest = bits & -bits
            bits ^= lowest
            midnight = base + (lowest.bit_length() - 1) * DAY
            for time in times:
                yield midnight + time
        month += 1
        if month > 12:
            year, month = year + 1, 1
        bits = matching_days(expression, year, month, calendar)
        if bits:
            base = (date(year, month, 1).toordinal() - 1 - _EPOCH_DAY) * DAY


def matching_days(expression: Expression, year: int, month: int, calendar: str | None) -> int:
    """The mask of the month's days (bit d for day d) on which `expression` fires."""
    if not expression.months >> month & 1:
        return 0
    if expression.business is not None:
        return expression.business.of(business_days(calendar, year, month))
    first, length = _shape(year, month)
    return expression.days(first, length)


@lru_cache(maxsize=8192)
def _shape(year: int, month: int) -> tuple[int, int]:
    """(weekday of day 1, 0 being Monday; number of days) of a month."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, month, 1).weekday(), _LENGTHS[month] + leap


def _instants(expression: str, timezone: str, after: int, calendar: str | None) -> Iterator[int]:
    """`instants` with everything looked up, so that a fault is raised here and not while iterating."""
    if calendar is not None:
        business_calendar(calendar)
    return instants(parse(expression), zone(timezone), after, calendar)
