"""Shortcuts: `@daily` and its like, and the business days that cron cannot say.

`@NAME`, or `@NAME HH:MM` for any of them but the hourly one and `@midnight`, whose names say the time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import ScheduleInvalid, nearest

# Day of month, month, day of week; the time is put in front.
_PLAIN = {
    "@hourly": "* * *",
    "@daily": "* * *",
    "@midnight": "* * *",
    "@weekly": "* * 0",
    "@monthly": "1 * *",
    "@quarterly": "1 1,4,7,10 *",
    "@yearly": "1 1 *",
    "@annually": "1 1 *",
}
_BUSINESS = ("@first-weekday", "@last-weekday", "@weekdays", "@nth-weekday")
_NTH = "@nth-weekday(n)"
_ALL = (*_PLAIN, *_BUSINESS[:-1], _NTH)
_WITHOUT_TIME = {"@hourly": "write '{minute} * * * *'", "@midnight": "write '@daily {time}'"}

MOST_BUSINESS_DAYS = 23  # a month of 31 days has at most 23 days from Monday to Friday

_SHAPE = re.compile(r"(?P<name>@[^\s(]*)(?P<count>\([^)]*\)?)?(?:[ \t]+(?P<time>.*))?", re.ASCII)
_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessDays:
    """Which business days of a month: the first, the last, every one, or the nth (counted from 1)."""

    which: Literal["first", "last", "every", "nth"]
    nth: int = 1

    def of(self, business: int) -> int:
        """The chosen days among `business`, a mask with bit d set for every business day d of a month."""
        if self.which == "every":
            return business
        if self.which == "last":
            return 1 << business.bit_length() - 1 if business else 0
        for _ in range(self.nth - 1):
            business &= business - 1
        return business & -business


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut as read: the five fields that say its time (and its days, unless they are business days)."""

    cron: str
    business: BusinessDays | None


def read_shortcut(text: str, offset: int) -> Shortcut:
    """Read `text`, which begins with `@` and stands at `offset` of what was written.

    Raises ScheduleInvalid (`shortcut-unknown`, `shortcut-count`, `shortcut-time`).
    """
    match = _SHAPE.fullmatch(text)
    name = match["name"] if match else text.split(maxsplit=1)[0]
    if match is None or name not in (*_PLAIN, *_BUSINESS):
        raise _unknown(name, text, offset)
    nth = _read_count(name, match["count"], offset + len(name))
    minute, hour = _read_time(name + (match["count"] or ""), match["time"], offset + max(match.start("time"), 0))
    if name == "@hourly":
        return Shortcut(cron=f"0 * {_PLAIN[name]}", business=None)
    if name in _PLAIN:
        return Shortcut(cron=f"{minute} {hour} {_PLAIN[name]}", business=None)
    which: Literal["first", "last", "every", "nth"] = "every"
    if name == "@first-weekday":
        which = "first"
    elif name == "@last-weekday":
        which = "last"
    elif name == "@nth-weekday":
        which = "nth"
    return Shortcut(cron=f"{minute} {hour} * * *", business=BusinessDays(which=which, nth=nth))


def _unknown(name: str, text: str, offset: int) -> ScheduleInvalid:
    message = f"there is no shortcut {name!r}"
    hit = nearest(name, _ALL)
    if name == "@reboot":
        message = "'@reboot' is no time: nothing starts up here that it could follow"
        remedy = "write a time, or trigger the job through the API when the machine starts"
    elif name.startswith("@every") and text != name:
        remedy = "write the times of day: '*/5 * * * *' is every five minutes, '0 */2 * * *' every two hours"
    elif hit is not None:
        remedy = f"did you mean {hit!r}?"
    else:
        remedy = f"the shortcuts are {', '.join(_ALL)}"
    return ScheduleInvalid(message, code="shortcut-unknown", offset=offset, remedy=remedy)


def _read_count(name: str, count: str | None, offset: int) -> int:
    """The n of `@nth-weekday(n)`; `count` has its parentheses."""
    if name != "@nth-weekday":
        if count is not None:
            raise ScheduleInvalid(
                f"{name!r} takes no number",
                code="shortcut-count",
                offset=offset,
                remedy=f"write {name!r}, or '@nth-weekday(n)' for the nth business day of the month",
            )
        return 1
    digits = re.fullmatch(r"\((\d{1,3})\)", count or "", re.ASCII)
    if digits is None or not 1 <= int(digits[1]) <= MOST_BUSINESS_DAYS:
        raise ScheduleInvalid(
            f"'@nth-weekday' needs a number from 1 to {MOST_BUSINESS_DAYS} in parentheses",
            code="shortcut-count",
            offset=offset,
            remedy="write '@nth-weekday(5)' for the fifth business day of the month",
        )
    return int(digits[1])


def _read_time(name: str, time: str | None, offset: int) -> tuple[int, int]:
    """(minute, hour) of the time behind a shortcut; midnight when there is none."""
    if time is None:
        return 0, 0
    match = _TIME.fullmatch(time)
    if match is None or int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ScheduleInvalid(
            f"{time!r} behind {name!r} is not a time of day (00:00–23:59)",
            code="shortcut-time",
            offset=offset,
            remedy=f"write {f'{name} 08:00'!r}" if name not in _WITHOUT_TIME else f"write {name!r}",
        )
    minute, hour = int(match["minute"]), int(match["hour"])
    if name in _WITHOUT_TIME:
        raise ScheduleInvalid(
            f"{name!r} takes no time of day: its name says when",
            code="shortcut-time",
            offset=offset,
            remedy=_WITHOUT_TIME[name].format(minute=minute, time=time),
        )
    return minute, hour
