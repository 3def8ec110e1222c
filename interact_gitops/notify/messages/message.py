"""A message as values, before any channel's form: short lines, a table, commands, a link. Pure.

Every text in it is plain, of printable characters, and bounded; what a channel's form must escape it escapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interact_gitops.notify.events import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of an answer: pieces of text, each bold or not. `item`: of a list; no pieces: a blank line."""

    pieces: tuple[tuple[str, bool], ...]
    item: bool = False

    @property
    def text(self) -> str:
        """The line without its marks."""
        return "".join(piece for piece, _ in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """What failed, why, what to do about it, and the command that runs it again."""

    what: str
    why: str
    remedy: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One combination of a run: its values in the table's columns, its result, and the first line of its answer."""

    values: tuple[str, ...]
    result: str
    took: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A run's combinations. `left` more are not shown, in the words of `left_words`."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `id` is the same for every try, `event` for every channel. `title` and `mark` (one character) say
    what it is about at a glance. `record` is the whole for programs, JSON values only."""

    id: str
    event: str
    topic: str
    level: Level
    time: str
    mark: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    answer: tuple[Line, ...] = ()
    cut: bool = False
    findings: tuple[Finding, ...] = ()
    findings_left: int = 0
    failed: tuple[Failed, ...] = ()
    failed_left: int = 0
    table: Table | None = None
    look: str | None = None
    url: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


def shortened(message: Message, share: float) -> Message:
    """The message with `share` (0..1) of what may be long: answer, findings, failures, rows. Says what was left out."""
    lines = message.answer[: int(len(message.answer) * share)]
    findings = message.findings[: int(len(message.findings) * share)]
    failed = message.failed[: max(1, int(len(message.failed) * share))]
    table = message.table
    if table is not None:
        rows = table.rows[: int(len(table.rows) * share)]
        table = replace(table, rows=rows, left=table.left + len(table.rows) - len(rows))
    return replace(
        message,
        answer=lines,
        cut=message.cut or len(lines) < len(message.answer),
        findings=findings,
        findings_left=message.findings_left + len(message.findings) - len(findings),
        failed=failed,
        failed_left=message.failed_left + len(message.failed) - len(failed),
        table=table,
    )
