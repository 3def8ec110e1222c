"""`/chats/{id}`: one run's questions and answers, with the evidence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interact_gitops.jobs.model import Scalar
from interact_gitops.notify.messages.cleaning import first_lines, plain, shown
from interact_gitops.notify.messages.message import Line
from interact_gitops.server.clock import from_text, seconds_between
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.answers import Page
from interact_gitops.server.pages.charts import Chart, draw_chart
from interact_gitops.server.pages.provenance import Provenance, provenance
from interact_gitops.server.pages.tables import ResultTable, result_table
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import TRIGGERS, duration, values, who
from interact_gitops.server.store import chats, groups, jobs, overview, records, sync
from interact_gitops.server.store.chats import FINISHED, RunError, StoredChat
from interact_gitops.server.store.records import Event, Message, StoredDocument

MOST_LINES, MOST_CHARACTERS = 400, 40_000
MOST_ROW_TEXT = 4 * 1024 * 1024  # characters of a document's rows that are read for a page
_ERRORS = {
    "timeout": "It took too long",
    "cancelled": "It was cancelled",
    "interrupted": "It was interrupted",
    "superseded": "Another run took its place",
    "no_match": "No verified query answers this question",
    "refused": "The query was refused",
    "internal": "The server met a bug",
    "invalid": "The answer could not be made",
}
_STATUS = {"queued": "Waiting", "running": "Running", "completed": "Completed", "failed": "Failed",
           "cancelled": "Cancelled"}  # fmt: skip


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
class Moment:
    """A line of the run's times."""

    name: str
    when: datetime | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPage:
    """One chat. `job_there` is false where the job was deleted since."""

    id: str
    status: str
    status_words: str
    job_id: str
    job_name: str
    job_there: bool
    agent: str
    combination: str
    turns: tuple[Turn, ...]
    left_open: bool
    error: Part | None
    anomalies: tuple[tuple[str, str], ...]
    earlier: tuple[tuple[int, str], ...]
    times: tuple[Moment, ...]
    parameters: tuple[tuple[str, str], ...]
    trigger: str
    initiator: str
    run_key: str
    group_id: str
    model: str
    definition_hash: str
    origin: Provenance
    previous: str | None
    following: str | None
    busy: bool
    again: str | None


def show_chat(visit: Visit) -> Page:
    """GET /chats/{chat_id}"""
    with visit.instance.database.read() as db:
        chat = chats.demand(db, visit.organisation_id, visit.path["chat_id"])
        job = jobs.find(db, visit.organisation_id, chat.job_id)
        group = groups.get(db, chat.group_seq)
        messages = records.messages(db, chat.seq)
        documents = {one.id: one for one in records.documents(db, chat.seq)}
        attempts = records.attempts(db, chat.seq)
        events = records.events(db, chat.seq)
        previous, following = overview.neighbours(db, visit.organisation_id, chat.job_id, chat.seq, chat.combination)
        standings = sync.every(db, visit.organisation_id)
    schedule = timetable.text_of(job.definition) if job else None
    anomalies = tuple(_anomalies(events, chat))
    turns = tuple(
        _turn(message, chat, documents, {plain(said) for _, said in anomalies})
        for message in messages
        if message.attempt == chat.attempt
    )
    value = ChatPage(
        id=chat.id,
        status=chat.status,
        status_words=_STATUS[chat.status],
        job_id=chat.job_id,
        job_name=chat.job_name,
        job_there=job is not None,
        agent=chat.agent_name,
        combination=values(chat.combination) if chat.combination else "",
        turns=turns,
        left_open=bool(turns) and turns[-1].asked,
        error=_chat_error(chat, turns),
        anomalies=anomalies,
        earlier=tuple(
            (one.number, one.error.message if one.error else one.status)
            for one in attempts
            if one.number < chat.attempt or (chat.status == "queued" and one.status == "failed")
        ),
        times=tuple(_times(chat, schedule)),
        parameters=_pairs(chat.parameters),
        trigger=TRIGGERS[chat.run_trigger],
        initiator=who(chat.initiator),
        run_key=chat.run_key,
        group_id=chat.group_id,
        model=_model(chat),
        definition_hash=chat.definition_hash,
        origin=provenance(
            managed_by=job.managed_by if job else None,
            path=job.source_path if job else None,
            commit=chat.git_commit,
            standings=standings,
        ),
        previous=previous,
        following=following,
        busy=chat.status not in FINISHED,
        again=_again(chat, job_there=job is not None, closed=group.state == "closed", fan_out=group.fan_out),
    )
    return Page(template="chat.html", value=value)


def _turn(
    message: Message, chat: StoredChat, documents: Mapping[str, StoredDocument], anomalies: Collection[str]
) -> Turn:
    parts = [_part(block, chat, documents) for block in message.blocks]
    told = tuple(part for part in parts if part is not None and not _repeats(part, anomalies))
    return Turn(asked=message.role == "user", parts=told)


def _repeats(part: Part, anomalies: Collection[str]) -> bool:
    """Whether a text is the list of anomalies, which stands on top of the page with their levels."""
    items = [line.text for line in part.lines if line.item]
    return part.kind == "text" and bool(items) and all(item in anomalies for item in items)


def _part(block: Mapping[str, Any], chat: StoredChat, documents: Mapping[str, StoredDocument]) -> Part | None:
    kind = block["type"]
    if kind in {"text", "report"}:
        lines, cut = first_lines(block["text"], lines=MOST_LINES, characters=MOST_CHARACTERS)
        return Part(kind=kind, title=block.get("title", ""), lines=lines, cut=cut)
    if kind == "error":
        return Part(
            kind=kind, title=_ERRORS.get(block["kind"], "The query failed"), said=block["message"],
            remedy=block["remedy"],
        )  # fmt: skip
    document = documents.get(block["document"])
    if document is None:
        return None
    return Part(
        kind=kind, title=block["title"], evidence=_evidence(document, chat, description=block.get("description", ""))
    )


def _evidence(document: StoredDocument, chat: StoredChat, *, description: str) -> Evidence:
    record = document.record
    readable = len(document.rows) <= MOST_ROW_TEXT
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
        parameters=_pairs(record["parameters"]),
        engine=f"{record['engine']} {record['engineVersion']}",
        seconds=record["durationSeconds"],
        table=result_table(record, rows) if readable else None,
        chart=draw_chart(record, rows) if record["kind"] == "chart" and readable else None,
        csv=f"{place}.csv",
        json=f"{place}.json",
    )


def _chat_error(chat: StoredChat, turns: Sequence[Turn]) -> Part | None:
    """Why there is no answer, where no turn says it."""
    error: RunError | None = chat.error
    told = any(part.kind == "error" for turn in turns for part in turn.parts)
    if error is None or told:
        return None
    title = _ERRORS.get(error.kind, "It failed")
    return Part(kind="error", title=title, said=error.message, remedy=error.remedy)


def _anomalies(events: Iterable[Event], chat: StoredChat) -> Iterable[tuple[str, str]]:
    for event in events:
        if event.topic == "anomaly" and event.attempt == chat.attempt:
            yield event.level, event.message


def _times(chat: StoredChat, schedule: str | None) -> Iterable[Moment]:
    def moment(text: str) -> datetime:
        return timetable.local(schedule, from_text(text))

    yield Moment(name="Asked for", when=moment(chat.created_at), words="")
    if chat.scheduled_at[:16] != chat.created_at[:16]:
        yield Moment(name="Stands for", when=moment(chat.scheduled_at), words="")
    if chat.started_at:
        yield Moment(name="Waited", when=None, words=duration(seconds_between(chat.created_at, chat.started_at)))
        yield Moment(name="Started", when=moment(chat.started_at), words="")
    if chat.finished_at:
        if chat.started_at:
            yield Moment(name="Ran", when=None, words=duration(chat.run_seconds))
        yield Moment(name="Ended", when=moment(chat.finished_at), words="")
    if chat.status == "queued" and chat.ready_at:
        yield Moment(name="Tries again", when=moment(chat.ready_at), words="")
    if chat.max_attempts > 1:
        yield Moment(name="Attempt", when=None, words=f"{chat.attempt} of {chat.max_attempts}")


def _model(chat: StoredChat) -> str:
    if chat.model is None:
        return ""
    tokens = f", {chat.input_tokens or 0:,} tokens read, {chat.output_tokens or 0:,} written"
    return chat.model + tokens


def _again(chat: StoredChat, *, job_there: bool, closed: bool, fan_out: bool) -> str | None:
    """What the button says; None where there is nothing to run again."""
    if not job_there or not closed or chat.status not in {"failed", "cancelled"}:
        return None
    return "Run failed again" if fan_out else "Run again"


def _pairs(given: Mapping[str, Scalar | None]) -> tuple[tuple[str, str], ...]:
    return tuple((name, shown(value)) for name, value in given.items())
