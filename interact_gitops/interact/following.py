"""Runs followed through what every target documents: the list of a job's chats, and each chat itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import ApiRefusal, NotFound, RateLimited, TargetFailure
from interact_gitops.interact.records import ChatSummary

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between looks: most runs end soon, and long ones need no haste
UNKNOWN_SECONDS = 60.0  # how long a status that we do not know has to stay before it counts as the last one
SILENCE_SECONDS = 120.0  # how long a target may fail to answer while a run goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A chat as it was last seen; `at` is when its status changed, in seconds of the caller's clock."""

    chat: ChatSummary
    at: float


def follow(
    client: Client,
    job_id: str,
    chat_ids: Sequence[str],
    changed: Callable[[ChatSummary], None],
    *,
    seconds: float,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, ChatSummary]:
    """Follow chats until each has ended, or `seconds` have passed: then those that have not are still `active`,
    `unknown` or missing in the answer. `changed` hears of every new status.

    A target that cannot be reached for a while is asked again; raises its failure when it stays silent, or says no.
    """
    seen: dict[str, Watched] = {}
    start = answered = clock()
    pause = FIRST_PAUSE
    while True:
        try:
            news = _look(client, job_id, chat_ids)
            answered = clock()
        except TargetFailure as failure:
            refused = isinstance(failure, ApiRefusal) and not isinstance(failure, RateLimited)
            if refused or clock() - answered > SILENCE_SECONDS:
                raise
            news = {}
        for chat_id, chat in news.items():
            if chat_id not in seen or seen[chat_id].chat.status != chat.status:
                seen[chat_id] = Watched(chat=chat, at=clock())
                changed(chat)
        if len(seen) == len(set(chat_ids)) and all(_ended(watched, clock()) for watched in seen.values()):
            break
        left = start + seconds - clock()
        if left <= 0:
            break
        sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return {chat_id: seen[chat_id].chat for chat_id in chat_ids if chat_id in seen}


def _look(client: Client, job_id: str, chat_ids: Sequence[str]) -> dict[str, ChatSummary]:
    """Each chat as the list tells it, or, where the list has it not, the chat itself."""
    wanted = set(chat_ids)
    found = {chat.id: chat for chat in client.chats(job_id=job_id) if chat.id in wanted}
    for chat_id in wanted - found.keys():
        try:
            found[chat_id] = client.chat(chat_id)
        except NotFound:
            continue  # not there yet, or no longer
    return found


def _ended(watched: Watched, now: float) -> bool:
    if watched.chat.state == "unknown":
        return now - watched.at >= UNKNOWN_SECONDS
    return watched.chat.state != "active"
