"""Replacing ranges of a text."""

from __future__ import annotations

from collections.abc import Iterable

Edit = tuple[int, int, str]
"""(start, end, what comes in its place); what is inserted has an empty range."""


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with every edit made, those at one place in their own order; what two of them take out is gone once."""
    made, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        made += [text[at:start], new]
        at = max(at, end)
    return "".join([*made, text[at:]])
