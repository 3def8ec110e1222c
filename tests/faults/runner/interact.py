"""Interact in memory on a real socket, with and without the definitions API, and a clock of its own that nobody sets.

With it (`full`): jobs, triggers with idempotency keys and combinations, lists. Without: what hosted Interact documents,
a list that lags behind, a second run of a job refused. Chats end by themselves, and every one is kept and counted.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.wire import definition_hash, job_to_wire

from ...contract.client.scripted import Reply, Request, problem

OURS = "acme/jobs"
PAGE = Reply(status=404, body=b"<html><body><h1>This page could not be found</h1></body></html>", kind="text/html")


@dataclass
class Chat:
    """`began` by the clock of seconds; `key` is what the caller named its request, heeded or not."""

    id: str
    job: str
    key: str
    created: str
    began: float


@dataclass
class Interact:
    """`takes` and `lag` in seconds: from a chat's beginning to its end, and to its first place in a list."""

    jobs: Sequence[Job]
    full: bool
    takes: float = 0.1
    lag: float = 0.0
    chats: list[Chat] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)  # requests that arrived, by key
    _by_job: dict[str, list[Chat]] = field(default_factory=dict)
    _by_key: dict[str, list[Chat]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Reply:
        """One answer."""
        parts = request.path.strip("/").split("/")
        with self._lock:
            if request.method == "POST" and parts[-1] == "trigger":
                return self._trigger(parts[3], request)
            if request.path == "/api/agents/chats":
                return self._list(request.query.get("jobId"))
            if request.path == "/api/agents/jobs" and self.full:
                return Reply(body={"jobs": [self._wire(job) for job in self.jobs], "nextCursor": None})
        return PAGE

    def counted(self) -> Counter[str]:
        """Chats by the key of their request."""
        with self._lock:
            return Counter(chat.key for chat in self.chats)

    def _trigger(self, job: str, request: Request) -> Reply:
        key = request.headers["idempotency-key"]
        self.asked[key] += 1
        known = self._by_job.setdefault(job, [])
        if self.full and key in self._by_key:
            made = self._by_key[key]
        elif not self.full and any(self._active(chat) for chat in known):
            return problem(409, "", "a run is in progress")
        else:
            body = request.json or {}
            made = [self._chat(job, key, n) for n in range(len(body.get("combinations", [0])))]
            self._by_key.setdefault(key, []).extend(made)
            known += made
        answer = {"success": True, "chat": {"id": made[0].id}, "job": {"id": job}}
        return Reply(body={**answer, "chats": [{"id": chat.id} for chat in made]} if self.full else answer)

    def _chat(self, job: str, key: str, number: int) -> Chat:
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        chat = Chat(f"chat-{len(self.chats)}-{number}", job, key, created, time.monotonic())
        self.chats.append(chat)
        return chat

    def _list(self, job: str | None) -> Reply:
        found = self.chats if job is None else self._by_job.get(job, [])
        shown = [
            {"id": chat.id, "status": "running" if self._active(chat) else "completed", "createdAt": chat.created,
             "initiator": "api", "job": {"id": chat.job, "name": chat.job}, "agent": {"id": "agt_1", "name": "Analyst"},
             **({"runKey": chat.key} if self.full else {})}
            for chat in reversed(found)
            if time.monotonic() - chat.began >= self.lag
        ]  # fmt: skip
        return Reply(body={"chats": shown, "nextCursor": None} if self.full else {"chats": shown})

    def _active(self, chat: Chat) -> bool:
        return time.monotonic() - chat.began < self.takes

    def _wire(self, job: Job) -> dict[str, object]:
        wire = job_to_wire(job)
        wire["agent"] = {"id": "agt_1", "slug": job.agent}
        said = definition_hash(job_to_wire(job))
        return {
            **wire, "id": job.key, "scheduleEnabled": False, "managedBy": OURS, "definitionHash": said,
            "appliedHash": said, "etag": '"1"', "createdAt": "2026-11-01T00:00:00Z",
            "updatedAt": "2026-11-01T00:00:00Z",
        }  # fmt: skip
