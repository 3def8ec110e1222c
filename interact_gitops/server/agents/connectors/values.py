"""Values of rows as JSON: the same value gives the same JSON on every machine, and nothing that JSON or a
browser cannot hold gets through.

    integers beyond ±2^53         strings (a browser would round them)
    decimals                      integers when whole, else floating point
    NaN, infinities               null
    dates, times, timestamps      ISO 8601
    intervals                     seconds as an ISO 8601 duration, `PT86400S`
    bytes                         hexadecimal
    lists, structs, maps, sets    arrays and objects; a set is sorted
    anything else (UUID, inet, …) its text
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.server.agents.connectors.connector import Json

EXACT_INTEGER = 2**53


def json_value(value: object) -> Json:
    """`value` as JSON."""
    result = _number(value)
    if result is not None or value is None:
        return result
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = value / timedelta(seconds=1)
        return f"PT{int(seconds) if seconds.is_integer() else seconds}S"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return _nested(value)


def _number(value: object) -> bool | int | float | str | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -EXACT_INTEGER <= value <= EXACT_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal) and value.is_finite():
        return _decimal(value)
    return None


def _decimal(value: Decimal) -> int | float | str:
    if abs(value) <= EXACT_INTEGER and value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if math.isfinite(near) and abs(value) <= EXACT_INTEGER else str(value)


def _text(value: str) -> str:
    # A lone surrogate cannot be sent as UTF-8; no engine means one.
    return value.encode("utf-8", "replace").decode("utf-8")


def _nested(value: object) -> Json:
    if isinstance(value, Mapping):
        return {_key(key): json_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(entry) for entry in value]
    if isinstance(value, set | frozenset):
        return sorted((json_value(entry) for entry in value), key=canonical_json)
    if isinstance(value, float | Decimal):  # what _number turned away: not finite
        return None
    return _text(str(value))


def _key(key: object) -> str:
    value = json_value(key)
    return value if isinstance(value, str) else canonical_json(value)
