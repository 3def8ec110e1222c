"""Values → lines of YAML, and whole new files: the layout that the sample jobs have.

Collections of a few short scalars stand on one line, everything else in blocks; long and multi-line texts are literal
blocks. A value's place in the document (its path) says what it is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from interact_gitops.jobs.writing.texts import STEP, literal, scalar
from interact_gitops.shapes import schema

Path = tuple[str | int, ...]

WIDTH = 120  # columns that a collection on one line, or a line of prose, may take
_BLOCKS = frozenset({"schedule", "fan_out", "parameters", "prompts", "notifications"})
_PROSE = frozenset({"prompt", "prompts", "text", "description"})
_DATES = frozenset({"not_before", "not_after"})
MODELINE = "# yaml-language-server: $schema="


def new_file(document: Mapping[str, Any], *, modeline: str | None = None) -> str:
    """The text of a file with one job, its fields in canonical order.

    `modeline`: the path of the job schema from the file, for editors.
    """
    lines = [] if modeline is None else [MODELINE + modeline]
    lines += [row for name in in_order(document, ()) for row in entry(f"{name}:", document[name], 0, (name,))]
    return "\n".join(lines) + "\n"


def entry(lead: str, value: Any, indent: int, path: Path, *, open_end: bool = True) -> list[str]:
    """The lines of one entry, at column `indent`: `lead` is its `name:` or its dash.

    `open_end`: a text may be a block that ends with blank lines, and would take in any below it.
    """
    start = " " * indent + lead
    if isinstance(value, Mapping | list | tuple):
        line = f"{start} {flow(value, path)}" if _may_flow(value, path) else None
        if line is not None and (len(line) <= WIDTH or not value):
            return [line]
        return _block(start, value, indent + STEP, path, open_end)
    if isinstance(value, str):
        held = _literal(value, len(start), indent + STEP, path)
        if held is not None and (open_end or held[1][-1]):
            header, rows = held
            return [f"{start} {header}", *rows]
    return [f"{start} {inline(value, path)}"]


def inline(value: Any, path: Path, *, in_flow: bool = False) -> str:
    """A scalar on one line, as its place asks for it."""
    if path and path[-1] in _DATES and isinstance(value, str):
        return value  # has the form of a date: quotes would be noise
    return scalar(value, flow=in_flow, quote=path in {("schedule",), ("schedule", "cron")})


def flow(value: Any, path: Path) -> str:
    """A value on one line, in brackets if it is a collection."""
    if isinstance(value, Mapping):
        parts = (f"{scalar(name, flow=True)}: {flow(value[name], (*path, name))}" for name in in_order(value, path))
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item, (*path, index)) for index, item in enumerate(value)) + "]"
    return inline(value, path, in_flow=True)


def in_order(value: Mapping[str, Any], path: Path) -> list[str]:
    """The names of a map in canonical order where its place has one, else in their own; unknown names last."""
    order = field_order(path)
    return list(value) if order is None else sorted(value, key=lambda name: order.get(name, len(order)))


def field_order(path: Path) -> Mapping[str, int] | None:
    """The canonical order of the fields of a map: that of the schema; None where names are free."""
    return _orders().get(tuple("*" if isinstance(part, int) else part for part in path))


@functools.cache
def _orders() -> Mapping[Path, Mapping[str, int]]:
    fields = schema("job.schema.json")["properties"]
    found: dict[Path, Mapping[str, Any]] = {(): fields}
    found |= {(name,): fields[name]["properties"] for name in ("schedule", "fan_out", "retries")}
    found |= {(name, "*"): fields[name]["items"]["properties"] for name in ("prompts", "notifications")}
    return {path: {name: place for place, name in enumerate(names)} for path, names in found.items()}


def _block(start: str, value: Mapping[str, Any] | Sequence[Any], indent: int, path: Path, open_end: bool) -> list[str]:
    if isinstance(value, Mapping):
        rows = [
            row
            for name in in_order(value, path)
            for row in entry(f"{scalar(name)}:", value[name], indent, (*path, name), open_end=open_end)
        ]
        # A map that is an item of a list begins right after its dash.
        return [start + rows[0][len(start) :], *rows[1:]] if start.endswith("-") else [start, *rows]
    items = (entry("-", item, indent, (*path, number), open_end=open_end) for number, item in enumerate(value))
    return [start, *(row for item in items for row in item)]


def _may_flow(value: Any, path: Path) -> bool:
    if not value:
        return True
    place = tuple(part for part in path if not isinstance(part, int))
    if len(place) == 1 and place[0] in _BLOCKS:
        return False
    parts = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        parts = [item for part in parts for item in (part if isinstance(part, list | tuple) else [part])]
    return not any(
        isinstance(part, Mapping | list | tuple) or (isinstance(part, str) and "\n" in part) for part in parts
    )


def _literal(value: str, used: int, indent: int, path: Path) -> tuple[str, list[str]] | None:
    """A text as a block, where it has several lines, or is prose too long for one."""
    field = next((part for part in reversed(path) if isinstance(part, str)), "")
    long = field in _PROSE and used + len(value) > WIDTH
    return literal(value, indent) if "\n" in value or long else None
