"""Styled lines: text with the name of a style. The command line decides what a style looks like.

Text from definitions and targets is untrusted, and goes through `visible` exactly once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

Line = tuple[tuple[str, str], ...]
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Letters and marks that show as nothing, in which a text can hide another (Unicode's default ignorables and blanks);
# characters that are none, which YAML does not take; and of the selectors that make an emoji more than one in a row.
_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0\ufe00-\ufe0d\U000e0100-\U000e01ef"
    "\ufdd0-\ufdef\ufffe\uffff]|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One line about a change: a statement, or, with a `sign`, a line of a prompt (`…`: lines left out).

    What a definition says stands after a sign or inside a statement, so no prompt can pass for one of ours.
    """

    parts: Line
    sign: Literal[" ", "-", "+", "…"] | None = None


def visible(text: str, *, keep: Container[str] = frozenset()) -> str:
    """`text` with what is not seen (control, escape, direction-changing, empty characters) shown as `\\x1b`."""
    if not text.isascii():
        text = _EMPTY.sub(lambda found: _spelled(found.group()), text)
    if text.isprintable():  # it holds none of the others, nor an odd blank
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _UNSEEN else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()


def line(*parts: str | tuple[str, str]) -> Line:
    """A line from plain texts and (text, style) pairs, made visible."""
    return tuple((visible(p), "") if isinstance(p, str) else (visible(p[0]), p[1]) for p in parts)


def plain(lines: list[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(text for text, _ in one) for one in lines)


def statement(*parts: str | tuple[str, str]) -> Detail:
    """A detail in our own words, from texts and (text, style) pairs."""
    return Detail(parts=line(*parts))
