"""Interact as its public documentation has it, on a real socket, and nothing more (interact-api.md, section 1).

Trigger, list of chats, one chat; everything else is the web site's page. What the documentation leaves open can be
chosen: the form of the trigger's answer, the words for a status, how a chat looks, how a second run is refused.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ..client.scripted import Reply, Request, Scripted

KEY = "int_" + "h0sted" * 8
ORGANIZATION = "org-hosted"
PAGE = b"<html><body><h1>This page could not be found</h1></body></html>"
ANALYST = ("agt_1", "Paid Search Analyst")
SHOP = ("agt_2", "Shop Analyst")


@dataclass
class Hosted:
    """The state behind the socket. `statuses` is what a run's status is at each look, the last one for good."""

    jobs: dict[str, tuple[str, tuple[str, str]]] = field(default_factory=dict)  # id → name, (agent id, agent name)
    chats: list[dict[str, Any]] = field(default_factory=list)
    statuses: Sequence[str] = ("running", "completed")
    permissions: frozenset[str] = frozenset({"agent_jobs_read", "agent_jobs_trigger"})
    flat_answer: bool = False
    absent: int = 404  # the status of what is not there
    busy: Callable[[str], Reply] = lambda _chat: Reply(status=409, body=b"Conflict", kind="text/plain")
    shape: Callable[[dict[str, Any]], Any] = lambda chat: {"chat": chat}
    answer_to_trigger: Reply | None = None
    listing_lag: float = 0.0  # seconds after which a new chat is listed
    latency: float = 0.0
    filters: bool = True
    bodies: list[bytes] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _looks: dict[str, int] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def job(self, job_id: str, name: str, agent: tuple[str, str] = ANALYST, *, ran: str | None = "completed") -> None:
        """A job that somebody made in Interact's form; with `ran`, it ran an hour ago and ended so."""
        self.jobs[job_id] = (name, agent)
        if ran is not None:
            self.chat(job_id, status=ran, created=datetime.now(UTC) - timedelta(hours=1))

    def chat(
        self, job_id: str | None, *, status: str, created: datetime | None = None, initiator: str = "schedule"
    ) -> str:
        with self._lock:
            name, agent = self.jobs[job_id] if job_id else ("", ANALYST)
            chat_id = f"chat-{next(self._numbers)}"
            made = {
                "id": chat_id,
                "status": status,
                "initiator": initiator,
                "createdAt": (created or datetime.now(UTC)).isoformat().replace("+00:00", "Z"),
                "job": {"id": job_id, "name": name} if job_id else None,
                "agent": {"id": agent[0], "name": agent[1]},
            }
            self.chats.insert(0, made)
            return chat_id

    def started(self, job_id: str | None = None) -> list[str]:
        """The chats that triggers started."""
        return [
            chat["id"]
            for chat in self.chats
            if chat["initiator"] == "api" and (job_id is None or (chat["job"] or {}).get("id") == job_id)
        ]

    def __call__(self, request: Request) -> Reply:
        if self.latency:
            time.sleep(self.latency)
        if request.headers.get("x-api-key") != KEY or request.headers.get("x-organization-id") != ORGANIZATION:
            return Reply(status=401, body={"error": "Invalid API key"})
        parts = request.path.strip("/").split("/")
        if (
            request.method == "POST"
            and len(parts) == 5
            and parts[:3] == ["api", "agents", "jobs"]
            and parts[4] == "trigger"
        ):
            return self._allowed("agent_jobs_trigger") or self._trigger(parts[3], request)
        if request.method == "GET" and request.path == "/api/agents/chats":
            return self._allowed("agent_jobs_read") or self._list(request)
        if request.method == "GET" and len(parts) == 4 and parts[:3] == ["api", "agents", "chats"]:
            return self._allowed("agent_jobs_read") or self._one(parts[3])
        return Reply(status=self.absent, body=PAGE, kind="text/html")

    def _allowed(self, permission: str) -> Reply | None:
        if permission in self.permissions:
            return None
        return Reply(status=403, body={"error": f"API key lacks permission {permission}"})

    def _trigger(self, job_id: str, request: Request) -> Reply:
        with self._lock:
            self.bodies.append(request.body)
            if job_id not in self.jobs:
                return Reply(status=404, body={"error": "Job not found"})
            if self.answer_to_trigger is not None:
                return self.answer_to_trigger
            running = [c for c in self.chats if (c["job"] or {}).get("id") == job_id and c["status"] == "running"]
            if running:
                return self.busy(running[0]["id"])
            chat_id = self.chat(job_id, status=self.statuses[0], initiator="api")
            self._looks[chat_id] = 0
            self._since[chat_id] = time.monotonic()
            if self.flat_answer:
                return Reply(body={"success": True, "chat_id": chat_id, "job_id": job_id})
            return Reply(body={"success": True, "chat": {"id": chat_id}, "job": {"id": job_id}})

    def _list(self, request: Request) -> Reply:
        assert set(request.query) <= {"agentId", "jobId"}, "nothing undocumented is asked"
        with self._lock:
            job_id, agent_id = request.query.get("jobId"), request.query.get("agentId")
            shown = []
            for chat in self.chats:
                if time.monotonic() - self._since.get(chat["id"], float("-inf")) < self.listing_lag:
                    continue
                if self.filters and job_id and (chat["job"] or {}).get("id") != job_id:
                    continue
                if self.filters and agent_id and chat["agent"]["id"] != agent_id:
                    continue
                self._advance(chat)
                shown.append(dict(chat))
            return Reply(body={"chats": shown})

    def _one(self, chat_id: str) -> Reply:
        with self._lock:
            for chat in self.chats:
                if chat["id"] == chat_id:
                    return Reply(body=self.shape(record(chat)))
        return Reply(status=404, body={"error": "Chat not found"})

    def _advance(self, chat: dict[str, Any]) -> None:
        if chat["id"] in self._looks:
            at = min(self._looks[chat["id"]], len(self.statuses) - 1)
            chat["status"] = self.statuses[at]
            self._looks[chat["id"]] += 1


def record(chat: dict[str, Any]) -> dict[str, Any]:
    """One chat in full, in a form that hosted Interact may well have."""
    return {
        **chat,
        "completedAt": None,
        "messages": [
            {"role": "user", "content": "How did the campaigns do?"},
            {"role": "assistant", "content": [{"type": "text", "text": "**CMP-1** did best."}]},
        ],
        "documents": [
            {"id": "doc-1", "title": "Spend", "columns": ["campaign", "spend"],
             "rows": [["CMP-1", 12.5], ["CMP-2", None]], "sql": "select campaign, spend from ads"},
            {"id": "doc-2", "kind": "chart", "spec": {"mark": "bar"}},
        ],
    }  # fmt: skip


def serve(**options: Any) -> tuple[Scripted, Hosted]:
    """A hosted Interact to enter with `with`, and its state."""
    hosted = Hosted(**options)
    return Scripted(hosted), hosted
