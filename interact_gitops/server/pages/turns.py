"""What was said in a chat, with the evidence that it names. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interact_gitops.jobs.model import Scalar
from interact_gitops.notify.messages.cleaning import first_lines, shown
from interact_gitops.notify.messages.message import Line
from interact_gitops.server.pages.charts import Chart, draw_chart
from interact_gitops.server.pages.tables import ResultTable, result_table
from interact_gitops.server.store.chats import StoredChat
from interact_gitops.server.store.records import Message, StoredDocument

MOST_LINES, MOST_CHARACTERS = 400, 40_000
MOST_ROW_TEXT = 8 * 1024 * 1024  # characters of rows that are read for one page
ERRORS = {
    "timeout": "It took too long",
    "cancelled": "It was cancelled",
    "interrupted": "It was interrupted",
    "superseded": "Another run took its place",
    "no_match": "The question could not be answered",
    "refused": "The query was refused",
    "internal": "The server met a bug",
    "invalid": "The answer could not be made",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A query with its SQL, or a chart, as it is shown: `sql_as_run` only where it differs from what was written."""

    id: str
    kind: str
    title: str
    query: str
    description: str
    sql: str
    sql_as_run: str | None
    parameters: tuple[tuple[str, str], ...]
    engine: str
    seconds: float
    table: ResultTable | None
    chart: Chart | None
    csv: str
    json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A block of a message. Which fields are filled follows from `kind`: text, report, table, chart, query, error."""

    kind: str
    title: str = ""
    lines: tuple[Line, ...] = ()
    cut: bool = False
    evidence: Evidence | None = None
    said: str = ""
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question or an answer."""

    asked: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document; `readable`: its rows are few enough for a page."""

    document: StoredDocument
    readable: bool


def readable(found: Iterable[StoredDocument]) -> dict[str, Found]:
    """A chat's documents by id."""
    documents, left = {}, MOST_ROW_TEXT
    for one in found:
        left -= len(one.rows)
        documents[one.id] = Found(document=one, readable=left >= 0)
    return documents


def turn_of(message: Message, chat: StoredChat, documents: Mapping[str, Found], anomalies: Collection[str]) -> Turn:
    """A message as it is shown. `anomalies`: what stands on top of the page, and is not said twice."""
    parts = [_part(block, chat, documents) for block in message.blocks]
    told = tuple(part for part in parts if part is not None and not _repeats(part, anomalies))
    return Turn(asked=message.role == "user", parts=told)


def _repeats(part: Part, anomalies: Collection[str]) -> bool:
    """Whether a text is the list of anomalies, which stands on top of the page with their levels."""
    items = [line.text for line in part.lines if line.item]
    return part.kind == "text" and bool(items) and all(item in anomalies for item in items)


def _part(block: Mapping[str, Any], chat: StoredChat, documents: Mapping[str, Found]) -> Part | None:
    kind = block["type"]
    if kind in {"text", "report"}:
        lines, cut = first_lines(block["text"], lines=MOST_LINES, characters=MOST_CHARACTERS)
        return Part(kind=kind, title=block.get("title", ""), lines=lines, cut=cut)
    if kind == "error":
        return failure(block["kind"], block["message"], block["remedy"], otherwise="The query failed")
    found = documents.get(block["document"])
    if found is None:
        return None
    return Part(
        kind=kind, title=block["title"], evidence=_evidence(found, chat, description=block.get("description", ""))
    )


def failure(kind: str, message: str, remedy: str | None, *, otherwise: str) -> Part:
    """What went wrong, under its title; what only says the title once more is left out."""
    title = ERRORS.get(kind, otherwise)
    said = message.removeprefix(f"{title[:1].lower()}{title[1:]}: ")
    return Part(kind="error", title=title, said="" if said == "the run was cancelled" else said, remedy=remedy)


def _evidence(found: Found, chat: StoredChat, *, description: str) -> Evidence:
    document, record, readable = found.document, found.document.record, found.readable
    rows: Sequence[Sequence[Any]] = json.loads(document.rows) if readable else ()
    place = f"/chats/{chat.id}/documents/{document.id}"
    return Evidence(
        id=document.id,
        kind=record["kind"],
        title=record["title"],
        query=record["query"],
        description=description,
        sql=record["sql"].strip("\n"),
        sql_as_run=record["sqlAsRun"] if record["sqlAsRun"].strip() != record["sql"].strip() else None,
        parameters=pairs(record["parameters"]),
        engine=f"{record['engine']} {record['engineVersion']}",
        seconds=record["durationSeconds"],
        table=result_table(record, rows) if readable else None,
        chart=draw_chart(record, rows) if record["kind"] == "chart" and readable else None,
        csv=f"{place}.csv",
        json=f"{place}.json",
    )


def pairs(given: Mapping[str, Scalar | None]) -> tuple[tuple[str, str], ...]:
    """Names and values, as people write them."""
    return tuple((name, shown(value)) for name, value in given.items())
