"""The sample warehouse as a connector: always the one whose last day is yesterday, also in a server that has
been up for weeks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from interact_gitops.server.agents.connectors.connector import Limits, QueryResult, Scalar, Table
from interact_gitops.server.agents.connectors.duckdb import DuckDBConnector
from interact_gitops.server.sample.warehouse import ensure_sample


class SampleConnector:
    """Reads the sample warehouse in `folder`, which is made on the first question of each day (in
    seconds)."""

    engine = "duckdb"

    def __init__(self, folder: Path, *, today: Callable[[], date]) -> None:
        self._folder = folder
        self._today = today
        self._lock = threading.Lock()
        self._made_for: date | None = None
        self._current: DuckDBConnector | None = None

    def version(self) -> str:
        import duckdb

        return str(duckdb.__version__)

    def tables(self) -> tuple[Table, ...]:
        return self._warehouse().tables()

    def query(
        self, sql: str, parameters: Mapping[str, Scalar], *, limits: Limits, cancelled: threading.Event
    ) -> QueryResult:
        return self._warehouse().query(sql, parameters, limits=limits, cancelled=cancelled)

    def close(self) -> None:
        with self._lock:
            if self._current is not None:
                self._current.close()
            self._current = None
            self._made_for = None

    def _warehouse(self) -> DuckDBConnector:
        """Today's warehouse. Queries that are still running on yesterday's keep it until they end."""
        today = self._today()
        with self._lock:
            if self._current is None or self._made_for != today:
                fresh = DuckDBConnector(ensure_sample(self._folder, today))
                if self._current is not None:
                    self._current.close()
                self._current, self._made_for = fresh, today
            return self._current
