"""A document's rows as a table to read: the first of them, numbers aligned, addresses as links. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interact_gitops.server.pages.provenance import web_address

MOST_ROWS, LONGEST_CELL = 100, 500
_ONE_LINE = 48  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """`text` is None for null. `address` is there where the whole value is one that may be followed."""

    text: str | None
    number: bool
    address: str | None

    @property
    def long(self) -> bool:
        """Whether it may take several lines."""
        return self.text is not None and (len(self.text) > _ONE_LINE or "\n" in self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTable:
    """`count` rows were found; `shown` of them stand here."""

    columns: tuple[tuple[str, str, bool], ...]
    rows: tuple[tuple[TableCell, ...], ...]
    count: int
    shown: int
    truncated: bool


def result_table(document: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> ResultTable:
    """The table of a document. Columns are (name, type, whether its values are numbers)."""
    some = rows[:MOST_ROWS]
    cells = tuple(tuple(_cell(value) for value in row) for row in some)
    numeric = [
        any(row[index].number for row in cells) and all(row[index].number or row[index].text is None for row in cells)
        for index in range(len(document["columns"]))
    ]
    return ResultTable(
        columns=tuple(
            (column["name"], column["type"], number)
            for column, number in zip(document["columns"], numeric, strict=True)
        ),
        rows=cells,
        count=document["rowCount"],
        shown=len(some),
        truncated=document["truncated"],
    )


def _cell(value: Any) -> TableCell:
    if value is None:
        return TableCell(text=None, number=False, address=None)
    if isinstance(value, bool):
        return TableCell(text="true" if value else "false", number=False, address=None)
    if isinstance(value, int | float):
        return TableCell(text=str(value), number=True, address=None)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    address = web_address(text) if isinstance(value, str) and len(text) <= LONGEST_CELL else None
    cut = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return TableCell(text=cut, number=False, address=address)
