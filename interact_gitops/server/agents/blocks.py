"""What an answer is made of, in the form in which chats keep and send it: camelCase, JSON values only.

Blocks are what people read, in order. Documents are the evidence: a query's rows or a chart's, with
everything needed to say where they came from and to check them again. A block names its document by id.

`text` in text and report blocks is plain text with three marks: `**bold**`, lines that start with `- `, and a
blank line between paragraphs. It may hold values from the warehouse: readers escape it and follow no links.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, NotRequired, TypeAlias, TypedDict

from interact_gitops.errors import Failure
from interact_gitops.server.agents.agent import Chart, Severity, VerifiedQuery
from interact_gitops.server.agents.connectors.collecting import digest
from interact_gitops.server.agents.connectors.connector import Json, QueryResult


class TextBlock(TypedDict):
    type: Literal["text"]
    text: str


class ReportBlock(TypedDict):
    """The answer itself, in an analyst's words."""

    type: Literal["report"]
    title: str
    text: str


class QueryBlock(TypedDict):
    """Which query was run; its SQL stands in the document."""

    type: Literal["query"]
    query: str
    title: str
    description: str
    document: str


class TableBlock(TypedDict):
    """A document's rows."""

    type: Literal["table"]
    title: str
    document: str
    rowCount: int
    truncated: bool


class ChartBlock(TypedDict):
    """A document's chart."""

    type: Literal["chart"]
    title: str
    document: str


class ErrorBlock(TypedDict):
    """Why there is no (further) answer; `kind` is refused, timeout, cancelled, failed, no_match or
    invalid."""

    type: Literal["error"]
    kind: str
    message: str
    remedy: str | None


Block: TypeAlias = TextBlock | ReportBlock | QueryBlock | TableBlock | ChartBlock | ErrorBlock


class DocumentColumn(TypedDict):
    name: str
    type: str


class ChartShape(TypedDict):
    """`x` and each of `y` are columns of the document; `series` is one that splits the rows, or null."""

    type: Literal["line", "bar"]
    x: str
    y: list[str]
    series: str | None


class Document(TypedDict):
    """Rows and where they came from. `chart` is there when `kind` is chart."""

    id: str
    kind: Literal["query", "chart"]
    title: str
    query: str
    sql: str
    sqlAsRun: str
    parameters: dict[str, Json]
    engine: str
    engineVersion: str
    columns: list[DocumentColumn]
    rows: list[list[Json]]
    rowCount: int
    truncated: bool
    durationSeconds: float
    sha256: str
    chart: NotRequired[ChartShape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A row that someone should look at; it becomes a log event of topic `anomaly`."""

    query: str
    message: str
    severity: Severity
    row: dict[str, Json]


def query_document(query: VerifiedQuery, result: QueryResult) -> Document:
    """The record of a query's rows."""
    return {
        "id": f"doc_{uuid.uuid4().hex}",
        "kind": "query",
        "title": query.title,
        "query": query.name,
        "sql": result.sql,
        "sqlAsRun": result.sql_as_run,
        "parameters": dict(result.parameters),
        "engine": result.engine,
        "engineVersion": result.engine_version,
        "columns": [{"name": column.name, "type": column.type} for column in result.columns],
        "rows": [list(row) for row in result.rows],
        "rowCount": result.row_count,
        "truncated": result.truncated,
        "durationSeconds": result.duration_seconds,
        "sha256": result.sha256,
    }


def chart_document(query: VerifiedQuery, chart: Chart, result: QueryResult) -> Document:
    """The record of a chart: of `result` only the columns that are drawn. Raises KeyError for one that is
    missing."""
    position = {column.name: index for index, column in enumerate(result.columns)}
    wanted = [chart.x, *chart.y, *([chart.series] if chart.series else [])]
    drawn = [position[name] for name in dict.fromkeys(wanted)]
    columns = [result.columns[index] for index in drawn]
    rows = [[row[index] for index in drawn] for row in result.rows]
    return {
        **query_document(query, result),
        "kind": "chart",
        "title": chart.title or query.title,
        "columns": [{"name": column.name, "type": column.type} for column in columns],
        "rows": rows,
        "sha256": digest(columns, rows),
        "chart": {"type": chart.type, "x": chart.x, "y": list(chart.y), "series": chart.series},
    }


def error_block(failure: Failure) -> ErrorBlock:
    """What people read where an answer ends early."""
    kind = getattr(failure, "kind", None) or {"NoMatch": "no_match"}.get(type(failure).__name__, "invalid")
    return {"type": "error", "kind": kind, "message": failure.message, "remedy": failure.remedy}
