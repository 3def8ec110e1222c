"""Which comments on lines of their own belong to which value: those further to the right than its name do."""

from __future__ import annotations

from collections.abc import Sequence


def indent_of(row: str) -> int:
    """The columns before the first character that is not a space."""
    return len(row) - len(row.lstrip(" "))


def last_row(rows: Sequence[str], last: int, limit: int, column: int) -> int:
    """The last row of a value that ends on row `last`: the comments below it that stand at `column` or to its right
    are still its own, up to `limit` (exclusive)."""
    for number in range(last + 1, limit):
        row = rows[number].strip(" \t")
        if row and (row[0] != "#" or indent_of(rows[number]) < column):
            break
        if row:
            last = number
    return last
