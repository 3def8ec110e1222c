"""Warnings about an expression that is right but may not mean what its author thinks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from .evaluation import LATEST, moment, skipped_walls, walls
from .expression import Expression, parse
from .fields import Field
from .zones import DAY, EPOCH, clock_changes, clock_time, zone

# No clock is read here: without a date from the caller, clock changes are looked for from this one on.
_SINCE = date(2026, 1, 1)
_YEARS = 10  # how far clock changes are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One warning: a stable code, what will happen, and what to write if that is not meant."""

    code: str
    message: str
    remedy: str


def notes(expression: str, timezone: str, calendar: str | None = None, *, since: date | None = None) -> list[Note]:
    """Warnings for `expression` in `timezone`: `clock-gap`, `clock-repeat`, `day-both`, `step-uneven`,
    `step-beyond`, `calendar-unused`. Clock changes are those of the ten years from `since`.

    Raises ScheduleInvalid for a bad expression or zone.
    """
    parsed = parse(expression)
    found = [*_clock_notes(parsed, timezone, calendar, since or _SINCE)]
    if calendar is not None and parsed.business is None:
        found.append(
            Note(
                code="calendar-unused",
                message=f"the calendar {calendar!r} changes nothing: {parsed.text!r} knows no business days",
                remedy="use @weekdays, @first-weekday, @last-weekday or @nth-weekday(n), or remove the calendar",
            )
        )
    found += _day_notes(parsed)
    for field in (parsed.minute, parsed.hour, parsed.day, parsed.month, parsed.weekday):
        found += _step_notes(field)
    return found


def _clock_notes(parsed: Expression, timezone: str, calendar: str | None, since: date) -> Iterator[Note]:
    """At most one note for each direction, about the first clock change that touches the job."""
    tz = zone(timezone)
    follows = not parsed.fixed and not parsed.hour.whole
    begin = (since.toordinal() - EPOCH.toordinal()) * DAY
    seen = set()
    for stretch in clock_changes(tz, begin, min(begin + _YEARS * 365 * DAY, LATEST)):
        now = stretch.start + stretch.offset
        before = now - stretch.jumps
        day = f"{moment(before):%Y-%m-%d}"
        touched = next(walls(parsed, min(now, before), calendar)) < max(now, before)
        if stretch.jumps > 0 and "clock-gap" not in seen:
            between = f"{clock_time(before)}–{clock_time(now)}"
            made_up = skipped_walls(parsed, tz, stretch.start, calendar)
            if made_up:
                seen.add("clock-gap")
                yield Note(
                    code="clock-gap",
                    message=f"{clock_time(made_up[0])} does not exist in {timezone} on {day}, when the clock"
                    f" goes forward: the job runs at {clock_time(now)} that day",
                    remedy=f"choose a time outside {between} if that matters",
                )
            elif follows and touched:
                seen.add("clock-gap")
                yield Note(
                    code="clock-gap",
                    message=f"the clock in {timezone} goes forward on {day}: nothing runs {between} that day",
                    remedy=f"choose times outside {between}, or write minutes and hours without '*'"
                    " to have a skipped run made up for",
                )
        elif stretch.jumps < 0 and follows and touched and "clock-repeat" not in seen:
            seen.add("clock-repeat")
            yield Note(
                code="clock-repeat",
                message=f"the clock in {timezone} goes back on {day}: the runs"
                f" {clock_time(now)}–{clock_time(before)} happen twice that day",
                remedy="write minutes and hours without '*' to run once only",
            )


def _day_notes(parsed: Expression) -> Iterator[Note]:
    for stepped, other in ((parsed.day, parsed.weekday), (parsed.weekday, parsed.day)):
        if stepped.starred and not stepped.whole and not other.whole:
            yield Note(
                code="day-both",
                message=f"{stepped.text!r} in the {stepped.kind.name} field begins with '*', so a day must match"
                f" it and also {other.text!r} in the {other.kind.name} field",
                remedy=f"write {_values_text(stepped)!r} if either is enough, or '*' if only {other.text!r} is meant",
            )
            return


def _values_text(field: Field) -> str:
    return ",".join(str(value) for value in range(field.kind.high + 1) if field.mask >> value & 1)


def _step_notes(field: Field) -> Iterator[Note]:
    kind = field.kind
    for item in field.items:
        values = item.values()
        if item.step > 1 and len(values) == 1:
            yield Note(
                code="step-beyond",
                message=f"the step of {item.text!r} in the {kind.name} field reaches beyond its range:"
                f" only {item.low} is left",
                remedy=f"write {str(item.low)!r}, or a smaller step",
            )
        elif (item.low, item.high) == (kind.low, kind.high) and kind.size % item.step:
            gap = kind.high - values[-1] + 1
            yield Note(
                code="step-uneven",
                message=f"the step of {item.text!r} in the {kind.name} field does not divide {kind.size}:"
                f" after {values[-1]} it starts again at {item.low}, {gap} later instead of {item.step}",
                remedy=f"use a step that divides {kind.size}, or list the values that are meant",
            )
