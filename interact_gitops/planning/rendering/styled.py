"""Styled lines: text with the name of a style. The command line decides what a style looks like.

Text from definitions and targets is untrusted, and goes through `visible` exactly once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container

Line = tuple[tuple[str, str], ...]
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def visible(text: str, *, keep: Container[str] = frozenset()) -> str:
    """`text` with control, escape and direction-changing characters shown as `\\x1b`, never sent raw."""
    if text.isascii() and text.isprintable():
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
