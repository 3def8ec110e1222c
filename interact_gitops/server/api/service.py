"""Agents, health, metrics, and the API's own description."""

from __future__ import annotations

import functools
import sqlite3

from interact_gitops.server.api.bodies import DOCUMENT
from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.shapes import schema_path


def list_agents(call: Call) -> Reply:
    """GET /api/agents"""
    agents = [
        {
            "id": agent.id,
            "slug": agent.slug,
            "name": agent.name,
            "description": agent.description,
            "active": agent.active,
        }
        for agent in call.instance.crew.agents
    ]
    return answer({"agents": agents})


def healthz(_call: Call) -> Reply:
    """GET /healthz: the process answers."""
    return answer({"status": "ok"})


def readyz(call: Call) -> Reply:
    """GET /readyz: the store can be read, chats are being run and told of, and the server is not stopping."""
    scheduler = call.instance.scheduler
    checks = {
        "store": _store_answers(call),
        "runs": call.instance.runs.alive(),
        "notifications": call.instance.courier.alive(),
    }
    if scheduler is not None:
        checks["schedules"] = scheduler.alive()
    ready = all(checks.values()) and not call.instance.stopping.is_set()
    return answer({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


def metrics(call: Call) -> Reply:
    """GET /metrics"""
    return Reply(content=call.instance.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def openapi(_call: Call) -> Reply:
    """GET /api/openapi.json"""
    return Reply(content=_document())


def _store_answers(call: Call) -> bool:
    try:
        with call.instance.database.read() as db:
            db.execute("SELECT 1 FROM organisations LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    return True


@functools.cache
def _document() -> bytes:
    return schema_path(DOCUMENT).read_bytes()
