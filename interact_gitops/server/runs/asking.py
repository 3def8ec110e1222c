"""One attempt at a chat: its prompts asked in order, each answer stored as soon as it is there.

A question is stored before it is asked, so that a chat in progress shows what it waits for. The last answer
and the chat's end are one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import cast

from interact_gitops.errors import Failure
from interact_gitops.server.agents.answering import Answer, Question, answer
from interact_gitops.server.agents.blocks import Block, ErrorBlock, error_block
from interact_gitops.server.agents.connectors.connector import Limits
from interact_gitops.server.clock import Clock, to_text
from interact_gitops.server.runs.crew import AgentCrew
from interact_gitops.server.runs.ending import CANCELLED, COMPLETED, INTERRUPTED, Outcome, end_chat
from interact_gitops.server.runs.stopping import StopSignal
from interact_gitops.server.store import chats, progress, records
from interact_gitops.server.store.chats import RunError, StoredChat
from interact_gitops.server.store.database import Connection, Database

log = logging.getLogger(__name__)

LONGEST_QUERY_SECONDS = 300.0


def begin_chat(db: Connection, chat_seq: int, *, now: str) -> StoredChat:
    """Moves a queued chat to running and asks its first question."""
    progress.begin(db, chat_seq, now=now)
    chat = chats.get(db, chat_seq)
    _ask(db, chat, 0, now=now)
    return chat


def run_chat(database: Database, crew: AgentCrew, chat: StoredChat, signal: StopSignal, *, clock: Clock) -> Outcome:
    """Answers a chat that has begun, and ends it. How it ended, before any retry."""
    outcome = COMPLETED
    for index in range(len(chat.prompts)):
        found = _answer(crew, chat, index, signal)
        last = index + 1 == len(chat.prompts)
        outcome, found = _judge(chat, found, signal, last=last)
        last = last or outcome is not COMPLETED
        with database.write() as db:
            now = to_text(clock())
            _keep(db, chat, found, now=now)
            if last:
                # Read again: it may have been asked to cancel since.
                end_chat(db, chats.get(db, chat.seq), outcome, now=now)
            else:
                _ask(db, chat, index + 1, now=now)
        if last:
            break
    return outcome


def _ask(db: Connection, chat: StoredChat, index: int, *, now: str) -> None:
    prompt = chat.prompts[index]
    blocks: list[Block] = [{"type": "text", "text": prompt.text}]
    records.add_message(db, chat.seq, attempt=chat.attempt, role="user", blocks=blocks, query=prompt.query, now=now)


def _answer(crew: AgentCrew, chat: StoredChat, index: int, signal: StopSignal) -> Answer:
    prompt = chat.prompts[index]
    agent = crew.by_slug(chat.agent_slug)
    if agent is None:
        return _no_answer(Failure(f"the agent {chat.agent_slug} is no longer configured"))
    question = Question(
        text=prompt.text,
        query=prompt.query,
        parameters=chat.parameters,
        run_date=date.fromisoformat(chat.run_date),
        limits=Limits(timeout_seconds=max(0.001, min(signal.remaining(), LONGEST_QUERY_SECONDS))),
        cancelled=signal,
    )
    try:
        return answer(agent, crew.connector(agent), question)
    except Failure as failure:
        return _no_answer(failure)
    except Exception:  # the edge of a worker: one chat's bug must not end the others' thread
        log.exception("chat %s: answering met a bug", chat.id)
        return _no_answer(Bug("the server met a bug; its log has the details"))


class Bug(Failure):
    """An exception that nobody expected."""

    kind = "internal"


def _no_answer(failure: Failure) -> Answer:
    return Answer(blocks=(error_block(failure),), documents=(), failure=failure)


def _judge(chat: StoredChat, found: Answer, signal: StopSignal, *, last: bool) -> tuple[Outcome, Answer]:
    """How the prompt ended. A stopped run says why it was stopped, not what the engine made of it; a whole
    answer to the last prompt is kept, whatever came while it was written."""
    reason = signal.reason
    if found.failure is None and (reason is None or last):
        return COMPLETED, found
    if reason is None:
        assert found.failure is not None
        said = cast("ErrorBlock", found.blocks[-1])
        return _failed(said["kind"], found.failure), found
    if reason == "shutdown":
        outcome = INTERRUPTED
    elif reason == "timeout":
        limit = f"the run was stopped after its timeout of {chat.timeout_seconds} s"
        outcome = _failed("timeout", Failure(limit, remedy="raise the job's timeout, or ask for less"))
    else:
        outcome = CANCELLED
    assert outcome.error is not None
    kept: Sequence[Block] = found.blocks[:-1] if found.failure else found.blocks
    block: ErrorBlock = {
        "type": "error",
        "kind": outcome.error.kind,
        "message": outcome.error.message,
        "remedy": outcome.error.remedy,
    }
    return outcome, Answer(
        blocks=(*kept, block),
        documents=found.documents,
        anomalies=found.anomalies,
        failure=found.failure,
        usage=found.usage,
        model=found.model,
    )


def _failed(kind: str, failure: Failure) -> Outcome:
    return Outcome(status="failed", error=RunError(kind=kind, message=failure.message, remedy=failure.remedy))


def _keep(db: Connection, chat: StoredChat, found: Answer, *, now: str) -> None:
    """The agent's turn with its evidence, and what it noticed."""
    records.add_message(db, chat.seq, attempt=chat.attempt, role="agent", blocks=found.blocks, now=now)
    for document in found.documents:
        records.add_document(db, chat.seq, document, attempt=chat.attempt, now=now)
    for anomaly in found.anomalies:
        event = records.Event(
            topic="anomaly",
            level=anomaly.severity,
            attempt=chat.attempt,
            message=anomaly.message,
            detail={"query": anomaly.query, "row": anomaly.row},
            created_at=now,
        )
        records.add_event(db, chat.organisation_id, chat.seq, event)
    if found.model is not None and found.usage is not None:
        progress.add_usage(
            db,
            chat.seq,
            model=found.model,
            input_tokens=found.usage.input_tokens,
            output_tokens=found.usage.output_tokens,
        )
