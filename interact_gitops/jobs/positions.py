"""Where in a file a part of a document stands: from a path, and from there into a text.

A text's value and its source differ by folding, quoting, escapes and indentation. All of them change
blanks and the way in which a character is written, never how many visible characters there are or
their order: so the n-th visible character of the value is the n-th visible one of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import Position
from interact_gitops.jobs.composing import compose

if TYPE_CHECKING:
    from yaml import Node

Path = tuple[str | int, ...]
MERGE = "<<"

_BLANK = " \t\r\n"
_PROPERTIES = re.compile(r"(?:[&!][^ \t\r\n]*[ \t\r\n]+(?:#[^\r\n]*[ \t\r\n]+)*)*")
# What stands for `$` or `{` in double quotes, or lets a line end between them.
_ESCAPED_REFERENCE = re.compile(r"\\[xuU\r\n]")
_ESCAPED = {"x": 2, "u": 4, "U": 8}
_INVISIBLE = {"t", "n", "r", " ", "\t", "\n", "\r"}


@dataclass(slots=True)
class Source:
    """A file's name as shown and its text. Its nodes are composed when a place in it is asked for, all of them
    at once: in a file with nothing wrong in it, nobody asks."""

    file: str
    text: str = field(repr=False)
    roots: list[Node] = field(default_factory=list, repr=False)

    @property
    def may_refer(self) -> bool:
        """Whether a text in it may hold `${`; false says that none does."""
        return "${" in self.text or ("\\" in self.text and _ESCAPED_REFERENCE.search(self.text) is not None)

    def root(self, number: int) -> Node:
        """The root node of document `number`, from 0."""
        if number >= len(self.roots):
            # Whatever ends the reading further down was told when the file was read.
            self.roots = list(compose(self.file, self.text, []))
        return self.roots[number]


@dataclass(slots=True, kw_only=True)
class Document:
    """One YAML document: its value, where that begins, and on request where each part of it stands.

    It is document `number` (from 0) of its source.
    """

    source: Source
    value: Any
    number: int
    start: Position
    _children: dict[int, dict[str | int, tuple[Any, Any]]] = field(default_factory=dict, repr=False)
    _places: dict[int, list[int]] = field(default_factory=dict, repr=False)

    @property
    def file(self) -> str:
        """The name of its file as shown."""
        return self.source.file

    @property
    def text(self) -> str:
        """The text of the whole file."""
        return self.source.text

    def position(self, path: Path, *, key: bool = False, offset: int = 0) -> Position | None:
        """Where the value at `path` stands (or its key); None when this document does not hold it.

        `offset` moves that many characters into a text.
        """
        found = self._find(path)
        if found is None:
            return None
        key_node, node = found
        if key and key_node is not None:
            return node_position(self.file, key_node)
        if offset and node.id == "scalar":
            return index_position(self.file, self.text, self._index_inside(node, offset))
        return node_position(self.file, node)

    def text_at(self, path: Path) -> str | None:
        """The text at `path` as the file has it, before variables are filled in; None for anything else."""
        found = self._find(path)
        return found[1].value if found is not None and found[1].id == "scalar" else None

    def _find(self, path: Path) -> tuple[Any, Any] | None:
        found: tuple[Any, Any] = (None, self.source.root(self.number))
        for part in path:
            child = self._under(found[1]).get(part)
            if child is None:
                return None
            found = child
        return found

    def _under(self, node: Any) -> dict[str | int, tuple[Any, Any]]:
        """The children of a node by name or index; what `<<` merges in comes after the node's own keys."""
        known = self._children.get(id(node))
        if known is not None:
            return known
        children = self._children[id(node)] = {}  # before its sources: an alias may lead back here
        if node.id == "sequence":
            children.update((index, (None, item)) for index, item in enumerate(node.value))
        elif node.id == "mapping":
            sources: list[Any] = []
            for key_node, value_node in node.value:
                if is_merge(key_node):
                    sources += value_node.value if value_node.id == "sequence" else [value_node]
                elif key_node.id == "scalar":
                    children.setdefault(key_node.value, (key_node, value_node))
            for source in sources:
                for name, found in self._under(source).items():
                    children.setdefault(name, found)
        return children

    def _index_inside(self, node: Any, offset: int) -> int:
        """The index in the file's text of the character at `offset` in a scalar's value."""
        value: str = node.value
        before = value[:offset].rstrip(_BLANK)
        visible = len(before) - sum(before.count(blank) for blank in _BLANK)
        places = self._places.get(id(node))
        if places is None:
            places = self._places[id(node)] = list(_visible(self.text, node))
        if value[offset : offset + 1].strip(_BLANK):
            return places[visible]
        # A blank, or the end: right after the last visible character before it.
        return places[visible - 1] + 1 if visible else _content_start(self.text, node)


def is_merge(key_node: Any) -> bool:
    """Whether a key is a plain `<<`; in quotes it is a name like any other."""
    return bool(key_node.value == MERGE and not key_node.style)


def node_position(file: str, node: Any) -> Position:
    """Where a node begins."""
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)


def index_position(file: str, text: str, index: int) -> Position:
    """The position of the character at `index` (from 0) of a file's text."""
    return Position(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def _content_start(text: str, node: Any) -> int:
    start: int = node.start_mark.index
    properties = _PROPERTIES.match(text, start, node.end_mark.index)
    start = properties.end() if properties else start
    if node.style in {"|", ">"}:
        line_end = text.find("\n", start)
        return line_end + 1 if line_end >= 0 else len(text)
    return start + bool(node.style)


def _visible(text: str, node: Any) -> Iterator[int]:
    """The index of each visible character of a scalar in the file's text, in order."""
    index, end = _content_start(text, node), node.end_mark.index
    if node.style in {'"', "'"}:
        end -= 1
    while index < end:
        character, width, blank = text[index], 1, text[index] in _BLANK
        if node.style == "'" and character == "'":
            width = 2
        elif node.style == '"' and character == "\\":
            letter = text[index + 1]
            digits = _ESCAPED.get(letter, 0)
            width = 2 + digits
            blank = letter in _INVISIBLE or (bool(digits) and chr(int(text[index + 2 : index + width], 16)) in _BLANK)
        if not blank:
            yield index
        index += width
