"""`/chats/{id}`: one run's questions and answers, with the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from interact_gitops.notify.messages.cleaning import plain
from interact_gitops.server.clock import from_text, seconds_between
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.answers import Page
from interact_gitops.server.pages.job import once_token
from interact_gitops.server.pages.provenance import Provenance, provenance
from interact_gitops.server.pages.turns import Part, Turn, failure, pairs, readable, turn_of
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import TRIGGERS, again_words, duration, values, who
from interact_gitops.server.store import chats, groups, jobs, overview, records, sync
from interact_gitops.server.store.chats import FINISHED, RunError, StoredChat
from interact_gitops.server.store.records import Event

_STATUS = {"queued": "Waiting", "running": "Running", "completed": "Completed", "failed": "Failed",
           "cancelled": "Cancelled"}  # fmt: skip


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
    once: str


def show_chat(visit: Visit) -> Page:
    """GET /chats/{chat_id}"""
    with visit.instance.database.read() as db:
        chat = chats.demand(db, visit.organisation_id, visit.path["chat_id"])
        job = jobs.find(db, visit.organisation_id, chat.job_id)
        group = groups.get(db, chat.group_seq)
        messages = records.messages(db, chat.seq)
        documents = readable(records.documents(db, chat.seq))
        attempts = records.attempts(db, chat.seq)
        events = records.events(db, chat.seq)
        previous, following = overview.neighbours(db, visit.organisation_id, chat.job_id, chat.seq, chat.combination)
        standings = sync.every(db, visit.organisation_id)
        once = once_token(visit, db, job) if job else ""
    schedule = timetable.text_of(job.definition) if job else None
    anomalies = tuple(_anomalies(events, chat))
    turns = tuple(
        turn_of(message, chat, documents, {plain(said) for _, said in anomalies})
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
        error=_chat_error(chat, turns),
        anomalies=anomalies,
        earlier=tuple(
            (one.number, one.error.message if one.error else one.status)
            for one in attempts
            if one.number < chat.attempt or (chat.status == "queued" and one.status == "failed")
        ),
        times=tuple(_times(chat, schedule)),
        parameters=pairs(chat.parameters),
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
        once=once,
    )
    return Page(template="chat.html", value=value)


def _chat_error(chat: StoredChat, turns: Sequence[Turn]) -> Part | None:
    """Why there is no answer, where no turn says it."""
    error: RunError | None = chat.error
    told = any(part.kind == "error" for turn in turns for part in turn.parts)
    if error is None or told:
        return None
    return failure(error.kind, error.message, error.remedy, otherwise="It failed")


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
    return again_words(fan_out=fan_out, failed=chat.status == "failed")
