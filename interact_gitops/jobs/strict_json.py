"""JSON that everybody reads the same: each name once in a map, finite numbers, whole characters."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


def read_strictly(text: str) -> Any:
    """The value. Raises ValueError, in words, for anything else than such JSON, json.JSONDecodeError where it ends."""
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse, parse_float=_number)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except UnicodeEncodeError as error:
        raise ValueError("a text in it has half of a character") from error
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return number
