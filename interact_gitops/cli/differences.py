"""Texts of files before and after, as people compare them."""

from __future__ import annotations

from difflib import unified_diff

import click

from interact_gitops.cli.output import visible

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def difference(name: str, before: bytes | None, after: bytes) -> str:
    """A unified diff; a file that is not there yet is compared with nothing. Line ends that differ show as `\\r`."""
    old = [] if before is None else _rows(before)
    rows = unified_diff(old, _rows(after), "/dev/null" if before is None else name, name, lineterm="")
    return "\n".join(rows)


def coloured(text: str) -> str:
    """A diff for a terminal, with whatever could steer it made visible."""
    return "\n".join(_coloured(row) for row in text.split("\n"))


def _rows(raw: bytes) -> list[str]:
    *rows, last = raw.decode("utf-8", "replace").split("\n")
    return rows if not last else [*rows, last, "\\ No newline at end of file"]


def _coloured(row: str) -> str:
    colour = _COLOURS.get(row[:1])
    return click.style(visible(row), fg=colour, bold=row.startswith(("+++", "---"))) if colour else visible(row)
