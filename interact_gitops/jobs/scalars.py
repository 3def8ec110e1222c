"""What a plain YAML scalar means: the core schema of YAML 1.2 and nothing more.

`on`, `NO`, `12:30` and `2026-01-01` stay strings, so that what a reviewer reads is what runs
(YAML 1.1 makes booleans, sexagesimal numbers and dates of them).
"""

from __future__ import annotations

import math
import re

_NAMED: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_START = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
LARGEST_INTEGER = 2**63 - 1


class ScalarRefused(ValueError):
    """A number that JSON, and so Interact, cannot hold."""


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises ScalarRefused for infinities, NaN and integers over 64 bits."""
    if text in _NAMED:
        return _NAMED[text]
    if text[0] not in _NUMBER_START:
        return text
    if _DECIMAL.match(text):
        return _integer(text, 10)
    if _FLOAT.match(text):
        number = float(text)
        if not math.isfinite(number):
            raise ScalarRefused(f"the number {_short(text)} is too large")
        return number
    if _BASED.match(text):
        return _integer(text[2:], 8 if text[1] == "o" else 16)
    if _SPECIAL.match(text):
        raise ScalarRefused(f"{text} is not a number that a job can hold")
    return text


def control_character(text: str) -> str | None:
    """The first character in `text` that steers a terminal or ends a C string; tab and line feed are text."""
    found = _CONTROL.search(text)
    return found.group() if found else None


def _integer(digits: str, base: int) -> int:
    if len(digits) > 25 or abs(number := int(digits, base)) > LARGEST_INTEGER:
        raise ScalarRefused(f"the integer {_short(digits)} is larger than 64 bits can hold")
    return number


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "…"
