"""Rows from an engine's cursor, up to the caps, as a QueryResult."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.server.agents.connectors.connector import Column, Json, Limits, QueryResult, Scalar
from interact_gitops.server.agents.connectors.values import json_value
from interact_gitops.server.agents.connectors.watch import Watch

_CHUNK_BYTES = 1024 * 1024
_CHUNK_ROWS = 1000
_FIRST_CHUNK_ROWS = 50

Fetch = Callable[[int], Sequence[Sequence[object]]]
"""The cursor's fetchmany: at most that many further rows, fewer only at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What was kept, and whether there was more."""

    rows: tuple[tuple[Json, ...], ...]
    truncated: bool


def collect(fetch: Fetch, *, limits: Limits, watch: Watch) -> Rows:
    """Rows until the end or a cap; one row beyond a cap is fetched so that `truncated` is the truth.

    Chunks shrink for wide rows, so memory stays near the byte cap and not at rows × width.
    """
    kept: list[tuple[Json, ...]] = []
    size = 0
    chunk = _FIRST_CHUNK_ROWS
    while True:
        watch.check()
        wanted = min(chunk, limits.max_rows + 1 - len(kept))
        fetched = fetch(wanted)
        for values in fetched:
            if any(isinstance(value, str | bytes) and len(value) > limits.max_bytes for value in values):
                return Rows(rows=tuple(kept), truncated=True)  # before gigabytes are made JSON
            row = tuple(json_value(value) for value in values)
            size += len(canonical_json(row).encode()) + 1
            if len(kept) >= limits.max_rows or size > limits.max_bytes:
                return Rows(rows=tuple(kept), truncated=True)
            kept.append(row)
        if len(fetched) < wanted:
            return Rows(rows=tuple(kept), truncated=False)
        chunk = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES * len(kept) // max(size, 1)))


def result(
    rows: Rows,
    *,
    columns: tuple[Column, ...],
    duration_seconds: float,
    engine: str,
    engine_version: str,
    sql: str,
    sql_as_run: str,
    parameters: Mapping[str, Scalar],
) -> QueryResult:
    """The result, with its digest."""
    return QueryResult(
        columns=columns,
        rows=rows.rows,
        row_count=len(rows.rows),
        truncated=rows.truncated,
        duration_seconds=round(duration_seconds, 6),
        engine=engine,
        engine_version=engine_version,
        sql=sql,
        sql_as_run=sql_as_run,
        parameters={name: json_value(value) for name, value in parameters.items()},
        sha256=digest(columns, rows.rows),
    )


def digest(columns: Sequence[Column], rows: Sequence[Sequence[Json]]) -> str:
    """The sha256 of columns and rows as canonical JSON."""
    document = {"columns": [[column.name, column.type] for column in columns], "rows": rows}
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()
