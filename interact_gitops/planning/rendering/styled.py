"""Styled lines: text with the name of a style. The command line decides what a style looks like.

Text from definitions and targets is untrusted, and goes through `visible` exactly once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

Line = tuple[tuple[str, str], ...]
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One line about a change: a statement, or, with a `sign`, a line of a prompt (`…`: lines left out).

    What a definition says stands after a sign or inside a statement, so no prompt can pass for one of ours.
    """

    parts: Line
    sign: Literal[" ", "-", "+", "…"] | None = None


def visible(text: str, *, keep: Container[str] = frozenset()) -> str:
    """`text` with control, escape and direction-changing characters shown as `\\x1b`, never sent raw."""
    if text.isprintable():  # it holds none of them, nor an odd blank
        return text
    return "".join(
        c if c in keep or unicodedata.category(c) not in _UNSEEN else c.encode("unicode_escape").decode() for c in text
    )


def line(*parts: str | tuple[str, str]) -> Line:
    """A line from plain texts and (text, style) pairs, made visible."""
    return tuple((visible(p), "") if isinstance(p, str) else (visible(p[0]), p[1]) for p in parts)


def plain(lines: list[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(text for text, _ in one) for one in lines)


def statement(*parts: str | tuple[str, str]) -> Detail:
    """A detail in our own words, from texts and (text, style) pairs."""
    return Detail(parts=line(*parts))
