"""A schedule in words, in English and on the 24-hour clock, whatever the machine's locale.

The library `cron-descriptor` words each part by itself, and the parts are joined here: it does not know
cron's day rule (either field or both), and says nothing about business days.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .expression import Expression, parse
from .fields import SUNDAY, Field
from .shortcuts import BusinessDays

_MIDNIGHT = "At 00:00, "
_FEW = 4  # so many values are listed rather than called "every n"


def describe(expression: str, calendar: str | None = None) -> str:
    """`expression` in words: "At 08:00 on Monday".

    Raises ScheduleInvalid for a bad expression; `calendar` is only named, not looked up.
    """
    parsed = parse(expression)
    said = _word(f"{_plain(parsed.minute)} {_plain(parsed.hour)} * * *")
    if parsed.business is not None:
        return f"{said} {_business_words(parsed.business, calendar)}"
    days = _days(parsed)
    months = "" if parsed.month.whole else _part(f"0 0 * {_named(parsed.month)} *")
    if not days and re.match(r"At \d\d:", said):
        said += " every day"
    for part in (days, months):
        if part:
            said += f" {part}" if part.startswith(("on ", "in ")) else f", {part}"
    return said


def _days(parsed: Expression) -> str:
    by_day = "" if parsed.day.whole else _part(f"0 0 {_plain(parsed.day)} * *")
    by_weekday = "" if parsed.weekday.whole else _part(f"0 0 * * {_named(parsed.weekday)}")
    if not by_day or not by_weekday:
        # Where either field is enough, one that holds every day makes it every day.
        return "" if parsed.either else by_day or by_weekday
    return f"{by_day} or {by_weekday}" if parsed.either else f"{by_day}, but only {by_weekday}"


def _business_words(business: BusinessDays, calendar: str | None) -> str:
    kind = "business day" if calendar else "weekday"
    where = f" ({calendar} calendar)" if calendar else ""
    if business.which == "every":
        return f"on every {kind}{where}"
    rank = _ordinal(business.nth) if business.which == "nth" else business.which
    return f"on the {rank} {kind} of the month{where}"


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if number // 10 == 1 else endings.get(number % 10, "th")
    return f"{number}{ending}"


def _part(cron: str) -> str:
    """The words for the one field of `cron` that says more than midnight."""
    return _word(cron).removeprefix(_MIDNIGHT).removeprefix("only ")


@lru_cache(maxsize=4096)
def _word(cron: str) -> str:
    from cron_descriptor import ExpressionDescriptor, Options

    # With a locale given, the library does not ask the machine for one.
    options = Options(locale_code="en_US", use_24hour_time_format=True)
    return str(ExpressionDescriptor(cron, options).get_description())


def _values(field: Field) -> list[int]:
    return [value for value in range(field.kind.high + 1) if field.mask >> value & 1]


def _plain(field: Field) -> str:
    """A field in a form that reads well: one item as written, several as the list of their values."""
    values = _values(field)
    if field.whole:
        return "*"
    item = field.items[0]
    if len(values) == 1 or len(field.items) > 1:
        return ",".join(map(str, values))
    if item.step > 1 and len(values) <= _FEW and (not item.star or field.kind.size % item.step):
        return ",".join(map(str, values))
    if item.star:
        return f"*/{item.step}"
    step = f"/{item.step}" if item.step > 1 else ""
    return f"{item.low}-{item.high}{step}"


def _named(field: Field) -> str:
    """Months and weekdays: a run of three or more as a range, anything else as a list."""
    values = _values(field)
    late = sorted(value or SUNDAY for value in values)  # the week from Monday; months have no 0
    for order in (late, values):
        if len(order) > 2 and order[-1] - order[0] == len(order) - 1:
            return f"{order[0]}-{order[-1]}"
    return ",".join(map(str, late))
