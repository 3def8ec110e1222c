"""The part of a large value whose schema errors are listed.

jsonschema-rs makes every error at once, with a copy of what it is about: half a million wrong items
would take seconds and gigabytes, for a list of which a person reads the first few.
"""

from __future__ import annotations

from typing import Any

MAX_VALUES = 50_000
MAX_ENTRIES = 1_000


def excerpt(value: Any) -> Any:
    """`value` with its lists cut where it has more than 50,000 values, and its maps after 1,000 entries.

    A list keeps its first item and every part keeps its place, so that paths hold in the whole value.
    """
    return _Excerpt().of(value)


class _Excerpt:
    def __init__(self) -> None:
        self.left = MAX_VALUES

    def of(self, value: Any) -> Any:
        self.left -= 1
        if isinstance(value, dict):
            return {name: self.of(value[name]) for name in list(value)[:MAX_ENTRIES]}
        if not isinstance(value, list):
            return value
        kept: list[Any] = []
        for item in value:
            if kept and self.left <= 0:
                break
            kept.append(self.of(item))
        return kept
