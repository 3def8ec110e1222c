"""The client against what hosted Interact documents (interact-api.md, section 1), and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from interact_gitops.errors import Refused
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import (
    NotFound,
    ServerFault,
    Unauthenticated,
    UnexpectedAnswer,
    Unreachable,
)

from .conftest import KEY, ORGANIZATION
from .scripted import CARRIED_OUT, Answer, Reply, Request, Scripted, Trouble

Serve = Callable[..., tuple[Scripted, Client]]
NOT_FOUND_PAGE = Reply(status=404, body=b"<html>404: This page could not be found</html>", kind="text/html")
CHATS = [
    {"id": "c2", "status": "running", "initiator": "api", "createdAt": "2026-11-23T08:00:00Z",
     "job": {"id": "j1", "name": "Weekly"}, "agent": {"id": "a1", "name": "Analyst"}},
    {"id": "c1", "status": "completed", "initiator": "schedule", "createdAt": "2026-11-16T08:00:00Z",
     "job": None, "agent": {"id": "a1", "name": "Analyst"}},
    {"id": "c0", "status": "pondering", "initiator": "someone", "createdAt": "lately",
     "job": {"id": "j1", "name": "Weekly"}, "agent": None},
]  # fmt: skip


def hosted(trigger: Any = None, chat: Any = None) -> Answer:
    """The documented calls; everything else is the web site's page."""

    def answer(request: Request) -> Reply:
        if request.headers.get("x-api-key") != KEY or request.headers.get("x-organization-id") != ORGANIZATION:
            return Reply(status=401, body=b"Unauthorized", kind="text/plain")
        if request.method == "POST" and request.path.endswith("/trigger"):
            return Reply(body=trigger)
        if request.path == "/api/agents/chats":
            assert set(request.query) <= {"agentId", "jobId"}, "nothing undocumented is asked"
            return Reply(body={"chats": CHATS})
        if request.path.startswith("/api/agents/chats/") and chat is not None:
            return Reply(body=chat)
        return NOT_FOUND_PAGE

    return answer


def test_the_surface(scripted: Serve) -> None:
    server, client = scripted(hosted())
    assert client.surface() == client.surface() == "public"
    assert [(request.method, request.target) for request in server.requests] == [("GET", "/api/agents/jobs?limit=1")]
    with pytest.raises(NotFound, match="could not be found"):
        client.jobs()


def test_a_web_site_that_answers_everything(scripted: Serve) -> None:
    _, client = scripted(lambda _request: Reply(body=b"<html>Welcome</html>", kind="text/html"))
    with pytest.raises(UnexpectedAnswer, match="Welcome") as strange:
        client.surface()
    assert "api: public" in (strange.value.remedy or "")


def test_a_wrong_key(scripted: Serve) -> None:
    server, _ = scripted(hosted())
    with Client(server.url, "int_wrong", ORGANIZATION) as client, pytest.raises(Unauthenticated, match="Unauthorized"):
        client.surface()


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "chat": {"id": "c9"}, "job": {"id": "j1"}},
        {"success": True, "chat_id": "c9", "job_id": "j1"},
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_both_forms_of_a_triggers_answer(scripted: Serve, answer: dict[str, Any], asked: bool) -> None:
    server, client = scripted(hosted(trigger=answer))
    if asked:
        client.surface()
    started = client.trigger("j1")
    assert (started.job_id, [chat.id for chat in started.chats]) == ("j1", ["c9"])
    assert server.requests[-1].body == b""
    assert "content-type" not in server.requests[-1].headers


def test_a_public_trigger_has_no_body_and_takes_no_parameters(scripted: Serve) -> None:
    server, client = scripted(hosted(trigger={"success": True, "chat_id": "c9"}))
    assert client.surface() == "public"
    client.trigger("j1", trigger="manual", scheduled_at=datetime(2026, 11, 23, tzinfo=UTC), idempotency_key="k")
    assert server.requests[-1].body == b""
    with pytest.raises(Refused, match="no parameters"):
        client.trigger("j1", parameters={"n": 1})
    assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [t for t in CARRIED_OUT if not t.startswith("429")])
@pytest.mark.parametrize("surface", ["asked", "not asked"])
def test_a_trigger_is_never_sent_twice(scripted: Serve, trouble: Trouble, surface: str) -> None:
    """Hosted Interact documents no idempotency key, so having sent one makes nothing safe."""
    server, client = scripted(hosted(trigger={"success": True, "chat_id": "c9"}), timeout_seconds=0.2)
    server.slow_seconds = 0.5
    if surface == "asked":
        client.surface()
    server.trouble = lambda _request, _number: trouble
    with pytest.raises((ServerFault, Unreachable, UnexpectedAnswer)) as failed:
        client.trigger("j1", idempotency_key="k")
    assert [request.method for request in server.requests].count("POST") == 1
    assert failed.value.maybe_done or not CARRIED_OUT[trouble]


def test_chats(scripted: Serve) -> None:
    _, client = scripted(hosted())
    found = list(client.chats())
    assert [(chat.id, chat.state) for chat in found] == [("c2", "active"), ("c1", "succeeded"), ("c0", "unknown")]
    assert [chat.job_name for chat in found] == ["Weekly", None, "Weekly"]
    assert found[2].created_at is None
    assert [chat.id for chat in client.chats(status="running")] == ["c2"]
    assert [chat.id for chat in client.chats(most=1)] == ["c2"]
    assert [chat.id for chat in client.chats(created_after=datetime(2026, 11, 20, tzinfo=UTC))] == ["c2", "c0"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_chat_whose_form_nobody_documents(scripted: Serve, wrapped: bool) -> None:
    record = {"id": "c1", "status": "done", "messages": [{"from": "user"}], "newThing": {"deep": [1]}}
    _, client = scripted(hosted(chat={"chat": record} if wrapped else record))
    chat = client.chat("c1")
    assert (chat.id, chat.state) == ("c1", "succeeded")
    assert chat.raw["newThing"] == {"deep": [1]}


def test_a_known_public_target_is_not_probed(scripted: Serve) -> None:
    server, _ = scripted(hosted())
    with Client(server.url, KEY, ORGANIZATION, api="public") as client:
        assert client.surface() == "public"
        assert len(list(client.chats(status="running"))) == 1
    assert [request.path for request in server.requests] == ["/api/agents/chats"]


def test_a_lost_write_says_that_it_may_be_done(scripted: Serve) -> None:
    server, client = scripted(hosted(trigger={"success": True, "chat_id": "c9"}))
    server.trouble = lambda _request, _number: "reset after"
    with pytest.raises(Unreachable, match="may have been carried out"):
        client.trigger("j1")
    with pytest.raises(Unreachable) as read:
        client.chat("c1")
    assert "carried out" not in str(read.value)
