"""Untrusted text made plain: no control characters, no direction changes, bounded. Pure.

What is left is text that any format can escape by its own rules; nothing here knows one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from interact_gitops.jobs.model import Scalar
from interact_gitops.notify.messages.message import Line

LONGEST_READ = 40_000  # characters of an answer that are looked at, however long it is
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINER = "\u200d"  # holds families of emoji together, and has no other power
_NEWLINES = re.compile(r"\r\n?|[\n\v\f\x85\u2028\u2029]")


def plain(text: str) -> str:
    """`text` with its line breaks as \\n and without anything that is not seen: escapes, half characters, marks that
    turn the direction of reading, tags."""
    lines = _NEWLINES.sub("\n", text.replace("\t", "    "))
    return "".join(c for c in lines if c in {"\n", _JOINER} or unicodedata.category(c) not in _UNSEEN)


def one_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters, an ellipsis where it was cut."""
    words = " ".join(plain(text[: limit * 8]).split())
    return words if len(words) <= limit and len(text) <= limit * 8 else words[: limit - 1].rstrip() + "…"


def shown(value: Scalar | None) -> str:
    """A parameter's value as people write it."""
    if value is None:
        return "none"
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def values(parameters: Mapping[str, Scalar], limit: int = 200) -> str:
    """`campaign_id CMP-2026-001, days 7`."""
    return one_line(", ".join(f"{name} {shown(value)}" for name, value in parameters.items()), limit)


def first_lines(text: str, *, lines: int, characters: int) -> tuple[tuple[Line, ...], bool]:
    """The beginning of an answer in the marks of chats, and whether something was cut off."""
    found: list[Line] = []
    left, cut = characters, len(text) > LONGEST_READ
    for raw in plain(text[:LONGEST_READ]).strip().split("\n"):
        line = raw.rstrip()
        if not line and (not found or not found[-1].pieces):
            continue  # one blank line between paragraphs is enough
        if len(found) == lines or left <= 0:
            cut = True
            break
        if len(line) > left:
            line, cut = line[: left - 1] + "…", True
        left -= len(line) + 1
        item = line.startswith("- ")
        found.append(Line(pieces=_pieces(line[2:] if item else line), item=item))
    while found and not found[-1].pieces:
        found.pop()
    return tuple(found), cut


def _pieces(line: str) -> tuple[tuple[str, bool], ...]:
    parts = line.split("**")
    if len(parts) % 2 == 0:  # a mark without its partner is text
        parts[-2:] = ["**".join(parts[-2:])]
    return tuple((part, index % 2 == 1) for index, part in enumerate(parts) if part)
