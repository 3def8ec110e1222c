"""The `Connector` seam: what an agent may ask of a warehouse, and what it gets back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, TypeAlias

from interact_gitops.errors import Failure

Scalar: TypeAlias = str | int | float | bool | date | None
"""A value that may be bound to a query's parameter."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

FailureKind: TypeAlias = Literal["refused", "timeout", "cancelled", "failed"]


class QueryFailed(Failure):
    """A query that gave no rows.

    `kind` is `refused` (we declined to run it), `timeout`, `cancelled`, or `failed` (the engine's own error).
    """

    def __init__(self, message: str, *, kind: FailureKind, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.kind: FailureKind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one query may take. A result cut off by a cap is kept, with `truncated` set.

    `max_bytes` counts the rows as canonical JSON in UTF-8.
    """

    timeout_seconds: float = 60.0
    max_rows: int = 10_000
    max_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, with its type as the engine names it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table or view that queries may read; `name` is qualified when it is outside the default schema."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Rows, and everything needed to say where they came from.

    `rows` hold JSON values only (see values.py). `row_count` is the number of rows kept. `duration_seconds`
    is from sending the query to having the last kept row. `sha256` is over the canonical JSON of columns and
    rows: the same rows give the same digest on every engine run.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Json, ...], ...]
    row_count: int
    truncated: bool
    duration_seconds: float
    engine: str
    engine_version: str
    sql: str
    sql_as_run: str
    parameters: Mapping[str, Json]
    sha256: str


class Connector(Protocol):
    """A warehouse that can be read; every method may be called from many threads at once."""

    @property
    def engine(self) -> str:
        """Which engine this is: duckdb, sqlite or postgres."""
        ...

    def version(self) -> str:
        """The engine's version. Raises QueryFailed when the warehouse cannot be reached."""
        ...

    def tables(self) -> tuple[Table, ...]:
        """What can be read, sorted by name. Raises QueryFailed when the warehouse cannot be reached."""
        ...

    def query(
        self, sql: str, parameters: Mapping[str, Scalar], *, limits: Limits, cancelled: threading.Event
    ) -> QueryResult:
        """The rows of one SELECT. `$name` in `sql` stands for `parameters[name]`, bound and never pasted;
        values that the text does not use are left out. Setting `cancelled` stops the query.

        Raises QueryFailed.
        """
        ...

    def close(self) -> None:
        """Let go of connections; queries in progress may finish or fail."""
        ...
