"""The canonical layout of a definitions file: what `fmt` makes of a text.

Fields in the order of the schema, double quotes (single ones where they spare escapes), two columns for what is
inside, no blanks at line ends, one line end at the end. Line breaks, blank lines, columns lined up by hand and
comments are people's own, and stay. Comments above a field go where it goes; those at the top of a document stay there.

Each step is taken only if the text means the same after it: the same values, and every comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interact_gitops.errors import Problem
from interact_gitops.jobs.source import Document, read_documents
from interact_gitops.jobs.writing.files import decode
from interact_gitops.jobs.writing.indenting import indented
from interact_gitops.jobs.writing.ordering import ordered
from interact_gitops.jobs.writing.parts import Text
from interact_gitops.jobs.writing.rendering import field_order
from interact_gitops.jobs.writing.texts import quoted

_PLAIN_ESCAPES = re.compile(r'(?:[^"\\]|\\["\\])*\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A file in canonical layout; `problems` are why a file has none: its YAML cannot be read."""

    raw: bytes
    problems: tuple[Problem, ...] = ()


def format_file(file: str, raw: bytes) -> Formatted:
    """`raw` in canonical layout, with the same values and comments. `file` is the name shown in problems.

    Line ends stay CRLF where all of them are (a checkout's setting), and become LF where they are mixed; a byte order
    mark goes.
    """
    documents, problems = read_documents(file, raw)
    if problems:
        return Formatted(raw=raw, problems=tuple(problems))
    text, ends = decode(raw)
    return Formatted(raw=replace(ends, mark=False).encode(format_text(text, documents)))


def format_text(text: str, documents: Sequence[Document]) -> str:
    """The canonical layout of a text with LF line ends that reads as `documents`."""
    steps: tuple[Callable[[Text], str], ...] = (_trimmed, _requoted, indented, ordered)
    kept: tuple[Any, ...] | None = None
    taken = Text(text)
    for step in steps:
        tried = step(taken)
        if tried != taken.text:
            kept = kept or (meaning(documents), sorted(taken.comments()))
            found, problems = read_documents("", tried.encode())
            made = Text(tried) if not problems else taken
            if not problems and (meaning(found), sorted(made.comments())) == kept:
                taken = made
    return taken.text


def meaning(documents: Sequence[Document]) -> str:
    """What documents say, in a form that tells 1, 1.0 and true apart, and knows where the order of names counts."""
    return repr([_ordered_value(document.value, ()) for document in documents])


def _ordered_value(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, dict):
        names = list(value) if field_order(path) is None else sorted(value)
        return {name: _ordered_value(value[name], (*path, name)) for name in names}
    if isinstance(value, list):
        return [_ordered_value(item, (*path, index)) for index, item in enumerate(value)]
    return value


def _requoted(text: Text) -> str:
    """Quotes of the canonical kind around every quoted text of one line."""
    made, at = [], 0
    for leaf in text.scalars():
        if leaf.style not in {"'", '"'} or leaf.anchored:
            continue
        shown = text.text[leaf.start : leaf.end]
        if "\n" in shown or (leaf.style == '"' and not _PLAIN_ESCAPES.match(shown[1:-1])):
            continue
        made += [text.text[at : leaf.start], quoted(leaf.text) if leaf.text.isprintable() else shown]
        at = leaf.end
    return "".join([*made, text.text[at:]])


def _trimmed(text: Text) -> str:
    """No blanks at line ends outside of texts, and one line end at the end."""
    rows, last = text.text.split("\n"), 0
    held: set[int] = set()
    for leaf in text.scalars():
        begin, end = text.line(leaf.start), text.line(leaf.end)
        last = end if leaf.end > leaf.start else last  # an empty value at the end of a text stands on no row
        in_block = leaf.style in {"|", ">"}
        # Blanks at the end of its last row are a block's own, and nobody's behind a quote.
        held.update(range(begin + in_block, end + in_block))
    rows = [row if number in held else row.rstrip(" \t") for number, row in enumerate(rows)]
    while len(rows) > last + 1 and not rows[-1]:
        rows.pop()
    return "\n".join(rows) + "\n" if any(rows) else text.text
