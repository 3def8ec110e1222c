"""The client against the embedded server: every call, every refusal, as both really are."""

from __future__ import annotations

import csv
import io
import logging
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.errors import ExitCode, Failure
from interact_gitops.interact import client as client_module
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import (
    AgentInactive,
    AlreadyFinished,
    ApiRefusal,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    KeyTaken,
    NotFound,
    Protected,
    RateLimited,
    RunInProgress,
    Stale,
    Unauthenticated,
    Unreachable,
)
from interact_gitops.interact.records import Chat
from interact_gitops.server.options import RateLimit
from interact_gitops.server.serving import EmbeddedServer

from .scripted import Reply, Scripted, forward


def body(key: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "key": key, "name": key.title(), "agent": {"slug": "tester"}, "managedBy": "m",
        "prompts": [{"text": "Quick, please", "query": "quick"}], **changes,
    }  # fmt: skip


ENDLESS = [{"text": "For ever", "query": "endless"}]


def ended(client: Client, chat_id: str) -> Chat:
    deadline = time.monotonic() + 30
    while (chat := client.chat(chat_id)).state == "active":
        assert time.monotonic() < deadline, chat.raw
        time.sleep(0.02)
    return chat


def test_surface_and_agents(home: Client) -> None:
    assert home.surface() == "full"
    agents = {agent.slug: agent for agent in home.agents()}
    assert agents["tester"].active
    assert agents["tester"].name == "Tester"
    assert not agents["retired-analyst"].active


def test_a_jobs_life(home: Client) -> None:
    made = home.create_job(body(), idempotency_key="k1")
    assert (made.key, made.name, made.managed_by, made.schedule_enabled, made.paused) == ("a", "A", "m", True, False)
    assert made.definition_hash
    assert home.job(made.id) == home.jobs()[0] == made
    replaced = home.replace_job(made.id, body(name="B"), etag=made.etag or "")
    assert (replaced.id, replaced.name) == (made.id, "B")
    assert replaced.etag != made.etag
    assert home.pause_job(made.id, reason="holiday").paused
    assert not home.resume_job(made.id).paused
    now = home.job(made.id)
    assert now.etag == replaced.etag, "a pause is apart from the definition"
    home.delete_job(made.id, etag=now.etag or "")
    assert home.jobs() == []
    assert [stone.key for stone in home.jobs(deleted=True)] == ["a"]
    with pytest.raises(NotFound):
        home.job(made.id)


def test_jobs_come_page_by_page(home: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        home.create_job(body(f"j{number}", managedBy="m" if number % 2 else None), idempotency_key=f"k{number}")
    monkeypatch.setattr(client_module, "PAGE", 2)
    assert [job.key for job in home.jobs()] == ["j0", "j1", "j2", "j3", "j4"]
    assert [job.key for job in home.jobs(managed_by="m")] == ["j1", "j3"]


def test_a_create_twice_is_one(home: Client) -> None:
    first = home.create_job(body(), idempotency_key="same")
    assert home.create_job(body(), idempotency_key="same").id == first.id
    with pytest.raises(IdempotencyMismatch):
        home.create_job(body(name="Other"), idempotency_key="same")
    with pytest.raises(KeyTaken, match="another job") as taken:
        home.create_job(body(name="Other"), idempotency_key="other")
    assert "adopt" in (taken.value.remedy or "")


def test_writes_that_are_stale(home: Client) -> None:
    made = home.create_job(body(), idempotency_key="k")
    home.replace_job(made.id, body(name="B"), etag=made.etag or "")
    with pytest.raises(Stale, match="update job a") as stale:
        home.replace_job(made.id, body(name="C"), etag=made.etag or "")
    assert "plan again" in (stale.value.remedy or "")
    with pytest.raises(Stale):
        home.delete_job(made.id, etag=made.etag or "")


def test_a_protected_job_stays(home: Client) -> None:
    made = home.create_job(body(protect=True), idempotency_key="k")
    assert made.protect
    with pytest.raises(Protected):
        home.delete_job(made.id, etag=made.etag or "")


def test_what_is_invalid_is_named(home: Client) -> None:
    with pytest.raises(Invalid, match="/agent/slug") as invalid:
        home.create_job(body(agent={"slug": "tesler"}), idempotency_key="k")
    assert [pointer for pointer, _ in invalid.value.faults] == ["/agent/slug"]


def test_runs(home: Client) -> None:
    parameters = {"n": {"type": "integer", "default": 3}}
    made = home.create_job(body(parameters=parameters), idempotency_key="k")
    began = datetime.now(UTC) - timedelta(seconds=5)
    one = home.trigger(made.id, parameters={"n": 4}, trigger="manual", idempotency_key="run-1")
    assert home.trigger(made.id, parameters={"n": 4}, trigger="manual", idempotency_key="run-1") == one
    assert one.job_id == made.id
    chat = ended(home, one.chats[0].id)
    assert chat.state == "succeeded"
    assert chat.parameters == {"n": 4}
    assert (chat.job_id, chat.job_key, chat.agent_name, chat.run_key) == (made.id, "a", "Tester", "run-1")
    document = chat.raw["documents"][0]
    rows = list(csv.reader(io.StringIO(home.document_csv(chat.id, document["id"]))))
    assert rows == [["n"], ["4"]]
    assert [summary.id for summary in home.chats(job_id=made.id)] == [chat.id]
    assert list(home.chats(status="failed")) == []
    assert [summary.id for summary in home.chats(status="completed", created_after=began, most=5)] == [chat.id]
    assert list(home.chats(created_after=datetime.now(UTC) + timedelta(hours=1))) == []
    with pytest.raises(AlreadyFinished):
        home.cancel_chat(chat.id)
    with pytest.raises(NotFound):
        home.chat("nope")
    with pytest.raises(NotFound):
        home.document_csv(chat.id, "nope")


def test_a_fan_out(home: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = home.create_job(body(parameters={"n": {"type": "integer"}}), idempotency_key="k")
    started = home.trigger(made.id, combinations=[{"n": 1}, {"n": 2}, {"n": 3}], max_parallel=2)
    assert [chat.parameters for chat in started.chats] == [{"n": 1}, {"n": 2}, {"n": 3}]
    for chat in started.chats:
        assert ended(home, chat.id).state == "succeeded"
    monkeypatch.setattr(client_module, "PAGE", 2)
    assert len(list(home.chats())) == 3
    assert len(list(home.chats(most=2))) == 2


def test_overlap_and_cancel(home: Client) -> None:
    made = home.create_job(body(prompts=ENDLESS), idempotency_key="k")
    started = home.trigger(made.id)
    with pytest.raises(RunInProgress) as running:
        home.trigger(made.id)
    assert running.value.exit_code == ExitCode.RUN_SKIPPED
    assert running.value.chat_id == started.chats[0].id
    assert started.chats[0].id in (running.value.remedy or "")
    home.cancel_chat(started.chats[0].id)
    assert ended(home, started.chats[0].id).state == "cancelled"
    home.cancel_chat(started.chats[0].id)


def test_an_inactive_agent(home: Client) -> None:
    made = home.create_job(
        body(agent={"slug": "retired-analyst"}, prompts=[{"text": "Hello", "query": None}]), idempotency_key="k"
    )
    with pytest.raises(AgentInactive):
        home.trigger(made.id)


def test_keys_that_may_not(embedded: EmbeddedServer, stack: ExitStack) -> None:
    organization, _ = embedded.create_organization("keys")
    reader = embedded.create_key({"agent_jobs_read"}, organization_id=organization)
    starter = embedded.create_key({"agent_jobs_trigger"}, organization_id=organization)

    def client(key: str, organization_id: str) -> Client:
        return stack.enter_context(Client(embedded.url, key, organization_id))

    assert client(reader, organization).surface() == "full"
    with pytest.raises(Forbidden, match="create job a"):
        client(reader, organization).create_job(body(), idempotency_key="k")
    with pytest.raises(Forbidden):
        client(starter, organization).surface()
    with pytest.raises(Forbidden):
        client(reader, embedded.organization_id).jobs()
    with pytest.raises(Unauthenticated) as refused:
        client("int_" + "x" * 48, organization).jobs()
    assert refused.value.code == "unauthenticated"
    assert "x" * 48 not in str(refused.value)


def test_a_rate_limit_is_met_with_patience(tmp_path: Path, stack: ExitStack) -> None:
    limit = RateLimit(per_second=40, burst=4)
    server = stack.enter_context(EmbeddedServer(tmp_path, port=0, rate_limit=limit))
    front = stack.enter_context(Scripted(forward(server.url)))
    client = stack.enter_context(Client(front.url, server.api_key, server.organization_id))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: client.jobs(), range(12))) == [[]] * 12
    assert len(front.requests) > 12, "some were turned away, and came again"


def test_several_threads_share_connections(embedded: EmbeddedServer, stack: ExitStack) -> None:
    organization, key = embedded.create_organization("threads")
    front = stack.enter_context(Scripted(forward(embedded.url)))
    client = stack.enter_context(Client(front.url, key, organization))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: client.create_job(body(f"j{i}"), idempotency_key=f"k{i}"), range(24)))
    assert len(client.jobs()) == 24
    assert len(front.requests) == 25
    assert front.connections <= 5
    assert {request.headers["user-agent"].partition("/")[0] for request in front.requests} == {"interact-gitops"}


def test_secrets_are_nowhere(
    embedded: EmbeddedServer, home: Client, stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in what is logged, however much is logged, nor in what is printed or raised."""
    organization, key = embedded.create_organization("secrets")
    caplog.set_level(logging.DEBUG)
    client = stack.enter_context(Client(embedded.url, key, organization))
    made = client.create_job(body(), idempotency_key="k")
    with pytest.raises(ApiRefusal) as refused:
        client.create_job(body(), idempotency_key="l")
    shown = [repr(client), repr(vars(client)), repr(made), repr(refused.value), str(refused.value), caplog.text]
    assert caplog.records, "httpx logs its requests"
    assert not [text for text in shown if key in text]


def test_nobody_there(stack: ExitStack) -> None:
    waits: list[float] = []
    client = stack.enter_context(Client("http://127.0.0.1:9", "int_x", "o", sleep=waits.append))
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9 cannot be reached") as unreachable:
        client.jobs()
    assert "interact-gitops serve" in (unreachable.value.remedy or "")
    assert not unreachable.value.sent
    assert waits == []  # nobody will be there in a second either


@pytest.mark.parametrize("call", [lambda c: c.jobs(), lambda c: c.create_job(body(), idempotency_key="k")])
def test_given_up(stack: ExitStack, call: Callable[[Client], object]) -> None:
    client = stack.enter_context(Client("http://127.0.0.1:9", "int_x", "o"))
    client.give_up()
    began = time.monotonic()
    with pytest.raises(Unreachable):
        call(client)
    assert time.monotonic() - began < 0.15, "the first pause alone may be longer"


def test_rate_limited_for_good(stack: ExitStack) -> None:
    server = stack.enter_context(Scripted(lambda _request: pytest.fail("never asked")))
    server.trouble = lambda _request, _number: "429"
    client = stack.enter_context(Client(server.url, "int_x", "o", sleep=lambda _seconds: None))
    with pytest.raises(RateLimited) as limited:
        client.jobs()
    assert "--parallelism" in (limited.value.remedy or "")
    assert len(server.requests) == 6


@pytest.mark.parametrize("url", ["https://interact.example.com", "HTTPS://interact.example.com"])
def test_certificates_are_checked(stack: ExitStack, url: str) -> None:
    client = stack.enter_context(Client(url, "int_x", "o"))
    context = client._transport._httpx._transport._pool._ssl_context  # type: ignore[attr-defined]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_certificate_nobody_vouches_for(stack: ExitStack) -> None:
    """A server that speaks no TLS stands for every handshake that fails."""
    server = stack.enter_context(Scripted(lambda _request: Reply(body={"jobs": []})))
    client = stack.enter_context(
        Client(server.url.replace("http:", "https:"), "int_x", "o", sleep=lambda _seconds: None)
    )
    with pytest.raises(Unreachable, match="https://127"):
        client.jobs()
    assert server.requests == []


def test_a_url_with_a_password_is_refused_unseen() -> None:
    with pytest.raises(Failure, match="password") as refused:
        Client("https://anna:s3cret@interact.example.com", "int_x", "o")
    assert "s3cret" not in str(refused.value)
