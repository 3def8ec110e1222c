"""Edits of entries: a value replaced, entries added or taken out, in blocks and in brackets.

Comments on lines of their own stay, whatever becomes of what they stand in; one behind a value goes only with it.
Edits of neighbours never overlap: rows are taken out with the line end before them, and put in at a line's end.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from interact_gitops.jobs.writing.comments import last_row
from interact_gitops.jobs.writing.edits import Edit
from interact_gitops.jobs.writing.parts import Entry, Part, Text, content_start
from interact_gitops.jobs.writing.rendering import Path, entry, field_order, flow
from interact_gitops.jobs.writing.texts import STEP, scalar

_HEADER = re.compile(r"[|>][-+0-9]*")
_COLON = re.compile(r"[ \t]*:")


def replaced(text: Text, holder: Part, one: Entry, value: Any, path: Path, *, open_end: bool) -> Iterator[Edit]:
    """The entry `one` of `holder` with another value. `open_end`: see `rendering.entry`."""
    old, lead_end = one.value, _lead_end(text, one)
    if holder.style:
        start = max(lead_end, old.start)
        new = flow(value, path) + _kept_in_brackets(text, start, old.end)
        close = one.key is not None and start == lead_end  # nothing between the colon and the value
        yield start, max(start, old.end), " " + new if close else new
        return
    lead = text.text[one.start : lead_end]
    lines = entry(lead, value, holder.column, path, open_end=open_end)
    new, below = lines[0][holder.column + len(lead) + 1 :], lines[1:]
    if isinstance(value, str) and not below and old.style in {"'", '"'}:
        new = scalar(value, quote=True)
    token_start, token_end = _token(text, one, lead_end)
    if not new or below or token_start == lead_end:  # rows below a dash stand two columns from it
        yield lead_end, token_end, f" {new}" if new else ""
    else:
        yield token_start, token_end, new
    first, last = text.line(token_end), _tail(text, holder, one)
    if not below and first == text.line(one.end) and text.line(token_start) == first:
        return
    comments = _comments(text, holder, text.line(one.start) + 1, last)
    inside = [" " * STEP + comment for comment in comments]
    below = [*below, *comments] if new.startswith("|") else [*inside, *below]  # in a text they would be part of it
    last = _after_blank_rows(text, last) if below[-1:] == [""] else last
    yield text.line_end(token_end), max(text.line_end(token_end), text.row_end(last)), _rows(below)


def taken_out(text: Text, holder: Part, gone: Collection[int]) -> Iterator[Edit]:
    """The entries with these numbers removed; at least one stays."""
    if not gone:
        return
    if holder.style:
        yield from _taken_out_of_brackets(text, holder, gone)
        return
    numbers = sorted(gone)
    if numbers[0] == 0 and _behind_dash(text, holder):
        following = next(number for number in range(len(holder.entries)) if number not in gone)
        numbers = [number for number in numbers if number > following]
        start, end = holder.entries[0].start, holder.entries[following].start
        below = text.row_end(_tail(text, holder, holder.entries[following]))
        yield start, end, ""
        yield below, below, _rows(_comments(text, holder, text.line(start), text.line(end)))
    for number in numbers:
        one = holder.entries[number]
        first, last = text.line(one.start), _tail(text, holder, one)
        kept = _comments(text, holder, first, last)
        if first:
            yield text.starts[first] - 1, text.row_end(last), _rows(kept)
        else:
            yield 0, min(text.row_end(last) + 1, len(text.text)), "".join(row + "\n" for row in kept)


def put_in(
    text: Text,
    holder: Part,
    new: Sequence[tuple[int, str | None, Any]],
    gone: Collection[int],
    path: Path,
    *,
    open_end: bool,
) -> Iterator[Edit]:
    """Entries added: each (the number of the entry that it comes after, -1 for none; its name; its value).

    Those in `gone` are being taken out, and at least one entry stays.
    """
    for after, name, value in new:
        while after >= 0 and after in gone:
            after -= 1  # noqa: PLW2901  # the nearest one that stays
        place = (*path, name if name is not None else after + 1)
        if holder.style:
            yield _put_in_brackets(holder, after, name, value, gone, place)
            continue
        rows = entry("-" if name is None else f"{scalar(name)}:", value, holder.column, place, open_end=open_end)
        if after >= 0:
            last = _tail(text, holder, holder.entries[after])
            end = text.row_end(_after_blank_rows(text, last) if not rows[-1] else last)
            yield text.row_end(last), end, _rows(rows)
        else:
            start = text.line_start(holder.entries[0].start)
            yield (start - 1, start - 1, _rows(rows)) if start else (0, 0, "\n".join(rows) + "\n")


def predecessor(holder: Part, name: str, path: Path) -> int:
    """The number of the entry after which a new one comes: in canonical order, else last; -1 for first of all."""
    order = field_order(path)
    if order is None:
        return len(holder.entries) - 1
    before = [
        number
        for number, one in enumerate(holder.entries)
        if one.name is None or order.get(one.name, len(order)) < order.get(name, len(order))
    ]
    return before[-1] if before else -1


def _comments(text: Text, holder: Part, first: int, last: int) -> list[str]:
    """The comments on rows of their own from row `first` to `last`, at the column of the entries."""
    indent = " " * holder.column
    return [indent + text.comment_rows[row] for row in range(first, last + 1) if row in text.comment_rows]


def _rows(rows: Sequence[str]) -> str:
    return "".join("\n" + row for row in rows)


def _lead_end(text: Text, one: Entry) -> int:
    """Where what names an entry ends: after its colon, or its dash."""
    if one.key is None:
        return one.start + (text.text[one.start] == "-" and one.value.start != one.start)
    colon = _COLON.match(text.text, one.key.end)
    return colon.end() if colon else one.key.end


def _token(text: Text, one: Entry, lead_end: int) -> tuple[int, int]:
    """(start, end) of what stands for a value on its first row: all of it, a header, or nothing yet."""
    old = one.value
    if old.end <= lead_end or text.line(old.start) > text.line(lead_end):
        return lead_end, lead_end
    if old.is_block:  # behind a dash, or an anchor and then rows below
        begun = text.line(content_start(text.text, old)) == text.line(lead_end)
        return lead_end, text.line_end(lead_end) if begun else _end_of_anchor(text, old)
    if old.style in {"|", ">"}:
        start = content_start(text.text, old)
        header = _HEADER.match(text.text, start)
        return lead_end, header.end() if header else start
    return old.start, old.end


def _end_of_anchor(text: Text, old: Part) -> int:
    """Where an anchor that stands alone on its row ends."""
    end = text.text.find(" ", old.start, text.line_end(old.start))
    return text.line_end(old.start) if end < 0 else end


def _tail(text: Text, holder: Part, one: Entry) -> int:
    """The last row of an entry, with the comments inside it."""
    return last_row(text.rows, text.line(one.end), len(text.rows), holder.column + 1)


def _after_blank_rows(text: Text, row: int) -> int:
    """The last of the blank rows below: they would become part of a text that ends with blank rows of its own."""
    while row + 1 < len(text.rows) - 1 and not text.rows[row + 1].strip(" \t"):
        row += 1
    return row


def _behind_dash(text: Text, holder: Part) -> bool:
    """Whether a map begins on the row of its dash."""
    start = holder.entries[0].start
    return bool(text.text[text.line_start(start) : start].strip(" "))


def _kept_in_brackets(text: Text, start: int, end: int) -> str:
    """The comments on rows of their own between two places in brackets, where rows may begin and end anywhere."""
    rows = range(text.line(start) + 1, text.line(end) + 1)
    kept = [text.rows[row] for row in rows if row in text.comment_rows and text.starts[row] < end]
    return _rows([*kept, ""]) if kept else ""


def _taken_out_of_brackets(text: Text, holder: Part, gone: Collection[int]) -> Iterator[Edit]:
    entries = holder.entries
    numbers = sorted(gone)
    while numbers:
        first = last = numbers.pop(0)
        while numbers and numbers[0] == last + 1:
            last = numbers.pop(0)
        if last + 1 < len(entries):
            start, end = entries[first].start, entries[last + 1].start
        else:
            start, end = entries[first - 1].end, entries[last].end
        yield start, end, _kept_in_brackets(text, start, end)


def _put_in_brackets(holder: Part, after: int, name: str | None, value: Any, gone: Collection[int], path: Path) -> Edit:
    shown = flow(value, path) if name is None else f"{scalar(name, flow=True)}: {flow(value, path)}"
    if after >= 0:
        end = holder.entries[after].end
        return end, end, f", {shown}"
    first = next(one for number, one in enumerate(holder.entries) if number not in gone)
    return first.start, first.start, f"{shown}, "
