"""The jobs of a target that lists none: those that ran, seen through its chats (interact-api.md, section 3).

Pure. What is not seen here may still be there: a job that never ran leaves no chat, and the list of chats is
not documented to be complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from interact_gitops.interact.records import ChatSummary

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJob:
    """A job that ran at least once. Its name and agent are those of its newest chat that tells them."""

    id: str
    name: str | None
    agent_id: str | None
    agent_name: str | None
    runs: int
    last: ChatSummary = field(repr=False)


def newest_first(chats: Iterable[ChatSummary]) -> list[ChatSummary]:
    """Chats by their time, newest first; those of unknown time last. No order of the list is documented."""
    return sorted(chats, key=lambda chat: chat.created_at or _LONG_AGO, reverse=True)


def seen_jobs(chats: Iterable[ChatSummary]) -> tuple[SeenJob, ...]:
    """Every job that the chats tell of, by name and id; ad-hoc chats belong to none."""
    by_job: dict[str, list[ChatSummary]] = {}
    for chat in newest_first(chats):
        if chat.job_id:
            by_job.setdefault(chat.job_id, []).append(chat)
    found = [
        SeenJob(
            id=job_id,
            name=next((chat.job_name for chat in its if chat.job_name), None),
            agent_id=next((chat.agent_id for chat in its if chat.agent_id), None),
            agent_name=next((chat.agent_name for chat in its if chat.agent_name), None),
            runs=len(its),
            last=its[0],
        )
        for job_id, its in by_job.items()
    ]
    return tuple(sorted(found, key=lambda job: (job.name or "", job.id)))


def in_the_way(chats: Iterable[ChatSummary], *, now: datetime, timeout: int) -> ChatSummary | None:
    """The newest chat that is in progress, or may be: one whose status we do not know counts as in progress
    until `timeout` seconds after its creation (ledger.md, rule 7)."""
    oldest = now - timedelta(seconds=timeout)
    for chat in newest_first(chats):
        if chat.state == "active":
            return chat
        if chat.state == "unknown" and chat.created_at is not None and chat.created_at > oldest:
            return chat
    return None


def begun_since(before: Sequence[ChatSummary], now: Iterable[ChatSummary]) -> list[ChatSummary]:
    """The chats that are listed now, were not before, and are not older than what was listed before.

    Times are compared with the target's own only: this machine's clock may be another.
    """
    known = {chat.id for chat in before}
    newest = max((chat.created_at for chat in before if chat.created_at), default=_LONG_AGO)
    return [chat for chat in now if chat.id not in known and (chat.created_at is None or chat.created_at >= newest)]
