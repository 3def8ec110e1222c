"""A target behind the API: hosted Interact, or a served one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from interact_gitops.errors import Failure, RunSkipped
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import (
    AlreadyFinished,
    ApiRefusal,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    NotStarted,
    RateLimited,
    RunInProgress,
    TargetFailure,
    Unauthenticated,
    Unreachable,
)
from interact_gitops.interact.records import ChatSummary, Triggered
from interact_gitops.runner.target import Answer, Request, SeenChat, TargetSilent, Verdict

_CONFLICT = 409  # without a code of the definitions API: how hosted Interact may say that a run is in progress
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class RemoteTarget:
    """One organisation through a client. The client must repeat nothing by itself: `attempts=1`.

    `gone` is told of jobs that the target says it does not have.
    """

    def __init__(self, client: Client, *, gone: Callable[[str], object] = lambda _job: None) -> None:
        """Asks which API the target has. Raises TargetFailure."""
        self._client = client
        self._gone = gone
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
        try:
            started = trigger(self._client, request)
        except IdempotencyMismatch as failure:
            return self._ran_before(request) or answer_of(failure)
        except NotFound as failure:
            self._gone(request.remote_job)
            # A job that is bound by its id, or by its chats, will not be found elsewhere.
            return replace(answer_of(failure), verdict="gone" if self._full else "refused")
        except Failure as failure:
            answer = answer_of(failure)
            if self._full or not may_mean_busy(failure):
                return answer
            return self._busy(request.remote_job) or answer
        return Answer(verdict="started", chats=tuple(chat.id for chat in started.chats))

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        """See `Target`."""
        # A public target lists everything: what is too old is told by the clocks as this answer has them, since ours
        # may have been set after the last one.
        known = self._ahead()
        try:
            found = list(self._client.chats(job_id=remote_job, created_after=since + known if self._full else None))
        except TargetFailure as failure:
            raise _silent(failure) from failure
        ahead = self._ahead()
        seen = [seen_chat(chat, ahead=ahead) for chat in found if chat.job_id in {None, remote_job}]
        return {chat.id: chat for chat in seen if self._full or chat.created_at is None or chat.created_at >= since}

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

    def _ahead(self) -> timedelta:
        return timedelta(seconds=self._client.clock_ahead or 0.0)

    def _ran_before(self, request: Request) -> Answer | None:
        """The chats of an occurrence that the target ran by itself, or for another ledger: it never runs again."""
        scheduled = json.loads(request.payload).get("scheduledAt")
        since = datetime.fromisoformat(scheduled) - timedelta(days=1) if scheduled else _ALWAYS
        try:
            chats = self.chats(request.remote_job, since=since).values()
        except TargetSilent:
            return None
        ours = tuple(chat.id for chat in chats if chat.run_key == request.idempotency_key)
        return Answer(verdict="started", chats=ours, said="the target had run it before") if ours else None

    def _busy(self, remote_job: str) -> Answer | None:
        """The run in progress that a refusal may have meant; None where none is seen."""
        try:
            chats = self.chats(remote_job, since=_ALWAYS).values()
        except TargetSilent:
            return None
        chat = next((chat for chat in chats if chat.state == "active"), None)
        if chat is None:
            return None
        return Answer(
            verdict="busy", said=f"the target has a run of the job in progress: {chat.id}", in_the_way=chat.id
        )


def trigger(client: Client, request: Request) -> Triggered:
    """Make a request. A public target is told nothing but what it documents. Raises what the client raises."""
    body: dict[str, Any] = json.loads(request.payload)
    scheduled, full = body.get("scheduledAt"), client.surface() == "full"
    return client.trigger(
        request.remote_job,
        parameters=body.get("parameters"),
        combinations=body.get("combinations"),
        max_parallel=body.get("maxParallel"),
        trigger=body.get("trigger") if full else None,
        scheduled_at=datetime.fromisoformat(scheduled) if scheduled and full else None,
        idempotency_key=request.idempotency_key,
    )


def may_mean_busy(failure: Failure) -> bool:
    """Whether a refusal may mean that a run is in progress: how hosted Interact says so is not documented."""
    return isinstance(failure, ApiRefusal) and not isinstance(failure, Unauthenticated | Forbidden | RateLimited)


def answer_of(failure: Failure) -> Answer:
    """What a failed trigger means (ledger.md, rule 6)."""
    target = failure if isinstance(failure, TargetFailure) else None
    way = failure.chat_id if isinstance(failure, RunInProgress) else None
    return Answer(
        verdict=_verdict(failure), said=str(failure), in_the_way=way, retry_after=target.retry_after if target else None
    )  # fmt: skip


def _verdict(failure: Failure) -> Verdict:
    if isinstance(failure, RunSkipped) or _conflicts(failure):
        return "busy"
    if not isinstance(failure, TargetFailure):
        return "refused"  # by us, before anything was sent
    if failure.maybe_done:
        return "unknown"
    for kind, verdict in _VERDICTS:
        if isinstance(failure, kind):
            return verdict
    return "later" if isinstance(failure, Unreachable) and not failure.sent else "unknown"


_VERDICTS: tuple[tuple[type[TargetFailure], Verdict], ...] = (
    (Unauthenticated, "denied"),
    (Forbidden, "denied"),
    (RateLimited, "later"),
    (NotStarted, "refused"),
    (ApiRefusal, "refused"),
)


def _conflicts(failure: Failure) -> bool:
    return isinstance(failure, ApiRefusal) and failure.status == _CONFLICT and not failure.code


def seen_chat(chat: ChatSummary, *, ahead: timedelta = timedelta(0)) -> SeenChat:
    """A chat as runners see it; the target's clock is so much ahead of ours."""
    error = chat.raw.get("error")
    said = error.get("message") if isinstance(error, Mapping) else error
    return SeenChat(
        id=chat.id,
        state=chat.state,
        status=chat.status,
        created_at=chat.created_at - ahead if chat.created_at else None,
        run_key=chat.run_key,
        error=said if isinstance(said, str) else None,
    )


def _silent(failure: TargetFailure) -> TargetSilent:
    return TargetSilent(failure.message, remedy=failure.remedy, retry_after=failure.retry_after)
