"""A run on a target that documents no idempotency keys: asked for once, and looked for when the answer is lost.

The request is never sent a second time. An answer that was lost on the way is not the end, though: a run leaves
a chat, and the one new chat of the job in the list is the run that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interact_gitops.errors import Failure, RunSkipped
from interact_gitops.interact.client import Client
from interact_gitops.interact.discovery import begun_since, in_the_way
from interact_gitops.interact.errors import ApiRefusal, Forbidden, NotFound, RateLimited, TargetFailure, Unauthenticated
from interact_gitops.interact.records import ChatSummary, StartedChat, Triggered

LOOK_SECONDS = 10.0  # how long a chat is looked for whose trigger was not answered
LOOK_EVERY = 1.0


class StartUnknown(Failure):
    """The answer to a trigger was lost, and the list of chats does not say what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a trigger started; `adopted` when its answer was lost and the chat was found in the list."""

    triggered: Triggered
    adopted: bool = False


def start_once(
    client: Client,
    job_id: str,
    *,
    timeout: int,
    now: Callable[[], datetime],
    parameters: Mapping[str, Any] | None = None,
    combinations: Sequence[Mapping[str, Any]] | None = None,
    max_parallel: int | None = None,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Started:
    """Start a run of a job unless one is in progress, with one trigger at most.

    `timeout` (seconds) is how long a chat of unknown status counts as in progress. Raises RunSkipped when a run is
    in progress, StartUnknown when nobody can say whether it started, and whatever the client raises for a run that
    certainly did not start.
    """
    before = job_chats(client, job_id)
    _demand_free(job_id, in_the_way(before, now=now(), timeout=timeout))
    try:
        triggered = client.trigger(job_id, parameters=parameters, combinations=combinations, max_parallel=max_parallel)
    except TargetFailure as failure:
        if not failure.maybe_done:
            if _is_about_the_job(failure):
                with suppress(TargetFailure):  # what the trigger met says more than what the list meets now
                    _demand_free(job_id, in_the_way(job_chats(client, job_id), now=now(), timeout=timeout))
            raise
        chat = _look(client, job_id, before, failure, sleep=sleep, clock=clock)
        return Started(triggered=Triggered(job_id=job_id, chats=(StartedChat(id=chat.id),)), adopted=True)
    return Started(triggered=triggered)


def job_chats(client: Client, job_id: str) -> list[ChatSummary]:
    """The chats of one job; what a list that does not filter says too much is left out."""
    return [chat for chat in client.chats(job_id=job_id) if chat.job_id == job_id]


def _demand_free(job_id: str, chat: ChatSummary | None) -> None:
    if chat is None:
        return
    since = f", since {chat.created_at:%Y-%m-%d %H:%M} UTC" if chat.created_at else ""
    if chat.state == "unknown":
        said = f"job {job_id}: its chat {chat.id} has the status {chat.status!r}, which may mean in progress{since}"
        raise RunSkipped(said, remedy="see it in Interact; it no longer counts once the job's timeout has passed")
    said = f"job {job_id}: a run is in progress, {chat.id}{since}"
    raise RunSkipped(said, remedy=f"wait for it; `interact-gitops chat {chat.id}` shows it")


def _is_about_the_job(failure: TargetFailure) -> bool:
    """Whether a refusal may mean that a run is in progress: how hosted Interact says so is not documented."""
    return isinstance(failure, ApiRefusal) and not isinstance(
        failure, Unauthenticated | Forbidden | NotFound | RateLimited
    )


def _look(
    client: Client,
    job_id: str,
    before: Sequence[ChatSummary],
    lost: TargetFailure,
    *,
    sleep: Callable[[float], object],
    clock: Callable[[], float],
) -> ChatSummary:
    """The one chat that began since `before`. Raises StartUnknown for none, or several."""
    until = clock() + LOOK_SECONDS
    while True:
        try:
            found = begun_since(before, job_chats(client, job_id))
        except TargetFailure as failure:
            said = f"{lost.message}; whether the run started cannot be seen, because: {failure.message}"
            raise StartUnknown(said, remedy=_CHECK) from lost
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(chat.id for chat in found[:5])
            said = f"{lost.message}; {len(found)} chats began since, and none can be told to be this run: {several}"
            raise StartUnknown(said, remedy="see them with `interact-gitops chat ID`; do not run the job again before")
        if clock() >= until:
            said = f"{lost.message}; no new chat of the job is listed after {LOOK_SECONDS:.0f} seconds"
            raise StartUnknown(said, remedy=_CHECK) from lost
        sleep(LOOK_EVERY)


_CHECK = "see `interact-gitops history JOB` in a few minutes, and run the job again only if no run has appeared"
