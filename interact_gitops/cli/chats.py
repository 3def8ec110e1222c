"""Runs as commands show and find them: a chat by id or prefix, waiting for chats, one chat in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from interact_gitops.errors import SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import Chat, ChatSummary, RemoteJob

POLL_FIRST = 0.2  # seconds; grows to POLL_LAST, since most runs end soon and long ones need no haste
POLL_LAST = 5.0


def find_run(client: Client, named: str) -> str:
    """The id of the chat that `named` means: an id, a run key, or a unique prefix of one.

    Raises SelectionInvalid when there is none, or more than one.
    """
    from interact_gitops.interact.errors import NotFound

    try:
        return client.chat(named).id
    except NotFound:
        pass
    found = [c for c in client.chats() if c.id.startswith(named) or (c.run_key or "").startswith(named)]
    if len(found) == 1:
        return found[0].id
    if not found:
        raise SelectionInvalid(f"there is no run {named!r}", remedy="see `interact-gitops history`")
    shown = ", ".join(c.id for c in found[:5])
    raise SelectionInvalid(f"{named!r} is the beginning of {len(found)} runs: {shown} …", remedy="give more of the id")


def find_runs(client: Client, named: str, *, whole: bool) -> list[str]:
    """The ids of the chats that `named` means: one, or with `whole` or a run key all of its fan-out's."""
    by_key = [c for c in client.chats() if c.run_key == named]
    if by_key:
        return [c.id for c in by_key]
    chat = client.chat(find_run(client, named))
    group = chat.raw.get("groupId")
    if not whole or group is None:
        return [chat.id]
    return [c.id for c in client.chats(job_id=chat.job_id) if c.raw.get("groupId") == group]


def find_remote_job(client: Client, key: str) -> RemoteJob:
    """The job with this key on the target. Raises SelectionInvalid with the nearest key."""
    from interact_gitops.errors import did_you_mean

    jobs = client.jobs()
    for job in jobs:
        if job.key == key:
            return job
    near = did_you_mean(key, [job.key for job in jobs])
    remedy = near or "see `interact-gitops list`; `interact-gitops apply` brings jobs there"
    raise SelectionInvalid(f"there is no job {key!r} on the target", remedy=remedy)


def wait_for(
    client: Client, job_id: str, chat_ids: Sequence[str], changed: Callable[[ChatSummary], None]
) -> dict[str, ChatSummary]:
    """Follow chats until none is active, with one list call at a time; `changed` hears of every new state."""
    known: dict[str, ChatSummary] = {}
    wanted = set(chat_ids)
    pause = POLL_FIRST
    while True:
        news: dict[str, ChatSummary] = {}
        for summary in client.chats(job_id=job_id):
            if summary.id in wanted and (summary.id not in known or known[summary.id].status != summary.status):
                known[summary.id] = news[summary.id] = summary
            if len(known) == len(wanted) and summary.id not in wanted and summary.state != "active":
                break  # newest first: what comes now is older than everything that is waited for
        for chat_id in chat_ids:
            if chat_id in news:
                changed(news[chat_id])
        if len(known) == len(wanted) and all(summary.state != "active" for summary in known.values()):
            return known
        time.sleep(pause)
        pause = min(pause * 1.5, POLL_LAST)


def parameters_words(parameters: object) -> str:
    """`campaign_id=CMP-2026-001 days=7`, or a dash."""
    if not isinstance(parameters, dict) or not parameters:
        return "—"
    return " ".join(f"{name}={_word(value)}" for name, value in parameters.items())


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def title_of(chat: Chat | ChatSummary) -> str:
    """The job's name, or what stands for it."""
    return chat.job_name or "ad-hoc question"
