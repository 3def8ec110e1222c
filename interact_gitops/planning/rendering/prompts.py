"""Prompts before and after: line by line, with the words that changed marked and a little of what stays around them.

The marks are those of wdiff, `[-gone-]` and `{+new+}`, and grow a dash or a plus where a prompt has them itself:
no text can pass for a mark. On a terminal the command line shows colours in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interact_gitops.planning.rendering.difference import Allowance, Piece, Row, Run, rows, runs
from interact_gitops.planning.rendering.styled import Detail, line, statement

CONTEXT = 2  # unchanged lines around what changes
AROUND = 60  # unchanged characters around a change inside a long line
MOST_ROWS = 40  # changed lines of one prompt
MOST_CHARACTERS = 600  # of one changed passage of a line
KEPT_CHARACTERS = 100  # of an unchanged line
_THICKEST = 6
_STYLES: Mapping[str, str] = {" ": "dim", "-": "removed", "+": "added"}

Prompt = Mapping[str, Any]
_Marks = tuple[str, str] | None  # before and after what changed


def prompt_details(before: Sequence[Prompt], after: Sequence[Prompt], *, full: bool = False) -> Iterator[Detail]:
    """What changed in a series of wire prompts. `full` shows all of every prompt that changed, and cuts nothing."""
    single = len(before) == len(after) == 1
    pair = [Run(same=False, start=0, end=1, new_start=0, new_end=1)]
    for run in pair if single else runs([repr(one) for one in before], [repr(one) for one in after], Allowance()):
        if run.same:
            continue
        there, here = range(run.start, run.end), range(run.new_start, run.new_end)
        for i, j in zip(there, here, strict=False):
            was = "" if i == j else f", was {i + 1}"
            yield _heading("prompt" if single else f"prompt {j + 1}{was}", before[i]["query"], after[j]["query"])
            yield from _changed(before[i]["text"], after[j]["text"], full=full)
        for i in there[len(here) :]:
            yield _heading(f"prompt {i + 1}, removed", before[i]["query"])
            yield from _changed(before[i]["text"], None, full=full)
        for j in here[len(there) :]:
            yield _heading(f"prompt {j + 1}, new", after[j]["query"])
            yield from _changed(None, after[j]["text"], full=full)


def whole_prompts(prompts: Sequence[Prompt], *, new: bool) -> Iterator[Detail]:
    """Every line of the prompts of a job that is created (`new`) or deleted."""
    for number, prompt in enumerate(prompts, 1):
        yield _heading("prompt" if len(prompts) == 1 else f"prompt {number}", prompt["query"])
        text = prompt["text"]
        yield from _changed(None if new else text, text if new else None, full=True)


def _heading(name: str, *queries: str | None) -> Detail:
    before, after = queries[0], queries[-1]
    if before != after:
        return statement(f"{name}, query ", (before or "(none)", "removed"), " → ", (after or "(none)", "added"), ":")
    return statement(f"{name}, query {after}:" if after else f"{name}:")


def _changed(before: str | None, after: str | None, *, full: bool) -> Iterator[Detail]:
    found = list(rows(_lines_of(before), _lines_of(after)))
    marks = _marks((before or "") + (after or "")) if any(len(row.pieces) > 1 for row in found) else {}
    last = -1
    for index in range(len(found)) if full else _worth_showing(found):
        yield from _gap(found[last + 1 : index])
        yield _detail(found[index], marks, full=full)
        last = index
    yield from _gap(found[last + 1 :])
    yield from _end(before, after)


def _lines_of(text: str | None) -> list[str]:
    return [] if text is None else text.removesuffix("\n").split("\n")


def _end(before: str | None, after: str | None) -> Iterator[Detail]:
    """The newline at the end is no line, and seen only where it is the difference."""
    if before is not None and after is not None and before.endswith("\n") != after.endswith("\n"):
        said = " the newline at the end is new" if after.endswith("\n") else " the newline at the end is gone"
        yield Detail(sign="…", parts=line((said, "dim")))


def _worth_showing(found: Sequence[Row]) -> list[int]:
    """Which rows: the first that are gone, the first that are new, and what stands around them."""
    shown = {i for sign in "-+" for i in [i for i, row in enumerate(found) if row.sign == sign][:MOST_ROWS]}
    around = {i for at in shown for i in range(max(0, at - CONTEXT), min(len(found), at + CONTEXT + 1))}
    return sorted(shown | {i for i in around if found[i].sign == " "})


def _gap(left_out: Sequence[Row]) -> Iterator[Detail]:
    if left_out:
        changed = sum(row.sign != " " for row in left_out)
        lines = f" {len(left_out):,} {'line' if len(left_out) == 1 else 'lines'}"
        said = f"{lines} more, {changed:,} of them changed: see --full" if changed else f"{lines} unchanged"
        yield Detail(sign="…", parts=line((said, "dim")))


def _marks(text: str) -> Mapping[str, _Marks]:
    """What stands before and after a change, by sign; nothing for a text that has every thickness of them itself."""
    for thickness in range(1, _THICKEST + 1):
        gone, new = "-" * thickness, "+" * thickness
        if not any(mark in text for mark in ("[" + gone, gone + "]", "{" + new, new + "}")):
            return {"-": ("[" + gone, gone + "]"), "+": ("{" + new, new + "}")}
    return {}


def _detail(row: Row, marks: Mapping[str, _Marks], *, full: bool) -> Detail:
    style = _STYLES[row.sign]
    pieces = row.pieces if full else tuple(_cut(row))
    parts: list[tuple[str, str]] = []
    for text, changed in pieces:
        mark = marks.get(row.sign) if changed and text else None
        parts += [(mark[0], "mark"), (text, f"{style}-word"), (mark[1], "mark")] if mark else [(text, style)]
    return Detail(sign=row.sign, parts=line(*parts))


def _cut(row: Row) -> Iterator[Piece]:
    """The row with its long passages cut: of what stays the words next to a change, of what changed the beginning."""
    last = len(row.pieces) - 1
    for index, (text, changed) in enumerate(row.pieces):
        if changed or (row.sign != " " and not last):
            more = len(text) - MOST_CHARACTERS
            yield (f"{text[:MOST_CHARACTERS]}… ({more:,} more characters: see --full)" if more > 0 else text), changed
        elif not last:
            yield (text if len(text) <= KEPT_CHARACTERS else text[: KEPT_CHARACTERS - 1] + "…"), False
        else:
            head, tail = _head(text) if index else "", _tail(text) if index < last else ""
            yield (text if len(text) <= 2 * AROUND else f"{head}…{tail}"), False


def _head(text: str) -> str:
    """The first words, or characters where words are long."""
    part = text[:AROUND]
    end = part.rfind(" ")
    return part[:end] if end > AROUND // 2 else part


def _tail(text: str) -> str:
    part = text[-AROUND:]
    start = part.find(" ")
    return part[start + 1 :] if 0 <= start < AROUND // 2 else part
