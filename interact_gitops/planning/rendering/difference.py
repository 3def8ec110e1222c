"""Which lines, and which words in them, differ between two texts.

Myers' greedy search for the shortest edit script (An O(ND) Difference Algorithm, 1986), first over lines, then
over the words of each changed passage. Its cost grows with what differs and not with the texts' sizes, and it is
bounded: difflib needs minutes for hostile prompts of 100 KB. Out of its allowance, a passage counts as changed
from its first difference to its last.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Sign = Literal[" ", "-", "+"]
# A part of a line, and whether it changed. An empty changed one is the place where the other text has more.
Piece = tuple[str, bool]
ALLOWANCE = 150_000  # steps a pair of texts may cost: some 50 ms
ALIKE = 0.3  # the share of characters that must stay for single words to be marked

_WORD = re.compile(r"\w")


@dataclass(slots=True)
class Allowance:
    """What is left to spend on one pair of texts."""

    steps: int = ALLOWANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of either text: kept (` `), gone (`-`) or new (`+`), with the changed parts of it told apart."""

    sign: Sign
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """before[start:end] became after[new_start:new_end]; `same` when nothing changed in it."""

    same: bool
    start: int
    end: int
    new_start: int
    new_end: int


def rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    """Every line of both texts in one order: what is gone stands before what came instead."""
    allowance = Allowance()
    for run in runs(before, after, allowance):
        if run.same:
            for text in before[run.start : run.end]:
                yield Row(sign=" ", pieces=((text, False),))
            continue
        gone, new = _words(before[run.start : run.end], after[run.new_start : run.new_end], allowance)
        yield from (Row(sign="-", pieces=pieces) for pieces in gone)
        yield from (Row(sign="+", pieces=pieces) for pieces in new)


def runs(before: Sequence[str], after: Sequence[str], allowance: Allowance) -> list[Run]:
    """Same and changed runs in turn, which cover both sequences."""
    most = min(len(before), len(after))
    head = next((i for i in range(most) if before[i] != after[i]), most)
    tail = next((i for i in range(most - head) if before[-1 - i] != after[-1 - i]), most - head)
    middle, new_middle = before[head : len(before) - tail], after[head : len(after) - tail]
    same = [(0, 0, head)] if head else []
    same += [(head + x, head + y, size) for x, y, size in _snakes(middle, new_middle, allowance)]
    same += [(len(before) - tail, len(after) - tail, tail)] if tail else []
    found: list[Run] = []
    x = y = 0
    for start, new_start, size in [*same, (len(before), len(after), 0)]:
        if start > x or new_start > y:
            found.append(Run(same=False, start=x, end=start, new_start=y, new_end=new_start))
        x, y = start + size, new_start + size
        if size:
            found.append(Run(same=True, start=start, end=x, new_start=new_start, new_end=y))
    return found


def _snakes(before: Sequence[str], after: Sequence[str], allowance: Allowance) -> list[tuple[int, int, int]]:
    """Where the two run alike, as (index before, index after, length); nothing when that costs too much."""
    n, m = len(before), len(after)
    if not n or not m:
        return []
    furthest = {1: 0}
    trail: list[dict[int, int]] = []
    for distance in range(n + m + 1):
        trail.append(furthest.copy())
        allowance.steps -= len(furthest)
        # Diagonals that leave the rectangle are left out, so every path stays inside.
        low = -(distance - 2 * max(0, distance - m))
        for diagonal in range(low, distance - 2 * max(0, distance - n) + 1, 2):
            x = _step(furthest, diagonal, distance)
            y = start = x - diagonal
            while x < n and y < m and before[x] == after[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            allowance.steps -= 1 + y - start
            if x >= n and y >= m:
                return _walk_back(trail, n, m)
        if allowance.steps < 0:
            return []
    raise AssertionError("deleting all and inserting all is a script")  # pragma: no cover


def _step(furthest: dict[int, int], diagonal: int, distance: int) -> int:
    """How far one more edit gets on this diagonal: an insertion from the one above, a deletion from the one below."""
    down, right = furthest.get(diagonal + 1, -1), furthest.get(diagonal - 1, -2) + 1
    return down if diagonal == -distance or (diagonal != distance and right <= down) else right


def _walk_back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for distance in range(len(trail) - 1, -1, -1):
        furthest, diagonal = trail[distance], x - y
        reached = _step(furthest, diagonal, distance) if distance else 0
        if x > reached:
            found.append((reached, reached - diagonal, x - reached))
        above = furthest.get(diagonal + 1, -1)
        inserted = reached == above and (diagonal == -distance or furthest.get(diagonal - 1, -2) + 1 <= above)
        x, y = (reached, reached - diagonal - 1) if inserted else (reached - 1, reached - diagonal)
    return found[::-1]


def _words(
    gone: Sequence[str], new: Sequence[str], allowance: Allowance
) -> tuple[list[tuple[Piece, ...]], list[tuple[Piece, ...]]]:
    """The lines of a changed passage, before and after, with the words that changed told apart."""
    if not gone or not new:
        return [((text, False),) for text in gone], [((text, False),) for text in new]
    before, after = _tokens("\n".join(gone)), _tokens("\n".join(new))
    found = _joined(runs(before, after, allowance), before)
    kept = sum(len("".join(before[run.start : run.end]).strip()) for run in found if run.same)
    sizes = sorted(len("".join(tokens).strip()) for tokens in (before, after))
    if kept < min(ALIKE * sizes[1], sizes[0]):  # words added to a short line are marked, however many
        return [((text, False),) for text in gone], [((text, False),) for text in new]
    return (
        _lines([("".join(before[run.start : run.end]), not run.same) for run in found]),
        _lines([("".join(after[run.new_start : run.new_end]), not run.same) for run in found]),
    )


def _joined(found: list[Run], tokens: Sequence[str]) -> list[Run]:
    """The runs, with those between two changes that hold no word counted as changed: `the campaign`, not two."""
    joined: list[Run] = []
    for index, run in enumerate(found):
        inside = 0 < index < len(found) - 1
        same = run.same and not (inside and not _WORD.search("".join(tokens[run.start : run.end])))
        begin = joined.pop() if joined and joined[-1].same == same else run
        joined.append(Run(same=same, start=begin.start, end=run.end, new_start=begin.new_start, new_end=run.new_end))
    return joined


def _lines(pieces: list[Piece]) -> list[tuple[Piece, ...]]:
    """Pieces cut where lines end; a line that changed from end to end needs no mark beside its sign."""
    lines: list[list[Piece]] = [[]]
    for text, changed in pieces:
        first, *rest = text.split("\n")
        lines[-1].append((first, changed))
        lines += [[(part, changed)] for part in rest]
    return [_unmarked(one) for one in lines]


def _unmarked(pieces: list[Piece]) -> tuple[Piece, ...]:
    if all(changed or not text for text, changed in pieces):
        return (("".join(text for text, _ in pieces), False),)
    return tuple((text, changed) for text, changed in pieces if text or changed)


def _tokens(text: str) -> list[str]:
    return _token().findall(text)


@functools.cache
def _token() -> re.Pattern[str]:
    """A word, one character of a script that is written without spaces, a run of blanks, or anything else by itself.

    Compiled when a prompt has changed: it takes 5 ms.
    """
    cjk = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    return re.compile(f"[{cjk}]|[^\\W{cjk}]+|[^\\S\\n]+|.", re.DOTALL)
