"""Answering a question: question → verified query → values → rows → report, chart, table, anomalies.

`answer` is the one entry. Today every agent answers from its verified queries; one with a model would take
its own path from here to the same Answer, and end in the same documents.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from interact_gitops.errors import Failure, TemplateInvalid
from interact_gitops.server.agents import templates
from interact_gitops.server.agents.agent import Agent, Chart, VerifiedQuery
from interact_gitops.server.agents.binding import bind
from interact_gitops.server.agents.blocks import (
    Anomaly,
    Block,
    Document,
    chart_document,
    error_block,
    query_document,
)
from interact_gitops.server.agents.connectors.connector import Connector, Json, Limits, QueryResult, Scalar
from interact_gitops.server.agents.connectors.values import json_value
from interact_gitops.server.agents.matching import match

MOST_ANOMALIES = 50

Row = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One prompt, rendered. `query` names the verified query when the job does.

    `parameters` are the run's; `run_date` is its date in the job's zone. Setting `cancelled` stops the
    answer.
    """

    text: str
    run_date: date
    query: str | None = None
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a model counted."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found. With `failure`, the blocks end in an error block and hold what was found before it."""

    blocks: tuple[Block, ...]
    documents: tuple[Document, ...]
    anomalies: tuple[Anomaly, ...] = ()
    failure: Failure | None = None
    usage: Usage | None = None
    model: str | None = None


def answer(agent: Agent, connector: Connector, question: Question) -> Answer:
    """Answers `question` as `agent`. Expected failures are part of the answer, not raised."""
    draft = _Draft()
    try:
        _from_verified_query(agent, connector, question, draft)
    except Failure as failure:
        draft.blocks.append(error_block(failure))
        return draft.done(failure)
    return draft.done(None)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """An answer in the making: what stands in it when something fails is kept."""

    blocks: list[Block] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)

    def done(self, failure: Failure | None) -> Answer:
        return Answer(
            blocks=tuple(self.blocks),
            documents=tuple(self.documents),
            anomalies=tuple(self.anomalies),
            failure=failure,
        )


def _from_verified_query(agent: Agent, connector: Connector, question: Question, draft: _Draft) -> None:
    query = match(question.text, agent.queries, name=question.query)
    values = bind(query, question.parameters, text=question.text, run_date=question.run_date)

    def run(sql: str) -> QueryResult:
        return connector.query(sql, values, limits=question.limits, cancelled=question.cancelled)

    result = run(query.sql)
    evidence = query_document(query, result)
    draft.documents.append(evidence)
    said = {name: json_value(value) for name, value in values.items()}
    rows: list[Row] = [dict(zip(_names(result), row, strict=True)) for row in result.rows]
    draft.anomalies.extend(_anomalies(query, rows, said))

    draft.blocks.append({"type": "report", "title": query.title, "text": _report(query, result, rows, said)})
    if draft.anomalies:
        lines = [f"- {anomaly.message}" for anomaly in draft.anomalies]
        draft.blocks.append({"type": "text", "text": "\n".join(["**Needs attention**", *lines])})
    if query.chart is not None and rows:
        _draw(query, query.chart, run(query.chart.sql) if query.chart.sql else result, draft)
    table: Block = {
        "type": "table",
        "title": query.title,
        "document": evidence["id"],
        "rowCount": result.row_count,
        "truncated": result.truncated,
    }
    ran: Block = {
        "type": "query",
        "query": query.name,
        "title": query.title,
        "description": query.description,
        "document": evidence["id"],
    }
    draft.blocks.extend((table, ran))


def _names(result: QueryResult) -> list[str]:
    """The columns' names, as templates and rules know them."""
    return [column.name for column in result.columns]


def _report(query: VerifiedQuery, result: QueryResult, rows: list[Row], parameters: Mapping[str, Json]) -> str:
    if not rows:
        asked = ", ".join(f"{name} {value}" for name, value in parameters.items() if value is not None)
        return f"No rows were found for {asked}."
    values = {
        "rows": rows,
        "row": rows[0],
        "row_count": result.row_count,
        "truncated": result.truncated,
        "columns": _names(result),
        "parameters": dict(parameters),
    }
    counted = f"{query.title}: {result.row_count:,} {'row' if result.row_count == 1 else 'rows'}."
    text = templates.render(query.answer, values) if query.answer else counted
    if result.truncated:
        text += f"\n\nThe result was cut off after {result.row_count:,} rows; figures cover these only."
    return text


def _anomalies(query: VerifiedQuery, rows: list[Row], parameters: Mapping[str, Json]) -> list[Anomaly]:
    found: list[Anomaly] = []
    for row in rows:
        values = {**parameters, **row}
        for rule in query.anomalies:
            if len(found) < MOST_ANOMALIES and templates.holds(rule.when, values):
                message = templates.render(rule.message, values)
                found.append(Anomaly(query=query.name, message=message, severity=rule.severity, row=row))
    return found


def _draw(query: VerifiedQuery, chart: Chart, result: QueryResult, draft: _Draft) -> None:
    try:
        document = chart_document(query, chart, result)
    except KeyError as error:
        names = ", ".join(_names(result))
        raise TemplateInvalid(
            f"the chart of {query.name} draws the column {error}, which its rows do not have",
            remedy=f"its columns are {names}",
        ) from error
    draft.documents.append(document)
    draft.blocks.append({"type": "chart", "title": document["title"], "document": document["id"]})
