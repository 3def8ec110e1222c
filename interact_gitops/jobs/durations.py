"""Durations as people write them, `1h30m`, and as machines keep them, whole seconds."""

from __future__ import annotations

import functools
import re

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]+)([wdhms])")


@functools.lru_cache(maxsize=1_024)
def parse_duration(text: str) -> int:
    """Seconds in a duration that has passed the schema's pattern."""
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def format_duration(seconds: int) -> str:
    """The shortest writing of `seconds`: 5400 → `1h30m`, 0 → `0s`, 86400 → `1d`."""
    parts = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
