"""Strict YAML: bytes → documents with a position for every value, every problem reported.

PyYAML's C parser composes the node tree (with marks); this module alone turns nodes into values,
because the stock constructors accept duplicate keys, explicit tags and unbounded aliases in silence.
Nothing here touches the disk.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import Position, Problem
from interact_gitops.jobs.scalars import ScalarRefused, resolve

if TYPE_CHECKING:
    from yaml import Node

MAX_BYTES = 1_048_576
MAX_ALIASES = 1_000
MAX_DEPTH = 64
MAX_VALUES = 200_000  # after aliases are expanded: what a billion-laughs file is caught by
Path = tuple[str | int, ...]

_LONG_INDENT = re.compile(r"^[ ?:-]{500}", re.MULTILINE)
_PLAIN = "!plain"
_TEXT, _MAP, _LIST = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_PLAIN_TAGS = frozenset({_PLAIN, _TEXT, _MAP, _LIST})


@dataclass(slots=True, kw_only=True)
class Document:
    """One YAML document: its value, and the nodes that say where each part of it stands."""

    file: str
    value: Any
    node: Node
    text: str
    _lines: list[str] | None = field(default=None, repr=False)

    @property
    def start(self) -> Position:
        """Where the document's first value stands."""
        return _at(self.file, self.node)

    def position(self, path: Path, *, key: bool = False) -> Position | None:
        """Where the value at `path` stands (or its key); None when this document does not hold it."""
        node: Node | None = self.node
        for index, part in enumerate(path):
            found = _child(node, part)
            if found is None:
                return None
            key_node, node = found
            if key and index == len(path) - 1 and key_node is not None:
                return _at(self.file, key_node)
        return _at(self.file, node) if node is not None else None

    def inside(self, path: Path, found: Position, offset: int) -> Position:
        """`found` moved `offset` characters into the text at `path`; as it was where the text is not one line."""
        node: Any = self.node
        for part in path:
            child = _child(node, part)
            if child is None:
                return found
            node = child[1]
        if not offset or node.id != "scalar" or node.style in {"|", ">"} or node.start_mark.line != node.end_mark.line:
            return found
        return Position(found.file, found.line, found.column + offset + (node.style is not None))

    def text_position(self, path: Path, line: int, word: str) -> Position | None:
        """Where `word` stands in line `line` (from 1) of the string at `path`.

        Exact in literal blocks and in one-line strings; elsewhere the string's own position.
        """
        node: Any = self.node
        for part in path:
            found = _child(node, part)
            if found is None:
                return None
            node = found[1]
        start = _at(self.file, node)
        if node.style == "|":
            number = start.line + line
        elif node.start_mark.line == node.end_mark.line:
            number = start.line
        else:
            return start
        if self._lines is None:
            self._lines = self.text.split("\n")
        row = self._lines[number - 1] if number <= len(self._lines) else ""
        column = _word_column(row, word, start.column if number == start.line else 1)
        return Position(self.file, number, column) if column else start


def read_documents(file: str, raw: bytes) -> tuple[list[Document], list[Problem]]:
    """The documents of one file and everything wrong with its YAML; both may be non-empty.

    `file` is the name shown in positions. A file that cannot be parsed gives what came before the fault.
    """
    problems: list[Problem] = []
    start = Position(file)
    if len(raw) > MAX_BYTES:
        said = f"the file is {len(raw):,} bytes, the limit is {MAX_BYTES:,}"
        return [], [Problem(position=start, message=said, code="file-size", remedy="split it into several files")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        said = f"the file is not UTF-8 text (byte 0x{raw[error.start]:02x})"
        where = Position(file, line, column)
        return [], [Problem(position=where, message=said, code="encoding", remedy="save it as UTF-8")]
    documents = [
        Document(file=file, value=value, node=node, text=text) for node, value in _compose(file, text, problems)
    ]
    return documents, problems


def _compose(file: str, text: str, problems: list[Problem]) -> Iterator[tuple[Node, Any]]:
    import yaml

    if _may_nest_too_deep(text) and (deep := _depth_problem(file, text)):
        problems.append(deep)
        return
    loader = _loader_class()(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            yield node, _Construction(file, problems).value(node)
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(file, text, error))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        where = Position(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        said = "the file holds a control character"
        problems.append(Problem(position=where, message=said, code="yaml-syntax", remedy="remove it"))
    finally:
        loader.dispose()


def _may_nest_too_deep(text: str) -> bool:
    """Whether composing could exhaust the C stack, which ends the process: it recurses once per level.

    A level needs a bracket of its own, or one more column of indentation than its parent.
    """
    return text.count("[") + text.count("{") > 1_000 or bool(_LONG_INDENT.search(text))


def _depth_problem(file: str, text: str) -> Problem | None:
    """The first place that nests too deep, found from events: their parser does not recurse."""
    import yaml

    depth = 0
    event: Any
    try:
        for event in yaml.parse(text, Loader=_loader_class()):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                where = Position(file, event.start_mark.line + 1, event.start_mark.column + 1)
                return _too_deep(where)
    except yaml.YAMLError:
        return None  # composing meets the same fault and reports it with its remedy
    return None


def _too_deep(where: Position) -> Problem:
    said = f"values nest deeper than {MAX_DEPTH} levels"
    return Problem(position=where, message=said, code="yaml-depth", remedy="flatten them")


@functools.cache
def _loader_class() -> type[Any]:
    """The C loader with one resolver for all: a plain scalar is `!plain`, an explicit tag shows as itself."""
    import yaml

    tags = {yaml.ScalarNode: _TEXT, yaml.MappingNode: _MAP, yaml.SequenceNode: _LIST}

    class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
        def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
            plain = kind is yaml.ScalarNode and implicit[0]
            return _PLAIN if plain else tags[kind]

    return StrictLoader


class _Construction:
    """Builds the values of one document; a node reached again is an alias, and is not walked again."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.built: dict[int, tuple[Any, int]] = {}  # node id → (value, values it expands to)
        self.open: set[int] = set()
        self.aliases = 0
        self.size = 0
        self.stopped = False

    def problem(self, node: Node, code: str, message: str, remedy: str | None = None) -> None:
        self.problems.append(Problem(position=_at(self.file, node), message=message, code=code, remedy=remedy))

    def value(self, node: Any, depth: int = 0) -> Any:
        if self.stopped:
            return None
        self.size += 1
        if node.id == "scalar":
            return self.scalar(node)
        identity = id(node)
        if identity in self.open:
            self.problem(node, "yaml-cycle", "an alias refers to a value that contains it", "write the value out")
            return None
        if identity in self.built:
            return self.alias(node, *self.built[identity])
        if depth >= MAX_DEPTH:
            self.stopped = True
            self.problems.append(_too_deep(_at(self.file, node)))
            return None
        self.tag(node)
        before = self.size
        self.open.add(identity)
        value = self.mapping(node, depth) if node.id == "mapping" else [self.value(n, depth + 1) for n in node.value]
        self.open.discard(identity)
        self.built[identity] = (value, self.size - before)
        return value

    def alias(self, node: Any, value: Any, size: int) -> Any:
        self.aliases += 1
        self.size += size
        if self.aliases > MAX_ALIASES or self.size > MAX_VALUES:
            self.stopped = True
            limit = f"{MAX_ALIASES:,} aliases" if self.aliases > MAX_ALIASES else f"{MAX_VALUES:,} values"
            self.problem(node, "yaml-aliases", f"aliases in this document expand to more than {limit}", "write it out")
            return None
        return value

    def scalar(self, node: Any) -> Any:
        if node.tag == _PLAIN:
            try:
                return resolve(node.value)
            except ScalarRefused as error:
                self.problem(node, "number", str(error), "write a smaller number, or put it in quotes")
                return None
        self.tag(node)
        return node.value

    def tag(self, node: Any) -> None:
        if node.tag not in _PLAIN_TAGS:
            shown = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.problem(node, "yaml-tag", f"the tag {shown!r} is not allowed", "remove the tag; quote a text")

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        places: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                remedy = "write a plain name; put a template in quotes: '{{ name }}'"
                self.problem(key_node, "yaml-key", "a key must be a text, not a list or map", remedy)
                continue
            if key_node.tag == _PLAIN and key_node.value == "<<":
                merged += self.merged(value_node, depth)
                continue
            key = key_node.value
            if key in own:
                first = _at(self.file, places[key])
                said = f"the key {key!r} stands twice, first at {first}"
                self.problem(key_node, "duplicate-key", said, "keep one of the two")
                continue
            own[key] = self.value(value_node, depth + 1)
            places[key] = key_node
        for source in merged:
            for key, value in source.items():
                own.setdefault(key, value)
        return own

    def merged(self, node: Any, depth: int) -> list[dict[str, Any]]:
        value = self.value(node, depth + 1)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            if not self.stopped and value is not None:
                self.problem(node, "yaml-merge", "'<<' takes a map or a list of maps", "refer to a map: <<: *name")
            return []
        return sources


def _child(node: Any, part: str | int) -> tuple[Any, Any] | None:
    """(key node, value node) under a node; merged maps are looked into after the node's own keys."""
    if node is None or node.id == "scalar":
        return None
    if node.id == "sequence":
        return (None, node.value[part]) if isinstance(part, int) and part < len(node.value) else None
    for key_node, value_node in node.value:
        if key_node.value == part:
            return key_node, value_node
    for key_node, value_node in node.value:
        if key_node.value == "<<":
            for source in value_node.value if value_node.id == "sequence" else [value_node]:
                if source is not node and (found := _child(source, part)):
                    return found
    return None


def _at(file: str, node: Any) -> Position:
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _word_column(row: str, word: str, start: int) -> int:
    """The column (from 1) of `word` as a whole word in `row`, inside a template's braces if it can; 0: none."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)") if word else re.compile(r"\{[{%]")
    for opening in re.finditer(r"\{[{%].*?(?:[%}]\}|$)", row[start - 1 :]):
        if inside := pattern.search(opening.group()):
            return start + opening.start() + inside.start()
    anywhere = pattern.search(row, start - 1)
    return anywhere.start() + 1 if anywhere else 0


def _syntax_problem(file: str, text: str, error: Any) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    rows = text.split("\n")
    row = rows[line] if line < len(rows) else ""
    indent = row[: len(row) - len(row.lstrip())]
    where = Position(file, line + 1, column + 1)
    if "\t" in indent:
        where = Position(file, line + 1, indent.index("\t") + 1)
        return Problem(position=where, message="a tab is used to indent", code="yaml-tab", remedy="indent with spaces")
    context = f"{error.context}: " if error.context else ""
    said = f"{context}{error.problem}".replace("found character '\\t' that", "a tab")
    if error.problem == "did not find expected ',' or '}'" and "{{" in row:
        where = Position(file, line + 1, row.index("{{") + 1)
        return Problem(position=where, message="a template must be quoted here", code="yaml-syntax",
                       remedy='write "{{ name }}" with quotes, or use a block: prompt: |')  # fmt: skip
    remedies = {
        "found undefined alias": "define the anchor (&name) before it is used",
        "mapping values are not allowed in this context": "put a text that holds ': ' in quotes",
    }
    remedy = remedies.get(error.problem, "check the indentation, and put texts with special characters in quotes")
    return Problem(position=where, message=f"this is not valid YAML: {said}", code="yaml-syntax", remedy=remedy)
