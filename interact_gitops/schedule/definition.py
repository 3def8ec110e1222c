"""A job's schedule as its file says it, and its occurrences inside its window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, takewhile
from typing import Literal

from .calendars import business_calendar
from .evaluation import instants, matching_days, moment, seconds
from .expression import parse
from .zones import DAY, EPOCH, zone

CatchUp = Literal["skip", "latest", "all"]

_EPOCH_DAY = EPOCH.toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a job runs.

    `cron` is a five-field expression or a shortcut, `timezone` an IANA name, `calendar` the business
    calendar of the shortcuts. `catch_up` says what becomes of occurrences missed while nobody ran, and
    `start_deadline` (seconds) how late one may still start. `jitter` is the largest offset in seconds.
    `not_before` and `not_after` are inclusive dates in the job's zone. Building one checks nothing: the
    methods raise ScheduleInvalid for a bad expression, zone or calendar.
    """

    cron: str
    timezone: str = "UTC"
    calendar: str | None = None
    catch_up: CatchUp = "latest"
    start_deadline: int = 21600
    jitter: int = 0
    not_before: date | None = None
    not_after: date | None = None

    def occurrences(self, after: datetime, until: datetime) -> list[datetime]:
        """The instants after < t ≤ until inside the window, in UTC, ascending."""
        last = seconds(until)
        found = takewhile(lambda instant: instant <= last, self.instants(seconds(after)))
        return [moment(instant) for instant in found]

    def upcoming(self, after: datetime, count: int) -> list[datetime]:
        """The first `count` instants after `after` inside the window; fewer when it ends before."""
        return [moment(instant) for instant in islice(self.instants(seconds(after)), count)]

    def next_occurrence(self, after: datetime) -> datetime | None:
        """The first instant after `after` inside the window, or None."""
        return next(iter(self.upcoming(after, 1)), None)

    def instants(self, after: int) -> Iterator[int]:
        """The unix seconds greater than `after` inside the window, ascending."""
        tz = zone(self.timezone)
        if self.calendar is not None:
            business_calendar(self.calendar)
        expression = parse(self.cron)
        if self.not_before is None and self.not_after is None:
            return instants(expression, tz, after, self.calendar)
        first, last = self.not_before or date.min, self.not_after or date.max
        # Wall clocks are less than a day from UTC: a day of slack, then the date on the wall decides.
        start = max(after, (first.toordinal() - _EPOCH_DAY - 1) * DAY)
        stop = (last.toordinal() - _EPOCH_DAY + 2) * DAY
        found = takewhile(lambda instant: instant < stop, instants(expression, tz, start, self.calendar))
        return (instant for instant in found if first <= moment(instant).astimezone(tz).date() <= last)


def runs_per_month(schedule: Schedule | str, calendar: str | None = None, *, since: date) -> float:
    """How often it fires in a month, on average over the twelve months from the one that holds `since`.

    Takes a schedule (whose own calendar counts) or an expression. A schedule's window is left out of
    account, and so are clock changes, which move a handful of runs in a year.
    """
    if isinstance(schedule, Schedule):
        return runs_per_month(schedule.cron, schedule.calendar, since=since)
    expression = parse(schedule)
    months = (divmod(since.month - 1 + ahead, 12) for ahead in range(12))
    days = sum(matching_days(expression, since.year + year, month + 1, calendar).bit_count() for year, month in months)
    return days * len(expression.times) / 12
