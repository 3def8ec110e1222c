"""Printing for people and for programs: errors, tables, times, JSON.

Text that comes from definitions or from the target is untrusted: control characters are made visible.
"""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.planning.rendering import styled

if TYPE_CHECKING:
    from interact_gitops.errors import Failure

FORMAT_VERSION = "1"
NEWLINE = frozenset("\n")
_STYLE = r"(?:\x1b\[[0-9;]*m)*"  # which the runner never sees: styles are left out where there is no terminal
_COMMAND = re.compile(rf"^(?:\x1b\[[0-9;]*m|[^\S\n])*:{_STYLE}:|#{_STYLE}#{_STYLE}\[", re.MULTILINE)
visible = styled.visible


def say(text: str = "", *, nl: bool = True) -> None:
    """A line (or lines) for people, on stdout; escapes that are ours must be added after `visible`."""
    click.echo(uncommanding(text), nl=nl)


def say_command(line: str) -> None:
    """A line that GitHub's runner is meant to obey."""
    click.echo(visible(line))


def on_github() -> bool:
    """Whether GitHub's runner reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def uncommanding(text: str) -> str:
    """The text such that GitHub's runner, which reads every line of a step, finds none of its commands in it.

    A prompt could otherwise fake annotations, or make the runner deaf to the rest (actions/runner,
    ActionCommand.cs: `::` after leading blanks, `##[` anywhere). Only there, and by a character that is not seen.
    """
    if not on_github():
        return text
    return _COMMAND.sub(lambda found: f"{found.group()[:-1]}\N{WORD JOINER}{found.group()[-1]}", text)


def say_error(message: str, remedy: str | None = None) -> None:
    """One failure on stderr: the fact, and below it what to do."""
    said = click.style("error: ", fg="red", bold=True) + visible(message, keep=NEWLINE)
    click.echo(uncommanding(said), err=True)
    if remedy:
        click.echo(uncommanding("  " + visible(remedy, keep=NEWLINE)), err=True)


def say_failure(failure: Failure) -> None:
    """Why a command ends; to GitHub's runner as the error that people see on the page of the run."""
    if on_github():
        from interact_gitops.jobs.reports import github_failure

        click.echo(visible(github_failure(failure)), err=True)
    else:
        say_error(failure.message, failure.remedy)


def note(text: str) -> None:
    """A remark on stderr, so that stdout stays what was asked for."""
    click.echo(uncommanding(visible(text, keep=NEWLINE)), err=True)


def say_json(value: Mapping[str, Any]) -> None:
    """One JSON document with its format version, on stdout; stable key order as given."""
    say_document({"formatVersion": FORMAT_VERSION, **value})


def say_document(document: Mapping[str, Any]) -> None:
    """A JSON document that carries its own format version, on stdout."""
    text = json.dumps(document, indent=2, ensure_ascii=not _utf8())
    if on_github():
        text = text.replace("##[", "##\\u005b")  # the same JSON, and no command of the runner's older kind
    click.echo(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Aligned columns, two spaces apart, with a bold head; `right` names columns of numbers."""
    cells = [[visible(cell) for cell in row] for row in rows]
    widths = [max([width(name), *(width(row[i]) for row in cells)]) for i, name in enumerate(head)]
    numbers = set(right)

    def line(row: Sequence[str]) -> str:
        parts = [
            " " * (widths[i] - width(cell)) + cell if i in numbers else cell + " " * (widths[i] - width(cell))
            for i, cell in enumerate(row)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([click.style(line(head), bold=True), *map(line, cells)])


def width(text: str) -> int:
    """Columns that `text` takes on a terminal (wide East Asian characters take two)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, limit: int) -> str:
    """`text` on one line, cut to `limit` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def instant(when: datetime) -> str:
    """An aware instant as people read it, with its zone: `Mon 2026-11-23 08:00 CET`."""
    return when.strftime("%a %Y-%m-%d %H:%M %Z")


def duration(seconds: float) -> str:
    """How long something took: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def mark(state: str) -> str:
    """A state in a word with its colour; the word alone is enough."""
    colours = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "active": "cyan", "unknown": "magenta"}
    return click.style(state, fg=colours.get(state))


def _utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
