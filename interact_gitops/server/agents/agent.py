"""An agent and what it knows, as plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from interact_gitops.server.agents.connectors.opening import ConnectorConfig

Severity: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A row for which `when` holds is an anomaly, said with the template `message`."""

    when: str
    message: str
    severity: Severity = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of a query's rows, or of the rows of its own `sql` with the same parameters.

    `x` and each of `y` are columns; `series` is a column whose values split the rows into lines or bars.
    """

    type: Literal["line", "bar"]
    x: str
    y: tuple[str, ...]
    title: str = ""
    series: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedQuery:
    """SQL that a person wrote and stands for, with the questions that it answers.

    `parameters` maps each name to its JSON Schema. A default of null binds NULL; no default means required.
    """

    name: str
    title: str
    sql: str
    description: str = ""
    questions: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answer: str = ""
    chart: Chart | None = None
    anomalies: tuple[RowRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Someone who answers questions about one warehouse. `context` is what a model is told about it."""

    slug: str
    name: str
    connector: ConnectorConfig
    description: str = ""
    active: bool = True
    context: str = ""
    queries: tuple[VerifiedQuery, ...] = ()

    @property
    def id(self) -> str:
        """Follows from the slug, so that it survives a new state directory."""
        return "agt_" + hashlib.sha256(f"interact-gitops agent {self.slug}".encode()).hexdigest()[:24]
