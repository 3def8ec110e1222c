"""What is inside stands two columns to the right of what it is in."""

from __future__ import annotations

from collections.abc import Iterator

from interact_gitops.jobs.writing.comments import indent_of, last_row
from interact_gitops.jobs.writing.edits import Edit, applied
from interact_gitops.jobs.writing.parts import Entry, Part, Text
from interact_gitops.jobs.writing.texts import STEP


def indented(text: Text) -> str:
    """The text with canonical indentation. Rows move as a whole, those inside of texts too, with what they are in."""
    rows = text.text.split("\n")
    shifts: dict[int, int] = {}
    gaps: list[Edit] = []
    for root in text.roots:
        if root.is_block:
            _shift(text, rows, root, 0, shifts)
            gaps += _gaps(text, root)
    return applied(text.text, [*gaps, *_moves(text, rows, shifts)])


def _moves(text: Text, rows: list[str], shifts: dict[int, int]) -> Iterator[Edit]:
    for number, shift in shifts.items():
        if shift and rows[number]:
            start, indent = text.starts[number], indent_of(rows[number])
            yield start, start + indent, " " * max(0, indent + shift)


def _shift(text: Text, rows: list[str], part: Part, column: int, shifts: dict[int, int]) -> None:
    """By how much each row of a block collection moves, so that it begins at `column`."""
    first = text.line(part.entries[0].start)
    last = last_row(rows, text.line(part.end), len(rows), part.column)
    for number in range(first, last + 1):
        # The row of a dash moves with its list, which has said so already.
        if number > first or not rows[number][: part.column].strip(" "):
            shifts[number] = column - part.column
    for entry in part.entries:
        value = entry.value
        if value.is_block:
            begin, inside = text.line(entry.start), text.line(value.entries[0].start)
            for number in range(begin + 1, inside):  # comments above what is inside
                shifts[number] = column + STEP - value.column
            _shift(text, rows, value, column + STEP, shifts)


def _gaps(text: Text, part: Part) -> Iterator[Edit]:
    """One space after every dash."""
    for entry in part.entries:
        if part.kind == "list" and part.is_block and text.line(entry.start) == text.line(entry.value.start):
            yield from _gap(text, entry)
        if entry.value.is_block:
            yield from _gaps(text, entry.value)


def _gap(text: Text, entry: Entry) -> Iterator[Edit]:
    after = entry.start + 1
    between = text.text[after : entry.value.start]
    if len(between) > 1 and not between.strip(" "):
        yield after, entry.value.start, " "
