"""Business days: Monday to Friday, less the public holidays of a named calendar.

Calendars are those of the library `holidays`: a country (`NL`), a country and its part (`DE-BY`), a market
or central bank (`NYSE`, `ECB`). Years for which a calendar knows nothing (before its first, after its last)
have no holidays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from ..errors import ScheduleInvalid, nearest

_LONGEST_NAME = 64
_MONDAY_TO_FRIDAY = 0b0011111


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """A calendar that exists; `subdivision` is None for a whole country or market."""

    code: str
    subdivision: str | None = None

    @property
    def name(self) -> str:
        """As it is written in a job."""
        return self.code if self.subdivision is None else f"{self.code}-{self.subdivision}"

    def holidays(self, year: int) -> frozenset[date]:
        """The public holidays of one year."""
        return _holidays(self.code, self.subdivision, year)

    def is_business_day(self, day: date) -> bool:
        """Whether `day` is from Monday to Friday and no public holiday."""
        return bool(business_days(self.name, day.year, day.month) >> day.day & 1)


@lru_cache(maxsize=1024)
def business_calendar(name: str) -> BusinessCalendar:
    """The calendar `name`. Raises ScheduleInvalid (`calendar-unknown`) with the nearest name."""
    codes = _codes()
    code, _, subdivision = name.partition("-")
    if code not in codes:
        shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
        upper = code.upper()
        meant = f"did you mean {name.replace(code, upper, 1)!r}?" if upper in codes else None
        raise ScheduleInvalid(
            f"there is no business calendar {shown!r}",
            code="calendar-unknown",
            remedy=meant or "write a country (NL), a country and its part (DE-BY), or a market (NYSE, ECB)",
        )
    if "-" not in name:
        return BusinessCalendar(code=code)
    entity = _entity(code)
    parts = (*entity.subdivisions, *entity.subdivisions_aliases)
    if subdivision not in parts:
        shown = subdivision[:_LONGEST_NAME]
        hit = nearest(shown, parts)
        remedy = f"did you mean {f'{code}-{hit}'!r}?" if hit else f"its parts are {', '.join(parts[:20])}"
        if not parts:
            remedy = f"write {code!r}: it has no parts"
        raise ScheduleInvalid(
            f"the business calendar {code!r} has no part {shown!r}", code="calendar-unknown", remedy=remedy
        )
    return BusinessCalendar(code=code, subdivision=subdivision)


@lru_cache(maxsize=8192)
def business_days(calendar: str | None, year: int, month: int) -> int:
    """A mask with bit d set for every business day d of the month; no calendar: Monday to Friday."""
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    length = (following - first).days
    mask = 0
    for day in range(1, length + 1):
        if _MONDAY_TO_FRIDAY >> (first.weekday() + day - 1) % 7 & 1:
            mask |= 1 << day
    if calendar is not None:
        for holiday in business_calendar(calendar).holidays(year):
            if holiday.month == month:
                mask &= ~(1 << holiday.day)
    return mask


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    from holidays.registry import EntityLoader

    return frozenset((*EntityLoader.get_country_codes(), *EntityLoader.get_financial_codes()))


def _entity(code: str) -> Any:
    import holidays

    return getattr(holidays, code)


@lru_cache(maxsize=4096)
def _holidays(code: str, subdivision: str | None, year: int) -> frozenset[date]:
    # A fresh one for each year: the library's own objects fill themselves in when asked, which two
    # threads must not do at once.
    return frozenset(day for day in _entity(code)(subdiv=subdivision, years=year, expand=False) if day.year == year)
