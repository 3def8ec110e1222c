"""A target's API as methods: the public surface everywhere, the definitions API where it is offered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self

from interact_gitops.errors import Refused
from interact_gitops.interact.bodies import is_written, items, one_job, part, read, whole
from interact_gitops.interact.channels import Channels
from interact_gitops.interact.errors import AlreadyFinished, KeyTaken, NotFound, NotStarted, Stale, UnexpectedAnswer
from interact_gitops.interact.locks import Locks
from interact_gitops.interact.loops import Loops
from interact_gitops.interact.paging import PAGE, pages
from interact_gitops.interact.records import (
    Chat,
    ChatSummary,
    RemoteAgent,
    RemoteJob,
    Triggered,
    read_agent,
    read_job,
    read_summary,
    read_triggered,
)
from interact_gitops.interact.surfaces import Surface, ask_surface
from interact_gitops.interact.transport import MAX_ATTEMPTS, PATIENCE, Transport

_JOBS, _CHATS = "/api/agents/jobs", "/api/agents/chats"


class Client:
    """One organisation on one target. Use it in a `with`; several threads may share it.

    `api` says which API the target has; `auto` asks it when that matters. `trigger_body="send"` sends parameters to
    a public target too, in a body that nobody documents. `timeout_seconds` bounds each wait for the target,
    `patience_seconds` all `attempts` of a request together.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        organization_id: str,
        *,
        api: Literal["auto", "public", "full"] = "auto",
        trigger_body: Literal["omit", "send"] = "omit",
        timeout_seconds: float = 30.0,
        attempts: int = MAX_ATTEMPTS,
        patience_seconds: float = PATIENCE,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        headers = {"X-API-Key": api_key, "X-Organization-Id": organization_id}
        self._transport = Transport(
            url, headers, timeout_seconds=timeout_seconds, attempts=attempts, patience=patience_seconds, sleep=sleep,
            clock=clock,
        )  # fmt: skip
        self._surface: Surface | None = None if api == "auto" else api
        self._sends_body = trigger_body == "send"
        self.channels = Channels(self._transport)
        self.locks = Locks(self._transport)
        self.loops = Loops(self._transport)

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds the target's clock is ahead of ours, as its last answer says; None if it does not."""
        return self._transport.clock_ahead

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def give_up(self) -> None:
        """Repeat no request any more, in any thread: for when somebody pressed Ctrl-C and wants to go home."""
        self._transport.give_up()

    def surface(self) -> Surface:
        """Which API the target offers, asked once (interact-api.md, section 3).

        Raises Unauthenticated or Forbidden when the key cannot tell.
        """
        if self._surface is None:
            self._surface = ask_surface(self._transport)
        return self._surface

    def agents(self) -> list[RemoteAgent]:
        """Every agent of the organisation."""
        answer = self._transport.send("GET", "/api/agents", what="list agents")
        return [read(read_agent, raw, "list agents") for raw in items(answer, "agents", "list agents")]

    def jobs(self, *, managed_by: str | None = None, deleted: bool = False) -> list[RemoteJob]:
        """Every job definition, page by page; with `deleted`, the tombstones instead."""
        query = {"managedBy": managed_by, "deleted": "true" if deleted else None, "limit": PAGE}
        found = [read(read_job, raw, "list jobs") for raw in pages(self._transport, _JOBS, "jobs", query, "list jobs")]
        self._surface = "full"
        return found

    def job(self, job_id: str) -> RemoteJob:
        """One job definition. Raises NotFound."""
        answer = self._transport.send("GET", f"{_JOBS}/{part(job_id)}", what=f"read job {job_id}")
        return one_job(answer, f"read job {job_id}")

    def create_job(self, body: Mapping[str, Any], *, idempotency_key: str) -> RemoteJob:
        """Create a job; repeating the call with the same key makes nothing twice.

        Raises KeyTaken when the key belongs to a job that is not the one just being made.
        """
        what = f"create job {body.get('key')}"
        try:
            answer = self._transport.send(
                "POST", _JOBS, what=what, body=body, headers={"Idempotency-Key": idempotency_key}, repeatable=True
            )
        except KeyTaken as taken:
            ours = self._made_before(body) if taken.maybe_done else None
            if ours is None:
                raise
            return ours
        return one_job(answer, what)

    def replace_job(self, job_id: str, body: Mapping[str, Any], *, etag: str) -> RemoteJob:
        """Write a whole definition if the job is still at `etag`. Raises Stale when it moved."""
        what = f"update job {body.get('key')}"
        try:
            answer = self._transport.send(
                "PUT", f"{_JOBS}/{part(job_id)}", what=what, body=body, headers={"If-Match": etag}, repeatable=True
            )
        except Stale as stale:
            if stale.maybe_done:
                now = self.job(job_id)
                if is_written(now, body):
                    return now  # our own first attempt, whose answer was lost
            raise
        return one_job(answer, what)

    def delete_job(self, job_id: str, *, etag: str, applied: bool = False) -> None:
        """Delete a job if it is still at `etag`; its chats stay. `applied`: its file is gone, so this is no drift.

        Raises Stale, Protected, NotFound.
        """
        what = f"delete job {job_id}"
        try:
            self._transport.send(
                "DELETE",
                f"{_JOBS}/{part(job_id)}",
                what=what,
                query={"applied": "true"} if applied else None,
                headers={"If-Match": etag},
                repeatable=True,
            )
        except NotFound as gone:
            if not gone.maybe_done:
                raise
        except Stale as stale:
            if not stale.maybe_done or self._is_there(job_id):
                raise

    def pause_job(self, job_id: str, *, reason: str) -> RemoteJob:
        """Let no schedule start the job until it is resumed; its definition stays as it is. Raises NotFound."""
        return self._set_pause(job_id, "pause", {"reason": reason})

    def resume_job(self, job_id: str) -> RemoteJob:
        """End a pause; a job that is not paused stays as it is. Raises NotFound."""
        return self._set_pause(job_id, "resume", None)

    def trigger(
        self,
        job_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        combinations: Sequence[Mapping[str, Any]] | None = None,
        max_parallel: int | None = None,
        trigger: str | None = None,
        scheduled_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Triggered:
        """Start a run. With nothing but the job, no body is sent: that is all that hosted Interact documents.

        A lost answer is asked for again only where the target is known to have the definitions API: hosted
        Interact documents no idempotency keys, and a second request might be a second run. For the same reason
        a target known to be public is sent no body, and no parameters are accepted for it.

        Raises RunInProgress under the overlap rule, Invalid for parameters that do not fit, Refused for
        parameters that the target cannot take.
        """
        body = {
            "parameters": dict(parameters) if parameters is not None else None,
            "combinations": [dict(c) for c in combinations] if combinations is not None else None,
            "maxParallel": max_parallel,
            "trigger": trigger,
            "scheduledAt": scheduled_at.isoformat() if scheduled_at else None,
        }
        given = {name: value for name, value in body.items() if value is not None}
        what = f"run job {job_id}"
        if self._surface == "public":
            values = {name: given[name] for name in ("parameters", "combinations", "maxParallel") if given.get(name)}
            if values and not self._sends_body:
                said = f"{what}: this target's API takes no parameters"
                raise Refused(said, remedy="give the values in the job's own prompt there")
            given = values
        answer = self._transport.send(
            "POST",
            f"{_JOBS}/{part(job_id)}/trigger",
            what=what,
            body=given or None,
            headers={"Idempotency-Key": idempotency_key} if idempotency_key else None,
            repeatable=idempotency_key is not None and self._surface == "full",
        )
        if isinstance(answer.body, dict) and answer.body.get("success") is False:
            raise NotStarted(f"{what}: the target did not start it", remedy="see the job in Interact")
        try:
            return read(read_triggered, whole(answer, what), what)
        except UnexpectedAnswer as strange:
            strange.maybe_done = True  # a success that names no chat may still have started one
            raise

    def chats(
        self,
        *,
        job_id: str | None = None,
        agent_id: str | None = None,
        status: str | None = None,
        created_after: datetime | None = None,
        most: int | None = None,
    ) -> Iterator[ChatSummary]:
        """Chats, at most `most`, newest first as the target orders them; pages are read as they are needed.

        The public API filters by job and agent only; what it says too much is left out here. A chat whose time is
        not known is not left out for its time.
        """
        query: dict[str, Any] = {"jobId": job_id, "agentId": agent_id}
        if (status or created_after or most) and self.surface() == "full":
            query["status"] = status
            query["createdAfter"] = created_after.isoformat() if created_after else None
            query["limit"] = min(most, PAGE) if most else None
        found = (
            read(read_summary, raw, "list chats")
            for raw in pages(self._transport, _CHATS, "chats", query, "list chats")
        )
        wanted = (
            chat
            for chat in found
            if (status is None or chat.status == status)
            and (created_after is None or chat.created_at is None or chat.created_at >= created_after)
        )
        yield from islice(wanted, most)

    def chat(self, chat_id: str) -> Chat:
        """One chat in full. Raises NotFound."""
        what = f"read chat {chat_id}"
        answer = self._transport.send("GET", f"{_CHATS}/{part(chat_id)}", what=what)
        raw = whole(answer, what)
        inner = raw.get("chat")
        named = inner if isinstance(inner, dict) and "id" in inner else {"id": chat_id, **raw}
        chat = read(lambda body: read_summary(body, Chat), named, what)
        assert isinstance(chat, Chat)
        return chat

    def document_csv(self, chat_id: str, document_id: str) -> str:
        """A document's rows as CSV text. Raises NotFound."""
        path = f"{_CHATS}/{part(chat_id)}/documents/{part(document_id)}"
        answer = self._transport.send("GET", path, what="read a document", query={"format": "csv"})
        if answer.body is not None:
            raise UnexpectedAnswer("read a document: the answer is JSON, not CSV", remedy="check the target's version")
        return answer.text

    def cancel_chat(self, chat_id: str) -> None:
        """Stop a run in progress. Raises AlreadyFinished for one that had ended."""
        path = f"{_CHATS}/{part(chat_id)}/cancel"
        try:
            self._transport.send("POST", path, what=f"cancel {chat_id}", repeatable=True)
        except AlreadyFinished as finished:
            if not finished.maybe_done:
                raise

    def _set_pause(self, job_id: str, verb: str, body: Mapping[str, Any] | None) -> RemoteJob:
        what, path = f"{verb} job {job_id}", f"{_JOBS}/{part(job_id)}/{verb}"
        return one_job(self._transport.send("POST", path, what=what, body=body, repeatable=True), what)

    def _is_there(self, job_id: str) -> bool:
        try:
            self.job(job_id)
        except NotFound:
            return False
        return True

    def _made_before(self, body: Mapping[str, Any]) -> RemoteJob | None:
        made = (job for job in self.jobs(managed_by=body.get("managedBy")) if job.key == body.get("key"))
        found = next(made, None)
        return found if found is not None and is_written(found, body) else None
