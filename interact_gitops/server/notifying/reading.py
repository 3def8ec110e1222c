"""A delivery → the event that it tells of, read from the permanent records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from interact_gitops.notify.events import LEVELS, Event, Finding, Level, Part, Remark, Result, RunEnded
from interact_gitops.server.clock import seconds_between
from interact_gitops.server.store import chats, groups, records
from interact_gitops.server.store.chats import StoredChat
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.deliveries import StoredDelivery

MOST_PARTS = 50
"""How many chats of a run are read for a message; the others are counted."""


def read_event(db: Connection, delivery: StoredDelivery) -> Event:
    """What happened, as of the run's end."""
    if delivery.group_seq is None:
        assert delivery.remark is not None
        return Remark(
            id=delivery.event, topic=delivery.topic, level=cast("Level", delivery.level), **delivery.remark
        )  # fmt: skip
    group = groups.get(db, delivery.group_seq)
    counts = chats.results_of_group(db, group.seq)
    found = records.anomalies_of_group(db, group.seq)
    worst = max(found, key=LEVELS.index, default=None)
    seqs = records.telling_of_group(db, group.seq, most=MOST_PARTS)
    first = chats.get(db, seqs[0])
    started, ended = groups.span(db, group.seq)
    return RunEnded(
        id=delivery.event,
        time=group.closed_at or delivery.created_at,
        job_key=first.job_key,
        job_name=first.job_name,
        agent=first.agent_name,
        run_key=group.run_key,
        trigger=group.run_trigger,
        initiator=group.initiator,
        scheduled_at=group.scheduled_at,
        fan_out=group.fan_out,
        parts=tuple(_part(db, chats.get(db, seq)) for seq in seqs),
        total={cast("Result", result): count for result, count in counts.items()},
        findings=sum(found.values()),
        worst_finding=worst,
        seconds=seconds_between(started, ended) if started and ended else 0.0,
        failures=delivery.failures,
        recovered_after=delivery.recovered_after,
    )


def _part(db: Connection, chat: StoredChat) -> Part:
    noticed = [
        event for event in records.events(db, chat.seq) if event.topic == "anomaly" and event.attempt == chat.attempt
    ]
    return Part(
        chat_id=chat.id,
        result=cast("Result", chat.status),
        parameters=chat.parameters,
        answer=_answer([m for m in records.messages(db, chat.seq) if m.role == "agent" and m.attempt == chat.attempt]),
        error=chat.error.message if chat.error else None,
        remedy=chat.error.remedy if chat.error else None,
        findings=tuple(Finding(level=cast("Level", event.level), message=event.message) for event in noticed),
        seconds=chat.run_seconds if chat.started_at else None,
    )


def _answer(turns: Sequence[records.Message]) -> str:
    """What the agent said, in order: its reports, or where it wrote none its other texts."""
    said: list[str] = []
    for turn in turns:
        reports = [f"**{block['title']}**\n\n{block['text']}" if len(turns) > 1 else block["text"]
                   for block in turn.blocks if block["type"] == "report"]  # fmt: skip
        said += reports or [block["text"] for block in turn.blocks if block["type"] == "text"]
    return "\n\n".join(said)
