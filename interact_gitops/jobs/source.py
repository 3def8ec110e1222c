"""Strict YAML: bytes → documents with a position for every value, every problem reported.

Only this package turns nodes into values, because the stock constructors accept duplicate keys,
explicit tags and unbounded aliases in silence. Nothing here touches the disk.
"""

from __future__ import annotations

import re
from typing import Any

from interact_gitops.errors import Position, Problem
from interact_gitops.jobs.composing import MAX_DEPTH, PLAIN, TAGS, alias_position, compose, too_deep, unquoted_template
from interact_gitops.jobs.faults import shown
from interact_gitops.jobs.positions import Document, Source, index_position, is_merge, node_position
from interact_gitops.jobs.scalars import ScalarRefused, control_character, resolve

MAX_BYTES = 1_048_576
MAX_ALIASES = 1_000
MAX_EXPANSION = 100_000  # values that a file's aliases stand for: what a billion-laughs file is caught by
MAX_DOCUMENTS = 1_000
MAX_PROBLEMS = 200
Path = tuple[str | int, ...]

__all__ = ["MAX_BYTES", "MAX_PROBLEMS", "Document", "Path", "read_documents"]

# What an editor does not show, or shows elsewhere: control characters, YAML 1.1's other line breaks
# (a comment would end at one), marks that turn the direction of text, and what YAML does not allow.
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)")
_SEEN = bytes([*b"\t\n", *range(0x20, 0x7F)])


def read_documents(file: str, raw: bytes) -> tuple[list[Document], list[Problem]]:
    """The documents of one file and everything wrong with its YAML; both may be non-empty.

    `file` is the name shown in positions. A file that cannot be parsed gives what came before the fault.
    """
    if len(raw) > MAX_BYTES:
        said = f"the file is larger than {MAX_BYTES // 1024:,} KiB"
        return [], [Problem(position=Position(file), message=said, code="file-size",
                            remedy="split it into several files")]  # fmt: skip
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [_encoding_problem(file, raw, error)]
    # Bytes are looked through faster than text, and most files are ASCII.
    if raw.translate(None, _SEEN) and (unseen := UNSEEN.search(text)):
        return [], [_unseen_problem(file, text, unseen.start())]
    return _documents(file, text)


def _documents(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    from interact_gitops.jobs.plain import read_plainly

    source = Source(file, text)
    plain = read_plainly(text, MAX_DOCUMENTS)
    if plain is None:
        return _judged_documents(source)
    return [
        Document(source=source, value=value, number=number, start=Position(file, line, column))
        for number, (value, line, column) in enumerate(plain)
    ], []


def _judged_documents(source: Source) -> tuple[list[Document], list[Problem]]:
    """The documents of a file, and each of its problems where it stands."""
    file, text = source.file, source.text
    problems: list[Problem] = []
    construction = _Construction(file, text, problems)
    documents: list[Document] = []
    for node in compose(file, text, problems):
        if len(documents) == MAX_DOCUMENTS:
            said = f"the file has more than {MAX_DOCUMENTS:,} documents"
            problems.append(Problem(position=node_position(file, node), message=said, code="file-size",
                                    remedy="split it into several files"))  # fmt: skip
            break
        value = construction.document(node)
        if construction.stopped:  # what was read of this document is not what was meant
            break
        source.roots.append(node)
        start = node_position(file, node)
        documents.append(Document(source=source, value=value, number=len(documents), start=start))
    return documents, problems


def _encoding_problem(file: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    line_start = raw.rfind(b"\n", 0, error.start) + 1
    column = len(raw[line_start : error.start].decode("utf-8-sig" if line_start == 0 else "utf-8", "replace")) + 1
    where = Position(file, raw.count(b"\n", 0, error.start) + 1, column)
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    said = "the file is UTF-16, not UTF-8" if wide else f"the file is not UTF-8 text (byte 0x{raw[error.start]:02x})"
    return Problem(position=where, message=said, code="encoding", remedy="save it as UTF-8")


def _unseen_problem(file: str, text: str, index: int) -> Problem:
    character = text[index]
    where = index_position(file, text, index)
    if character == "\x00" and index == text.find("\x00") <= 1:
        said = "the file holds NUL characters: it is UTF-16 or not a text"
        return Problem(position=where, message=said, code="encoding", remedy="save it as UTF-8")
    said = f"the file holds the invisible character U+{ord(character):04X}"
    remedy = f'remove it; in a text in double quotes, write "\\u{ord(character):04X}"'
    if control_character(character):
        remedy = "remove it"
    return Problem(position=where, message=said, code="unseen-character", remedy=remedy)


class _Construction:
    """Builds the values of a file's documents; a node reached again is an alias, and is not walked again."""

    def __init__(self, file: str, text: str, problems: list[Problem]) -> None:
        self.file = file
        self.text = text
        self.problems = problems
        self.anchored = "&" in text  # without anchors no scalar needs to be remembered
        self.built: dict[int, tuple[Any, int, int]] = {}  # node id → (value, values it stands for, levels)
        self.open: set[int] = set()
        self.aliases = 0
        self.expanded = 0
        self.size = 0
        self.levels = 0  # how deep the finished parts of the value being built go
        self.stopped = False

    def document(self, node: Any) -> Any:
        # Anchors end with their document; the limits are the file's, which may have a thousand documents.
        self.built.clear()
        self.size = 0
        return self.value(node, 1)

    def problem(self, node: Any, code: str, message: str, remedy: str | None = None, *, alias: bool = False) -> None:
        where = node_position(self.file, node)
        if alias:
            where = alias_position(self.file, self.text, self.aliases)
        self.problems.append(Problem(position=where, message=message, code=code, remedy=remedy))
        self.stopped |= len(self.problems) > MAX_PROBLEMS

    def value(self, node: Any, depth: int) -> Any:
        if self.stopped:
            return None
        identity = id(node)
        if self.anchored:
            if identity in self.open:
                self.aliases += 1
                self.stopped = True
                said = "this alias refers to a value that contains it"
                self.problem(node, "yaml-cycle", said, "write the value out", alias=True)
                return None
            if identity in self.built:
                return self.alias(node, depth)
        self.size += 1
        if node.id == "scalar":
            value = self.scalar(node)
            if self.anchored:
                self.built[identity] = (value, 1 + len(node.value) // 100, 0)
            return value
        if depth > MAX_DEPTH:
            self.stopped = True
            self.problems.append(too_deep(node_position(self.file, node)))
            return None
        self.tag(node)
        size, levels = self.size, self.levels
        self.open.add(identity)
        self.levels = 0
        value = self.mapping(node, depth) if node.id == "mapping" else [self.value(n, depth + 1) for n in node.value]
        self.open.discard(identity)
        self.built[identity] = (value, 1 + self.size - size, self.levels + 1)
        self.levels = max(levels, self.levels + 1)
        return value

    def alias(self, node: Any, depth: int) -> Any:
        value, size, levels = self.built[id(node)]
        self.aliases += 1
        self.expanded += size
        self.size += size
        self.levels = max(self.levels, levels)
        if self.aliases > MAX_ALIASES or self.expanded > MAX_EXPANSION:
            self.stopped = True
            limit = f"{MAX_ALIASES:,} aliases" if self.aliases > MAX_ALIASES else f"{MAX_EXPANSION:,} values in aliases"
            self.problem(node, "yaml-aliases", f"the file has more than {limit}",
                         "write values out, or use _defaults.yaml", alias=True)  # fmt: skip
            return None
        if depth + levels - 1 > MAX_DEPTH:
            self.stopped = True
            self.problems.append(too_deep(node_position(self.file, node)))
            return None
        return value

    def scalar(self, node: Any) -> Any:
        if node.tag == PLAIN:
            try:
                return resolve(node.value)
            except ScalarRefused as error:
                self.problem(node, "number", str(error), "write a number that fits, or put it in quotes")
                return None
        self.tag(node)
        if node.style == '"' and (found := control_character(node.value)):
            self.problem(node, "unseen-character", f"this text holds the control character U+{ord(found):04X}",
                         "leave it out")  # fmt: skip
        return node.value

    def tag(self, node: Any) -> None:
        if node.tag not in TAGS:
            shown = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.problem(node, "yaml-tag", f"the tag {shown!r} is not allowed", "remove the tag; quote a text")

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        places: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key_node, value_node in node.value:
            if key_node.id != "scalar":
                self.not_a_key(key_node)
                continue
            if is_merge(key_node):
                merged += self.merged(value_node, depth)
                continue
            if key_node.tag != PLAIN:
                self.scalar(key_node)
            if self.anchored:
                self.aliases += id(key_node) in self.built
                self.built.setdefault(id(key_node), (key_node.value, 1, 0))
            key = key_node.value
            if key in own:
                self.twice(key_node, key, places[key])
                continue
            own[key] = self.value(value_node, depth + 1)
            places[key] = key_node
        for source in merged:
            for key, value in source.items():
                own.setdefault(key, value)
        return own

    def not_a_key(self, node: Any) -> None:
        index = node.start_mark.index - 1
        if self.text.startswith("{{", index):
            where = index_position(self.file, self.text, index)
            self.problems.append(unquoted_template(where))
        else:
            said = "a key must be a text, not a list or map"
            self.problem(node, "yaml-key", said, "write a plain name, in quotes if it has brackets")

    def twice(self, node: Any, key: str, first: Any) -> None:
        said = f"the key {shown(key)} stands twice, first at {node_position(self.file, first)}"
        self.problem(node, "duplicate-key", said, "keep one of the two")

    def merged(self, node: Any, depth: int) -> list[dict[str, Any]]:
        value = self.value(node, depth + 1)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            if not self.stopped and value is not None:
                self.problem(node, "yaml-merge", "'<<' takes a map or a list of maps", "refer to a map: <<: *name")
            return []
        return sources
