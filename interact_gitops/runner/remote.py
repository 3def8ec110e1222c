"""A target behind the API: hosted Interact, or a served one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interact_gitops.errors import Failure, RunSkipped
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import (
    AlreadyFinished,
    ApiRefusal,
    Forbidden,
    RateLimited,
    RunInProgress,
    TargetFailure,
    Unauthenticated,
    Unreachable,
)
from interact_gitops.interact.records import ChatSummary
from interact_gitops.runner.target import Answer, Request, SeenChat, TargetSilent, Verdict


class RemoteTarget:
    """One organisation through a client. The client must repeat nothing by itself: `attempts=1`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._full = client.surface() == "full"

    @property
    def repeats(self) -> bool:
        """Idempotency keys are part of the definitions API; hosted Interact documents none."""
        return self._full

    @property
    def retries(self) -> bool:
        """A target that has the definitions has `retries` and `timeout` among them."""
        return self._full

    def start(self, request: Request) -> Answer:
        """See `Target`."""
        body: dict[str, Any] = json.loads(request.payload)
        scheduled = body.get("scheduledAt")
        try:
            started = self._client.trigger(
                request.remote_job,
                parameters=body.get("parameters"),
                combinations=body.get("combinations"),
                max_parallel=body.get("maxParallel"),
                trigger=body.get("trigger") if self._full else None,
                scheduled_at=datetime.fromisoformat(scheduled) if scheduled and self._full else None,
                idempotency_key=request.idempotency_key,
            )
        except Failure as failure:
            return answer_of(failure)
        return Answer(verdict="started", chats=tuple(chat.id for chat in started.chats))

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        """See `Target`."""
        try:
            found = self._client.chats(job_id=remote_job, created_after=since)
            seen = {chat.id: _seen(chat) for chat in found if chat.job_id in {None, remote_job}}
        except TargetFailure as failure:
            raise _silent(failure) from failure
        return seen

    def cancel(self, chat: str) -> bool:
        """See `Target`."""
        if not self._full:
            return False
        try:
            self._client.cancel_chat(chat)
        except AlreadyFinished:
            return True
        except TargetFailure as failure:
            raise _silent(failure) from failure
        return True


def answer_of(failure: Failure) -> Answer:
    """What a failed trigger means (ledger.md, rule 6)."""
    target = failure if isinstance(failure, TargetFailure) else None
    way = failure.chat_id if isinstance(failure, RunInProgress) else None
    return Answer(
        verdict=_verdict(failure), said=str(failure), in_the_way=way, retry_after=target.retry_after if target else None
    )  # fmt: skip


def _verdict(failure: Failure) -> Verdict:
    if isinstance(failure, RunSkipped):
        return "busy"
    if not isinstance(failure, TargetFailure):
        return "refused"  # by us, before anything was sent
    if failure.maybe_done:
        return "unknown"
    if isinstance(failure, Unauthenticated | Forbidden):
        return "denied"
    if isinstance(failure, RateLimited) or (isinstance(failure, Unreachable) and not failure.sent):
        return "later"
    return "refused" if isinstance(failure, ApiRefusal) else "unknown"


def _seen(chat: ChatSummary) -> SeenChat:
    error = chat.raw.get("error")
    said = error.get("message") if isinstance(error, Mapping) else error
    return SeenChat(
        id=chat.id,
        state=chat.state,
        status=chat.status,
        created_at=chat.created_at,
        run_key=chat.run_key,
        error=said if isinstance(said, str) else None,
    )


def _silent(failure: TargetFailure) -> TargetSilent:
    return TargetSilent(failure.message, remedy=failure.remedy, retry_after=failure.retry_after)
