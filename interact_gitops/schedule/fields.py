"""The five fields of a cron expression: a strict reader with positions, and their expansion.

The rules are those of Debian's cron (`crontab(5)`, cron 3.0pl1): lists of `*`, `*/n`, `a`, `a-b` and
`a-b/n`. Whatever other schedulers add (`L`, `W`, `#`, `?`, `H`, `R`, `~`) is refused with what to write
instead: a schedule that means something else elsewhere must not be accepted here by chance.

Expansion of steps to values is croniter's, one field at a time and cached, behind this check: croniter 7
alone takes `R * * * *` for a random schedule and `6-6` for the whole field, so it is only ever handed text
that cannot be misread (see `_normal`). What has no step needs no expanding, and most schedules no croniter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import ScheduleInvalid, nearest

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_ITEM = re.compile(r"(?:(?P<star>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\w+))?", re.ASCII)

SUNDAY = 7  # the second way to write it


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one of the five fields may hold; `high` is the largest number that `*` covers."""

    index: int
    name: str
    low: int
    high: int
    largest: int
    names: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def size(self) -> int:
        """How many values `*` covers."""
        return self.high - self.low + 1


KINDS = (
    Kind(index=0, name="minute", low=0, high=59, largest=59),
    Kind(index=1, name="hour", low=0, high=23, largest=23),
    Kind(index=2, name="day-of-month", low=1, high=31, largest=31),
    Kind(index=3, name="month", low=1, high=12, largest=12, names={n: i + 1 for i, n in enumerate(MONTHS)}),
    Kind(
        index=4,
        name="day-of-week",
        low=0,
        high=6,
        largest=SUNDAY,
        names={n: i for i, n in enumerate(WEEKDAYS)},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a field's list: the values low, low + step, … up to high. 7 is Sunday."""

    low: int
    high: int
    step: int
    star: bool
    text: str
    offset: int

    def values(self) -> range:
        """The values as written (Sunday may be 7)."""
        return range(self.low, self.high + 1, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as read. `mask` has bit v set for every value v it holds (Sunday is bit 0)."""

    kind: Kind
    text: str
    offset: int
    items: tuple[Item, ...]
    mask: int

    @property
    def starred(self) -> bool:
        """Whether it begins with `*`, which is what cron's day rule and clock-change rule look at."""
        return self.text.startswith("*")

    @property
    def whole(self) -> bool:
        """Whether it holds every value it can hold."""
        return self.mask.bit_count() == self.kind.size


def read_field(kind: Kind, text: str, offset: int) -> Field:
    """Read one field that starts at `offset` of its expression.

    Raises ScheduleInvalid (`cron-syntax`, `cron-range`, `cron-step`, `cron-value`).
    """
    items = []
    at = offset
    for part in text.split(","):
        if not part:
            raise ScheduleInvalid(
                f"the {kind.name} field {text!r} has an empty list item",
                code="cron-syntax",
                offset=at,
                remedy="remove the comma, or write the value that is missing",
            )
        items.append(_read_item(kind, part, at))
        at += len(part) + 1
    return Field(kind=kind, text=text, offset=offset, items=tuple(items), mask=_mask(kind, items))


def _mask(kind: Kind, items: Sequence[Item]) -> int:
    if any(item.step > 1 for item in items):
        return _expand(kind.index, ",".join(_normal(kind, item) for item in items))
    mask = 0
    for item in items:
        for value in item.values():
            mask |= 1 << kind.low + (value - kind.low) % kind.size
    return mask


def _read_item(kind: Kind, text: str, offset: int) -> Item:
    match = _ITEM.fullmatch(text)
    if match is None:
        raise _not_cron(kind, text, offset)
    step = 1
    if match["step"] is not None:
        step = _read_step(kind, match["step"], text, offset + match.start("step"))
    if match["star"]:
        return Item(low=kind.low, high=kind.high, step=step, star=True, text=text, offset=offset)
    low = _read_value(kind, match["low"], offset)
    if match["high"] is None:
        if match["step"] is not None:
            raise ScheduleInvalid(
                f"{text!r} in the {kind.name} field has a step without a range",
                code="cron-step",
                offset=offset + match.start("step") - 1,
                remedy=f"write {f'{low}-{kind.high}/{step}'!r}",
            )
        return Item(low=low, high=low, step=1, star=False, text=text, offset=offset)
    high = _read_value(kind, match["high"], offset + match.start("high"))
    if high < low:
        raise ScheduleInvalid(
            f"the range {text!r} in the {kind.name} field runs backwards",
            code="cron-range",
            offset=offset,
            remedy=f"write {_round_the_end(kind, low, high, step)!r} to go round the end of the field",
        )
    return Item(low=low, high=high, step=step, star=False, text=text, offset=offset)


def _round_the_end(kind: Kind, low: int, high: int, step: int) -> str:
    """The values of a backward range, on to the field's end and round to `high`, as cron can say it."""
    if step > 1:
        values = range(low, high + kind.size + 1, step)
        return ",".join(str(kind.low + (value - kind.low) % kind.size) for value in values)
    pieces = [(low, kind.high)] if low <= kind.high else []
    pieces.append((kind.low, high))
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in pieces)


def _read_step(kind: Kind, word: str, item: str, offset: int) -> int:
    if not word.isdigit() or int(word) == 0:
        raise ScheduleInvalid(
            f"the step {word!r} of {item!r} in the {kind.name} field is not a number from 1 up",
            code="cron-step",
            offset=offset,
            remedy="write a step of 1 or more",
        )
    return int(word)


def _read_value(kind: Kind, word: str, offset: int) -> int:
    if word.isdigit():
        value = int(word)
        if kind.low <= value <= kind.largest:
            return value
        raise ScheduleInvalid(
            f"{word} is out of range in the {kind.name} field ({kind.low}–{kind.largest})",
            code="cron-value",
            offset=offset,
            remedy=f"write a number from {kind.low} to {kind.largest}",
        )
    value_named = kind.names.get(word.upper())
    if value_named is not None:
        return value_named
    raise _not_a_value(kind, word, offset)


def _not_a_value(kind: Kind, word: str, offset: int) -> ScheduleInvalid:
    """A word that is no number and no name of this field: say what it is elsewhere."""
    upper = word.upper()
    code = "cron-value"
    message = f"{word!r} is not a value of the {kind.name} field ({kind.low}–{kind.largest})"
    elsewhere = next((other for other in KINDS if upper in other.names), None)
    if elsewhere is not None:
        message = f"{word!r} stands in the {kind.name} field, but it is a {elsewhere.name}"
        remedy = f"move it to field {elsewhere.index + 1}: minute, hour, day of month, month, day of week"
    elif upper in {"H", "R"}:
        code = "cron-syntax"
        message = f"{word!r} in the {kind.name} field is not cron: a schedule here is never random"
        remedy = "write a number; `jitter` spreads jobs out, by the same amount every time"
    elif re.fullmatch(r"L|LW|\d+L", upper):
        code = "cron-syntax"
        message = f"{word!r} in the {kind.name} field is not cron"
        remedy = "write '@last-weekday' for the last business day of the month"
    elif re.fullmatch(r"\d*W", upper):
        code = "cron-syntax"
        message = f"{word!r} in the {kind.name} field is not cron"
        remedy = "write '@first-weekday', '@last-weekday' or '@nth-weekday(n)' for business days"
    else:
        # 'Wednesday' begins with its name but is not close to it by letters.
        short = upper[:3] if upper[:3] in kind.names else nearest(upper, kind.names)
        names = f" or a name such as {next(iter(kind.names))}" if kind.names else ""
        remedy = f"write a number from {kind.low} to {kind.largest}{names}"
        if short is not None:
            remedy = f"did you mean {short!r}?"
    return ScheduleInvalid(message, code=code, offset=offset, remedy=remedy)


def _not_cron(kind: Kind, text: str, offset: int) -> ScheduleInvalid:
    """An item whose shape is no cron: the position of what is in the way, and what to write instead."""
    ways = {
        "?": "write '*'",
        "#": "write '@nth-weekday(n)' for business days, or a day-of-month range such as 8-14",
        "~": "write a number; `jitter` spreads jobs out, by the same amount every time",
        "(": "write a number; `jitter` spreads jobs out, by the same amount every time",
    }
    for mark, remedy in ways.items():
        if mark in text:
            return ScheduleInvalid(
                f"{mark!r} in the {kind.name} field is not cron",
                code="cron-syntax",
                offset=offset + text.index(mark),
                remedy=remedy,
            )
    return ScheduleInvalid(
        f"{text!r} in the {kind.name} field is neither a value, a range nor a step",
        code="cron-syntax",
        offset=offset,
        remedy="write '*', 'a', 'a-b', '*/n' or 'a-b/n', several joined by commas",
    )


def _normal(kind: Kind, item: Item) -> str:
    """The item in a form that croniter cannot misread: one value alone, and no 7 for Sunday."""
    values = item.values()
    if len(values) == 1 or values[-1] > kind.high:
        return ",".join(str(kind.low + (value - kind.low) % kind.size) for value in values)
    return f"{item.low}-{item.high}/{item.step}"


@lru_cache(maxsize=4096)
def _expand(index: int, normal: str) -> int:
    """The bit mask of one field's values, by croniter."""
    from croniter import croniter

    columns = ["*"] * len(KINDS)
    columns[index] = normal
    values = croniter.expand(" ".join(columns))[0][index]
    kind = KINDS[index]
    if values == ["*"]:
        values = list(range(kind.low, kind.high + 1))
    mask = 0
    for value in values:
        mask |= 1 << int(value)
    return mask
