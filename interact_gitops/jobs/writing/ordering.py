"""The fields of every map in canonical order, each with its comments."""

from __future__ import annotations

from collections.abc import Iterator

from interact_gitops.jobs.writing.comments import last_row
from interact_gitops.jobs.writing.edits import Edit, applied
from interact_gitops.jobs.writing.parts import Part, Text
from interact_gitops.jobs.writing.rendering import Path, field_order


def ordered(text: Text) -> str:
    """The text with its fields in order. Lines move whole, so that every map keeps the lines that it has."""
    made = applied(text.text, (edit for root in text.roots for edit in _flow_edits(text, root, ())))
    rows = made.split("\n")
    for root in text.roots:
        _arrange(text, rows, root, ())
    return "\n".join(rows)


def _permutation(part: Part, path: Path) -> list[int] | None:
    """The entries' numbers in canonical order; None where they stand so, or have to stand as they do."""
    order = field_order(path)
    if part.kind != "map" or order is None:
        return None
    places = [-1 if entry.merges else order.get(entry.name or "", len(order)) for entry in part.entries]
    if places == sorted(places):
        return None
    anchors = {number for number, entry in enumerate(part.entries) if _has(entry.value, anchor=True)}
    aliases = {number for number, entry in enumerate(part.entries) if _has(entry.value, anchor=False)}
    if any(one != other for one in anchors for other in aliases):
        return None  # an alias comes after its anchor
    return sorted(range(len(places)), key=places.__getitem__)


def _has(part: Part, *, anchor: bool) -> bool:
    if part.anchored if anchor else part.kind == "alias":
        return True
    return any(_has(entry.value, anchor=anchor) for entry in part.entries)


def _below(part: Part, path: Path) -> Iterator[tuple[Part, Path]]:
    for number, entry in enumerate(part.entries):
        yield entry.value, (*path, number if part.kind == "list" else entry.name or "<<")


def _flow_edits(text: Text, part: Part, path: Path) -> Iterator[Edit]:
    """Maps in brackets on one line: their entries change places, what stands between them stays."""
    if part.style != "{":
        for value, below in _below(part, path):
            yield from _flow_edits(text, value, below)
        return
    permutation = _permutation(part, path)
    if permutation is not None and "\n" not in text.text[part.start : part.end]:
        shown = [text.text[entry.start : entry.end] for entry in part.entries]
        for entry, number in zip(part.entries, permutation, strict=True):
            yield entry.start, entry.end, shown[number]


def _arrange(text: Text, rows: list[str], part: Part, path: Path) -> None:
    """Order the block maps in a part, the inner ones first; a map's rows stay its own."""
    for value, below in _below(part, path):
        _arrange(text, rows, value, below)
    permutation = _permutation(part, path) if part.is_block else None
    if permutation is None:
        return
    chunks = _chunks(text, rows, part, nested=bool(path))
    first = text.line(part.entries[0].start)
    lead = rows[first][: part.column]
    if lead.strip(" "):  # begins behind the dash of a list
        rows[first] = " " * part.column + rows[first][part.column :]
    begin, end = chunks[0][0], chunks[-1][1]
    moved = [rows[start:stop] for start, stop in (chunks[number] for number in permutation)]
    _give_blank_rows(moved, permutation)
    if lead.strip(" "):
        if moved[0][0][: part.column].strip(" ") or moved[0][0].lstrip(" ").startswith("#"):
            rows[first] = lead + rows[first][part.column :]
            return  # a comment would have to stand behind the dash
        moved[0][0] = lead + moved[0][0][part.column :]
    rows[begin:end] = [row for chunk in moved for row in chunk]


def _chunks(text: Text, rows: list[str], part: Part, *, nested: bool) -> list[tuple[int, int]]:
    """(first row, row after the last) of each entry, with the comments above it; they follow each other without a
    gap. What stands above the first field of a document is the document's own."""
    firsts = [text.line(entry.start) for entry in part.entries]
    limits = [*firsts[1:], len(rows)]
    ends = [
        last_row(rows, text.line(entry.end), limit, part.column + 1) + 1
        for entry, limit in zip(part.entries, limits, strict=True)
    ]
    begin = firsts[0]
    while nested and begin and rows[begin - 1].lstrip(" ").startswith("#"):
        begin -= 1
    return list(zip([begin, *ends[:-1]], ends, strict=True))


def _give_blank_rows(moved: list[list[str]], permutation: list[int]) -> None:
    """Blank rows above what is now first go to what was: they divide, and there is nothing to divide there."""
    former = permutation.index(0)
    while former and moved[0] and not moved[0][0].strip(" \t"):
        moved[former].insert(0, moved[0].pop(0))
