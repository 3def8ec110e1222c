"""A file's text taken apart: every value with the place where it begins and ends.

Marks come from the parser's events. Composed nodes will not do: of an alias they know its anchor's place only.
The text has LF line ends and has been read without a problem (`source.read_documents`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from interact_gitops.jobs.composing import loader_class

_PROPERTIES = re.compile(r"(?:[&!][^ \t\n]*[ \t\n]+(?:#[^\n]*[ \t\n]+)*)*")
_TO_DASH = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?=-)")
_COMMENT = re.compile(r"(?:(?<=[ \t\n])|\A)#[^\n]*")
_HEADER = re.compile(r"[|>][-+0-9]*")
_OWN_ROW = re.compile(r"^[ \t]*(#[^\n]*)", re.MULTILINE)
_FIRST_LINE = re.compile(r"\n( *)[^ \n]")


@dataclass(slots=True, kw_only=True)
class Part:
    """A value in a text: `start` is its first character (an anchor included), `end` the one after its last.

    `style` is the quote or block sign of a scalar, `{` or `[` of a flow collection, empty for plain and block ones.
    A block scalar ends with its last line that counts, without that line's end.
    """

    kind: Literal["scalar", "map", "list", "alias"]
    start: int
    end: int
    column: int
    style: str = ""
    text: str = ""
    anchored: bool = False
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Whether this is a collection written over lines, one entry after the other."""
        return self.kind in {"map", "list"} and not self.style

    def get(self, name: str) -> Entry | None:
        """The entry of a map with this key."""
        return next((entry for entry in self.entries if entry.name == name), None)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry of a collection. `start` is that of its key, or, in a block list, of its dash."""

    start: int
    value: Part
    key: Part | None = None

    @property
    def name(self) -> str | None:
        """The key of a map's entry; None in a list, and for a merge (`<<`)."""
        return None if self.key is None or self.merges else self.key.text

    @property
    def merges(self) -> bool:
        """Whether this is a plain `<<`."""
        return self.key is not None and self.key.text == "<<" and not self.key.style

    @property
    def end(self) -> int:
        """The character after its last; an empty value ends where its colon or dash does."""
        return max(self.value.end, self.start + 1)


class Text:
    """A text with its documents, and with line numbers (from 0) for offsets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rows = text.split("\n")
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.roots = _parse(text)

    def line(self, offset: int) -> int:
        """The line on which the character at `offset` stands."""
        return bisect_right(self.starts, offset) - 1

    def line_start(self, offset: int) -> int:
        """Where the line of `offset` begins."""
        return self.starts[self.line(offset)]

    def line_end(self, offset: int) -> int:
        """Where the line of `offset` ends: at its line feed, or at the end of the text."""
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found

    def row_end(self, row: int) -> int:
        """Where a row ends: at its line feed, or at the end of the text."""
        return self.line_end(self.starts[row])

    @cached_property
    def comment_rows(self) -> Mapping[int, str]:
        """The comments on rows of their own, by row."""
        return {
            self.line(found.start(1)): found.group(1)
            for start, end in self.gaps()
            for found in _OWN_ROW.finditer(self.text, start, end)
        }

    def scalars(self) -> Iterator[Part]:
        """Every scalar and alias, keys included, in the order of the text."""
        for root in self.roots:
            yield from _leaves(root)

    def gaps(self) -> Iterator[tuple[int, int]]:
        """What lies between scalars (start, end): punctuation, comments, blanks. A block scalar's header counts in."""
        at = 0
        for leaf in self.scalars():
            start = leaf.start + (_properties(self.text, leaf) if leaf.anchored else 0)
            if start > at:
                yield at, start
            at = leaf.end
            if leaf.style in {"|", ">"}:
                header = _HEADER.match(self.text, start)
                yield (header.end() if header else start), min(self.line_end(start), leaf.end)
        if at < len(self.text):
            yield at, len(self.text)

    def comments(self) -> list[str]:
        """Every comment, from its `#`, without blanks at its end."""
        return [
            found.group().rstrip() for start, end in self.gaps() for found in _COMMENT.finditer(self.text, start, end)
        ]


def content_start(text: str, part: Part) -> int:
    """Where a part begins, after its anchor."""
    return part.start + (_properties(text, part) if part.anchored else 0)


def _properties(text: str, part: Part) -> int:
    found = _PROPERTIES.match(text, part.start)
    return found.end() - part.start if found else 0


def _leaves(part: Part) -> Iterator[Part]:
    if part.kind in {"scalar", "alias"}:
        yield part
    for entry in part.entries:
        if entry.key is not None:
            yield from _leaves(entry.key)
        yield from _leaves(entry.value)


def _parse(text: str) -> list[Part]:
    from yaml.events import DocumentStartEvent

    loader = loader_class()(text)
    roots = []
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, DocumentStartEvent):
                roots.append(_Building(text, loader.get_event).part(loader.get_event()))
    finally:
        loader.dispose()
    return roots


class _Building:
    """Events → parts."""

    def __init__(self, text: str, get: Callable[[], Any]) -> None:
        self.text = text
        self.get = get

    def part(self, event: Any) -> Part:
        from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        start, end = event.start_mark, event.end_mark
        if isinstance(event, AliasEvent):
            return Part(kind="alias", start=start.index, end=end.index, column=start.column)
        if isinstance(event, ScalarEvent):
            style = event.style or ""
            last = self.scalar_end(start.index, end.index) if style in {"|", ">"} else end.index
            return Part(kind="scalar", start=start.index, end=last, column=start.column, style=style,
                        text=event.value, anchored=event.anchor is not None or event.tag is not None)  # fmt: skip
        kind: Literal["map", "list"] = "map" if isinstance(event, MappingStartEvent) else "list"
        part = Part(
            kind=kind, start=start.index, end=end.index, column=start.column,
            anchored=event.anchor is not None or event.tag is not None,
        )  # fmt: skip
        first = content_start(self.text, part)
        part.style = ("{" if kind == "map" else "[") if event.flow_style else ""
        if part.is_block:
            part.column = first - (self.text.rfind("\n", 0, first) + 1)
        self.entries(part, first)
        return part

    def entries(self, part: Part, at: int) -> None:
        from yaml.events import MappingEndEvent, SequenceEndEvent

        while (event := self.get()).__class__ not in {MappingEndEvent, SequenceEndEvent}:
            if part.kind == "map":
                key = self.part(event)
                entry = Entry(start=key.start, key=key, value=self.part(self.get()))
            else:
                value = self.part(event)
                dash = _TO_DASH.match(self.text, at) if part.is_block else None
                entry = Entry(start=dash.end() if dash else value.start, value=value)
            part.entries.append(entry)
            at = entry.value.end
        ended: Any = event
        part.end = ended.end_mark.index if part.style else part.entries[-1].end

    def scalar_end(self, start: int, end: int) -> int:
        """Where a block scalar ends: with its last line that is not blank, unless it keeps blank ones."""
        shown = self.text[start:end]
        found = _PROPERTIES.match(shown)
        header = _HEADER.match(shown, found.end() if found else 0)
        if header is None or len(header.group()) > 1 + header.group().endswith("-"):  # keeps, or says its indentation
            return end - shown.endswith("\n")
        first = _FIRST_LINE.search(shown, header.end())
        indent = len(first.group(1)) if first else len(shown)
        rows = shown.split("\n")
        while len(rows) > 1 and not rows[-1].strip(" ") and len(rows[-1]) <= indent:
            rows.pop()
        return start + len("\n".join(rows))
