"""Time zones: a checked lookup by IANA name, and a zone's stretches of constant offset.

Evaluation never asks a zone about a wall time (PEP 495's gaps and folds); it walks the stretches of UTC
time between two clock changes, in each of which wall time is UTC plus a constant. A zone's changes are
found by sampling its offset every four days and halving: in all of the tz database (2026) two changes
are never less than 167 hours apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import ScheduleInvalid, did_you_mean

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86400  # seconds
LONGEST_CATCH_UP = 3 * 3600  # seconds; Debian's cron does not make up for a longer jump of the clock

_CHUNK = 1 << 25  # seconds, a little over a year: what is worked out and remembered at a time
_SAMPLE = 4 * DAY
_LOOK_BACK = 3 * DAY  # a fold ends at most a day after its change (Alaska repeated one in 1867)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)
_LONGEST_NAME = 64
# Files of a tz database that are no zones, or mean another zone on another machine.
_NO_ZONE = frozenset({"localtime", "posixrules", "Factory", "leapseconds", "tzdata"})


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`, spelt as in the tz database.

    Raises ScheduleInvalid (`timezone-unknown`) with the nearest name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    fits = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None
    if fits and name not in _NO_ZONE and not name.startswith(("posix/", "right/")):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # Respectively: no such file; not a zone file; a folder of zones such as 'Europe'.
            pass
    raise _unknown(name)


def _unknown(name: str) -> ScheduleInvalid:
    from zoneinfo import available_timezones

    shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    known = sorted(available_timezones() - _NO_ZONE)
    # People know the city: 'Amsterdam' and 'New York' find theirs.
    cities = {entry.rpartition("/")[2].lower(): entry for entry in known}
    city = cities.get(name.strip().replace(" ", "_").lower())
    remedy = f"did you mean {city!r}?" if city else did_you_mean(shown, known)
    return ScheduleInvalid(
        f"there is no time zone {shown!r}",
        code="timezone-unknown",
        remedy=remedy or "write an IANA name such as 'Europe/Amsterdam', or 'UTC'",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """UTC seconds `start` ≤ t < `end` in which wall time is t + `offset`.

    Wall times are counted in seconds since 1970-01-01 00:00 on the wall. `skipped` is where the gap right
    before `start` begins on the wall (start + offset when there is none). Wall times below `repeats` have
    been on the clock before. `jumps` is the size of the change at `start` in seconds (0: no change there).
    """

    start: int
    end: int
    offset: int
    skipped: int
    repeats: int
    jumps: int


def stretch_at(tz: ZoneInfo, instant: int) -> Stretch:
    """The stretch that holds `instant` (unix seconds). Long ones come in pieces of about a year."""
    for stretch in stretches(tz, instant // _CHUNK):
        if instant < stretch.end:
            return stretch
    raise AssertionError("a chunk's stretches cover it")  # pragma: no cover


@lru_cache(maxsize=8192)
def stretches(tz: ZoneInfo, chunk: int) -> tuple[Stretch, ...]:
    """All stretches of one chunk, cut at its ends."""
    begin, end = chunk * _CHUNK, (chunk + 1) * _CHUNK
    start = begin - _LOOK_BACK
    offset = _offset(tz, start)
    peak = start + offset  # the latest wall time that has been on the clock
    jumps = 0
    found = []
    for change in (*_changes(tz, start, end - 1), end):
        if change > begin:
            since = max(start, begin)
            jumped = jumps if since == start else 0
            caught = jumped if 0 < jumped <= LONGEST_CATCH_UP else 0
            found.append(
                Stretch(
                    start=since,
                    end=change,
                    offset=offset,
                    skipped=since + offset - caught,
                    repeats=peak,
                    jumps=jumped,
                )
            )
        peak = max(peak, change + offset)
        after = _offset(tz, change)
        start, offset, jumps = change, after, after - offset
    return tuple(found)


def clock_changes(tz: ZoneInfo, low: int, high: int) -> Iterator[Stretch]:
    """The stretches that begin with a clock change at low < t ≤ high, ascending."""
    for chunk in range(low // _CHUNK, high // _CHUNK + 1):
        for stretch in stretches(tz, chunk):
            if stretch.jumps and low < stretch.start <= high:
                yield stretch


def _changes(tz: ZoneInfo, low: int, high: int) -> Iterator[int]:
    """The instants low < t ≤ high at which the offset differs from the second before, ascending."""
    samples = [*range(low, high, _SAMPLE), high]
    offsets = [_offset(tz, sample) for sample in samples]
    for index in range(1, len(samples)):
        if offsets[index] != offsets[index - 1]:
            before, after = samples[index - 1], samples[index]
            while after - before > 1:
                middle = (before + after) // 2
                if _offset(tz, middle) == offsets[index - 1]:
                    before = middle
                else:
                    after = middle
            yield after


def _offset(tz: ZoneInfo, instant: int) -> int:
    """The zone's offset from UTC in seconds at `instant`."""
    offset = (EPOCH + timedelta(seconds=instant)).astimezone(tz).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def clock_time(wall: int) -> str:
    """HH:MM of a wall time in seconds since 1970-01-01 00:00 on the wall."""
    return f"{wall // 3600 % 24:02}:{wall // 60 % 60:02}"
