"""Records as rows and back. Columns are named after the fields that they keep."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from interact_gitops.ledger.database import Row, Session
from interact_gitops.ledger.records import Part, Run


def to_text(instant: datetime) -> str:
    """2026-11-23T07:00:00.000Z; finer parts are cut off."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_or_none(instant: datetime | None) -> str | None:
    """Like `to_text`."""
    return None if instant is None else to_text(instant)


def from_text(text: str | None) -> datetime | None:
    """The instant that `to_text` wrote."""
    return None if text is None else datetime.fromisoformat(text)


def instant(text: str) -> datetime:
    """Like `from_text`, for a column that is never empty."""
    return datetime.fromisoformat(text)


_RUN = tuple(field.name for field in dataclasses.fields(Run) if field.name != "parts")
_PART = tuple(field.name for field in dataclasses.fields(Part))
_TIMES = frozenset(
    {
        *("occurrence", "scheduled_at", "due_at", "start_by", "alarm_at", "created_at", "leased_until", "sent_at"),
        *("send_by", "triggered_at", "ended_at", "cancel_at"),
    }
)
_FLAGS = frozenset({"exclusive", "fan_out", "retrying"})

RUN = ", ".join(_RUN)
"""The columns of a run, for a SELECT or RETURNING that `read_run` reads."""
PART = ", ".join(_PART)
"""The columns of a part, likewise for `read_part` after the run's seq."""
WRITTEN = tuple(name for name in _RUN if name not in {"seq", "leased_until"})
"""The columns that come out of a record; a lease is the database's own business."""

_DECODE: tuple[Callable[[Any], Any] | None, ...] = tuple(
    from_text if name in _TIMES else bool if name in _FLAGS else None for name in _RUN
)


MOVING = (
    *("due_at", "start_by", "alarm_at", "exclusive", "state", "attempt", "retrying", "owner", "payload", "remote_job"),
    *("sent_at", "send_by", "triggered_at", "ended_at", "reason", "in_the_way", "cancel_at", "cancel_by"),
    "cancel_reason",
)
"""The columns that a step may change; no index on any other has to be touched."""


_TYPES = {
    **dict.fromkeys(("seq", "fence", "run"), "BIGINT"),
    **dict.fromkeys(("target", "priority", "exclusive", "fan_out", "max_parallel", "timeout", "ordinal"), "INTEGER"),
    **dict.fromkeys(("max_attempts", "backoff", "attempt", "retrying", "failures"), "INTEGER"),
}


def given(*columns: str) -> str:
    """The rows of `Session.bulk`, as a table `v` with these columns; all that are no numbers are text.

    Join with every column of a key, `target` too: SQLite then looks each row up, and does not try all with all.
    """
    return f":rows AS v({', '.join(name + ' ' + _TYPES.get(name, 'TEXT') for name in columns)})"


def read_run(row: Row, parts: tuple[Part, ...] = ()) -> Run:
    """A run, with these parts."""
    values = {name: read(value) if read else value for name, read, value in zip(_RUN, _DECODE, row, strict=True)}
    return Run(**values, parts=parts)


def read_part(row: Row) -> Part:
    """A part, from a row that begins with the run's seq."""
    values = dict(zip(_PART, row[1:], strict=True))
    values["parameters"] = json.loads(values["parameters"])
    values["ended_at"] = from_text(values["ended_at"])
    return Part(**values)


def write_run(run: Run, columns: tuple[str, ...] = WRITTEN) -> dict[str, Any]:
    """The values of these columns."""
    values: dict[str, Any] = {}
    for name in columns:
        value = getattr(run, name)
        values[name] = text_or_none(value) if name in _TIMES else int(value) if name in _FLAGS else value
    return values


def write_part(seq: int, part: Part) -> dict[str, Any]:
    """The values of a part of the run `seq`."""
    return {
        "run": seq,
        "ordinal": part.ordinal,
        "parameters": as_json(part.parameters),
        "state": part.state,
        "attempt": part.attempt,
        "chat": part.chat,
        "error": part.error,
        "ended_at": text_or_none(part.ended_at),
    }


def as_json(value: Mapping[str, Any]) -> str:
    """JSON in ASCII, so that no database minds what is in it; order of names kept."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def read_runs(session: Session, rows: list[Row]) -> list[Run]:
    """Runs with their parts, from rows of `RUN`."""
    parts: dict[int, list[Part]] = {row[0]: [] for row in rows}
    for part in session.all(_PARTS_OF, seqs=list(parts)) if rows else ():
        parts[part[0]].append(read_part(part))
    return [read_run(row, tuple(parts[row[0]])) for row in rows]


_PARTS_OF = f"SELECT run, {PART} FROM parts WHERE run = ANY(:seqs) ORDER BY run, ordinal"  # noqa: S608 - our own columns
