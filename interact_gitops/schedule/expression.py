"""An expression as read: what `parse` returns and the evaluator works on.

Everything that evaluation needs is worked out once, here: the seconds of the day at which it fires, and
the days of the month for every shape a month can have (7 first weekdays × 4 lengths), as bit masks. The
day rule is cron's: day of month and day of week match if either does, unless one of the two fields begins
with `*` (also `*/2`), then both must.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import ScheduleInvalid
from .fields import KINDS, Field, read_field
from .shortcuts import BusinessDays, read_shortcut

LONGEST = 256  # characters; the longest sensible list, every other minute by name, is far below

_SHORTEST_MONTH = 28
_LENGTHS = {2: (28, 29), 4: (30,), 6: (30,), 9: (30,), 11: (30,)}  # days; every other month has 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A schedule's expression, read and checked.

    `fixed` jobs (neither minute nor hour begins with `*`) make up for what a clock change skips and run
    once in what it repeats; the others follow the clock. `times` are seconds of the day, ascending.
    `months` has bit m set for every month m that matches. `business` days replace the day fields.
    """

    text: str
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    business: BusinessDays | None
    fixed: bool
    times: tuple[int, ...] = field(repr=False, compare=False)
    months: int = field(repr=False, compare=False)
    month_days: tuple[int, ...] = field(repr=False, compare=False)

    @property
    def either(self) -> bool:
        """Whether a day matches when one of its two fields does (else both must)."""
        return not (self.day.starred or self.weekday.starred)

    def days(self, first: int, length: int) -> int:
        """The mask of matching days in a month of `length` days whose day 1 is weekday `first` (0 Monday)."""
        return self.month_days[first * 4 + length - _SHORTEST_MONTH]


@lru_cache(maxsize=16384)
def parse(expression: str) -> Expression:
    """Read a five-field cron expression or a shortcut.

    Raises ScheduleInvalid with the `offset` of the fault: `cron-length`, `cron-syntax`, `cron-fields`,
    `cron-range`, `cron-step`, `cron-value`, `cron-never`, `shortcut-unknown`, `shortcut-count`,
    `shortcut-time`.
    """
    _check_characters(expression)
    text = expression.strip(" \t")
    offset = len(expression) - len(expression.lstrip(" \t"))
    if text.startswith("@"):
        shortcut = read_shortcut(text, offset)
        return _build(text, _read_fields(shortcut.cron), shortcut.business)
    return _build(text, _read_fields(expression), None)


def _check_characters(expression: str) -> None:
    if len(expression) > LONGEST:
        raise ScheduleInvalid(
            f"the expression has {len(expression)} characters; the limit is {LONGEST}",
            code="cron-length",
            offset=LONGEST,
            remedy="write ranges and steps instead of long lists, or split it into several jobs",
        )
    wrong = re.search(r"[^\t -~]", expression)
    if wrong is None:
        return
    character = wrong[0]
    remedy = "type it again with plain characters: ASCII digits, letters, * , - / and spaces"
    if character.isdigit():
        message = f"{character!r} is not an ASCII digit"
    elif character in "\r\n":
        message = "the expression has a line break"
        remedy = "write it on one line (in YAML: in quotes, not as a block)"
    else:
        message = f"the character {character!r} has no place in an expression"
    raise ScheduleInvalid(message, code="cron-syntax", offset=wrong.start(), remedy=remedy)


def _read_fields(expression: str) -> tuple[Field, ...]:
    found = list(re.finditer(r"[^ \t]+", expression))
    if len(found) != len(KINDS):
        raise _wrong_count([match[0] for match in found], expression)
    return tuple(read_field(kind, match[0], match.start()) for kind, match in zip(KINDS, found, strict=True))


def _wrong_count(words: list[str], expression: str) -> ScheduleInvalid:
    five = "minute, hour, day of month, month, day of week"
    count = len(words)
    if count == 0:
        return ScheduleInvalid(
            "the expression is empty", code="cron-fields", remedy="write '0 8 * * 1' or '@daily 08:00'"
        )
    message = f"the expression has {count} field{'' if count == 1 else 's'}; cron has 5: {five}"
    if count < len(KINDS):
        return ScheduleInvalid(
            message,
            code="cron-fields",
            offset=len(expression.rstrip(" \t")),
            remedy="write '*' for each field that may have any value",
        )
    offset = list(re.finditer(r"[^ \t]+", expression))[len(KINDS)].start()
    year = re.fullmatch(r"\d{4}.*", words[-1]) is not None
    if count == 7:
        remedy = f"drop the seconds field and the year field: {' '.join(words[1:6])!r}"
    elif count == 6 and year:
        remedy = f"drop the year field: {' '.join(words[:5])!r}"
    elif count == 6 and words[0].isdigit():
        remedy = f"drop the seconds field: {' '.join(words[1:])!r}"
    elif count == 6:
        remedy = "drop the seconds field (the first) or the year field (the last)"
    else:
        remedy = "write lists with commas and without spaces"
    return ScheduleInvalid(message, code="cron-fields", offset=offset, remedy=remedy)


def _build(text: str, fields: tuple[Field, ...], business: BusinessDays | None) -> Expression:
    minute, hour, day, month, weekday = fields
    either = not (day.starred or weekday.starred)
    month_days = _month_days(day.mask, weekday.mask, either)
    built = Expression(
        text=text,
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        weekday=weekday,
        business=business,
        fixed=not (minute.starred or hour.starred),
        times=_times(minute.mask, hour.mask),
        months=month.mask,
        month_days=month_days,
    )
    if not _fires(built):
        raise ScheduleInvalid(
            f"{text!r} never fires: no month of {month.text!r} has a day {day.text!r}",
            code="cron-never",
            offset=day.offset,
            remedy="write a day that these months have (29 in February is every leap year)",
        )
    return built


@lru_cache(maxsize=4096)
def _times(minutes: int, hours: int) -> tuple[int, ...]:
    """Seconds of the day; shared by all expressions with the same two fields."""
    return tuple(
        hour * 3600 + minute * 60
        for hour in range(24)
        if hours >> hour & 1
        for minute in range(60)
        if minutes >> minute & 1
    )


@lru_cache(maxsize=4096)
def _month_days(days: int, weekdays: int, either: bool) -> tuple[int, ...]:
    """For each first weekday (0 Monday) and length (28–31) of a month, its matching days."""
    masks = []
    for first in range(7):
        for length in range(_SHORTEST_MONTH, 32):
            by_weekday = 0
            for number in range(1, length + 1):
                # `first` counts from Monday, the field's bits from Sunday.
                if weekdays >> (first + number) % 7 & 1:
                    by_weekday |= 1 << number
            by_day = days & (2 << length) - 1
            masks.append(by_day | by_weekday if either else by_day & by_weekday)
    return tuple(masks)


def _fires(expression: Expression) -> bool:
    """Whether any month that can exist has a matching day (each shape of month comes round in 400 years)."""
    return any(
        expression.days(first, length)
        for month in range(1, 13)
        if expression.months >> month & 1
        for length in _LENGTHS.get(month, (31,))
        for first in range(7)
    )
