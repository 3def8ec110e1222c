"""From a connector's configuration to the connector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from interact_gitops.server.agents.connectors.connector import Connector

ConnectorKind: TypeAlias = Literal["sample", "duckdb", "sqlite", "postgres"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorConfig:
    """Which warehouse an agent reads: `path` for a file, `dsn` for a server. Equal ones may share a
    connector."""

    kind: ConnectorKind
    path: Path | None = None
    dsn: str = field(default="", repr=False)  # has the password


def utc_today() -> date:
    """The date in UTC."""
    return datetime.now(UTC).date()


def open_connector(config: ConnectorConfig, *, sample_folder: Path, today: Callable[[], date] = utc_today) -> Connector:
    """The connector for `config`. Nothing is opened or made before its first question, so a warehouse that is
    away fails the runs that need it and not the server's start."""
    if config.kind == "postgres":
        from interact_gitops.server.agents.connectors.postgres import PostgresConnector

        return PostgresConnector(config.dsn)
    if config.kind == "sample":
        from interact_gitops.server.agents.connectors.sample import SampleConnector

        return SampleConnector(sample_folder, today=today)
    assert config.path is not None  # the catalogue's schema demands it
    if config.kind == "duckdb":
        from interact_gitops.server.agents.connectors.duckdb import DuckDBConnector

        return DuckDBConnector(config.path)
    from interact_gitops.server.agents.connectors.sqlite import SQLiteConnector

    return SQLiteConnector(config.path)
