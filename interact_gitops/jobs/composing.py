"""Text → YAML nodes, by PyYAML's C parser, in words that say what to mend.

Two things the parser does not do are done here: it recurses on the C stack once per level, so that
deep nesting would end the process, and its messages are about its own state.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import Position, Problem

if TYPE_CHECKING:
    from yaml import Node

MAX_DEPTH = 64
PLAIN = "!plain"
TEXT, MAP, LIST = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
TAGS = frozenset({PLAIN, TEXT, MAP, LIST})


class _TooDeepError(Exception):
    """Stops the parser before it uses up the C stack."""


def compose(file: str, text: str, problems: list[Problem]) -> Iterator[Node]:
    """The root node of each document; what ends the reading is added to `problems`."""
    import yaml

    loader = loader_class()(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    except _TooDeepError:
        problems.append(too_deep(_first_too_deep(file, text)))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(file, text, error))
    finally:
        loader.dispose()


@functools.cache
def loader_class() -> type[Any]:
    """The C loader with one resolver for all: a plain scalar is `!plain`, an explicit tag shows as itself."""
    import yaml

    tags = {yaml.ScalarNode: TEXT, yaml.MappingNode: MAP, yaml.SequenceNode: LIST}

    class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
        depth = 0

        def descend_resolver(self, _parent: object, _index: object) -> None:
            # The parser calls this before every node that it composes.
            self.depth += 1
            if self.depth > MAX_DEPTH + 1:
                raise _TooDeepError

        def ascend_resolver(self) -> None:
            self.depth -= 1

        def resolve(self, kind: type[Node], _value: Any, implicit: Any) -> str:
            plain = kind is yaml.ScalarNode and implicit[0]
            return PLAIN if plain else tags[kind]

    return StrictLoader


def _first_too_deep(file: str, text: str) -> Position:
    """Where the values nest too deep, found from events: their parser does not recurse."""
    import yaml

    def events() -> Iterator[Any]:
        depth = 0
        for event in yaml.parse(text, Loader=loader_class()):  # pragma: no branch  # it does nest that deep
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                yield event

    return _place(file, next(events()).start_mark)


def alias_position(file: str, text: str, number: int) -> Position:
    """Where alias `number` (from 1) of a file stands; a node knows only its anchor's place."""
    import yaml

    aliases = (event for event in yaml.parse(text, Loader=loader_class()) if isinstance(event, yaml.AliasEvent))
    return _place(file, next(islice(aliases, number - 1, None)).start_mark)


def _place(file: str, mark: Any) -> Position:
    return Position(file, mark.line + 1, mark.column + 1)


def unquoted_template(where: Position) -> Problem:
    """A value begins with `{{`, which is a map in a map to YAML."""
    return Problem(position=where, message="a template that begins a value must be quoted", code="yaml-syntax",
                   remedy='write "{{ name }}" with quotes, or use a block: prompt: |')  # fmt: skip


def too_deep(where: Position) -> Problem:
    """Values nest deeper than can be read."""
    said = f"values nest deeper than {MAX_DEPTH} levels"
    return Problem(position=where, message=said, code="yaml-depth", remedy="flatten them")


def _syntax_problem(file: str, text: str, error: Any) -> Problem:
    mark = error.problem_mark or error.context_mark
    rows = [row.removesuffix("\r") for row in text.split("\n")]
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line >= len(rows):  # the parser ends a last line that has no end
        line, column = len(rows) - 1, len(rows[-1])
    where = Position(file, line + 1, min(column, len(rows[line])) + 1)
    return _known_mistake(where, rows, error) or _unknown_mistake(where, error)


def _known_mistake(where: Position, rows: list[str], error: Any) -> Problem | None:
    """The mistakes that people make in job files, in their own words."""
    file, line = where.file, where.line
    row = rows[line - 1]
    indent = row[: len(row) - len(row.lstrip())]
    if "\t" in indent:
        where = Position(file, line, indent.index("\t") + 1)
        return Problem(position=where, message="a tab is used to indent", code="yaml-tab", remedy="indent with spaces")
    if error.problem in {"did not find expected ',' or '}'", "did not find expected key"} and "{{" in row:
        where = Position(file, line, row.index("{{") + 1)
        return unquoted_template(where)
    if error.problem in _MISTAKES:
        code, said, remedy = _MISTAKES[error.problem]
        return Problem(position=where, message=said, code=code, remedy=remedy)
    if error.problem == "found unexpected end of stream" and error.context == "while scanning a quoted scalar":
        return Problem(position=_place(file, error.context_mark), message="this quote is never closed",
                       code="yaml-syntax", remedy="write the closing quote")  # fmt: skip
    return None


_MISTAKES = {
    "mapping values are not allowed in this context": (
        "yaml-syntax",
        "a colon followed by a space makes this text a key",
        "put a text that holds ': ' in quotes, or check the indentation",
    ),
    "found undefined alias": (
        "yaml-alias",
        "this alias refers to an anchor that the document does not have",
        "define the anchor (&name) before it is used",
    ),
    "found incompatible YAML document": (
        "yaml-syntax",
        "this version of YAML is not known",
        "remove the %YAML line",
    ),
}


def _unknown_mistake(where: Position, error: Any) -> Problem:
    began = error.context_mark
    earlier = began and began.line + 1 < where.line  # both may be past the last line, and where is on it
    since = f" (begun on line {began.line + 1})" if earlier else ""
    context = f"{error.context}{since}: " if error.context else ""
    return Problem(position=where, message=f"this is not valid YAML: {context}{error.problem}", code="yaml-syntax",
                   remedy="check the indentation, and put texts with special characters in quotes")  # fmt: skip
