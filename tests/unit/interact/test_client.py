"""The client against servers that lose answers, that are odd, or that mean harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from interact_gitops.interact import paging
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import (
    AlreadyFinished,
    Forbidden,
    KeyTaken,
    NotFound,
    ServerFault,
    Stale,
    Unauthenticated,
    UnexpectedAnswer,
)

from .conftest import Script, http

JOB: dict[str, Any] = {
    "id": "job_1", "key": "a", "name": "A", "agent": {"id": "agt_1", "slug": "x"}, "etag": '"1"',
    "prompts": [{"text": "What?"}], "managedBy": "us",
}  # fmt: skip
BODY = {
    "key": "a",
    "name": "A",
    "agent": {"slug": "x"},
    "prompts": [{"text": "What?", "query": None}],
    "managedBy": "us",
}
LOST = http(500)


def problem(status: int, code: str) -> bytes:
    return http(status, {"code": code, "detail": code}, kind="application/problem+json")


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("body", [None, "<html>no such page</html>", '{"error": "not found"}'])
def test_the_public_surface_is_known_by_its_404(client: Client, script: Script, status: int, body: str | None) -> None:
    script.steps = [http(status, body, kind="text/html" if body and body[0] == "<" else "application/json")]
    assert client.surface() == "public"
    assert client.surface() == "public"
    assert len(script.requests) == 1


def test_the_full_surface(client: Client, script: Script) -> None:
    script.steps = [http(200, {"jobs": [], "nextCursor": None})]
    assert client.surface() == "full"


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthenticated), (403, Forbidden)])
def test_a_key_that_may_not_is_no_surface(client: Client, script: Script, status: int, kind: type[Exception]) -> None:
    script.steps = [http(status, "<html>", kind="text/html")]
    with pytest.raises(kind):
        client.surface()


def test_a_delete_whose_answer_was_lost(client: Client, script: Script) -> None:
    script.steps = [LOST, problem(404, "not_found")]
    client.delete_job("job_1", etag='"1"')


def test_a_delete_says_when_it_is_applys_own(client: Client, script: Script) -> None:
    script.steps = [http(204), http(204)]
    client.delete_job("job_1", etag='"1"', applied=True)
    client.delete_job("job_1", etag='"1"')
    assert ["applied=true" in str(request) for request in script.requests] == [True, False]


def test_a_delete_of_what_was_never_there(client: Client, script: Script) -> None:
    script.steps = [problem(404, "not_found")]
    with pytest.raises(NotFound):
        client.delete_job("job_1", etag='"1"')


def test_a_delete_answered_stale_after_a_lost_answer(client: Client, script: Script) -> None:
    script.steps = [LOST, problem(412, "stale"), problem(404, "not_found")]
    client.delete_job("job_1", etag='"1"')
    script.steps = [LOST, problem(412, "stale"), http(200, {"job": JOB})]
    with pytest.raises(Stale):
        client.delete_job("job_1", etag='"1"')
    script.steps = [problem(412, "stale")]
    with pytest.raises(Stale):
        client.delete_job("job_1", etag='"1"')
    assert [method for method, *_ in script.requests] == ["DELETE", "DELETE", "GET"] * 2 + ["DELETE"]


def test_an_update_whose_answer_was_lost(client: Client, script: Script) -> None:
    script.steps = [LOST, problem(412, "stale"), http(200, {"job": {**JOB, "etag": '"2"'}})]
    assert client.replace_job("job_1", BODY, etag='"1"').etag == '"2"'


@pytest.mark.parametrize("now", [{"name": "Theirs"}, {"managedBy": "them"}, {"prompts": None}])
def test_an_update_that_somebody_overtook(client: Client, script: Script, now: dict[str, Any]) -> None:
    script.steps = [LOST, problem(412, "stale"), http(200, {"job": {**JOB, **now}})]
    with pytest.raises(Stale):
        client.replace_job("job_1", BODY, etag='"1"')
    script.steps = [problem(412, "stale")]
    with pytest.raises(Stale):
        client.replace_job("job_1", BODY, etag='"1"')


def test_a_create_whose_answer_was_lost_on_a_server_without_idempotency(client: Client, script: Script) -> None:
    others = [{**JOB, "key": "b", "id": "job_0"}, JOB]
    script.steps = [LOST, problem(409, "key_taken"), http(200, {"jobs": others})]
    assert client.create_job(BODY, idempotency_key="k").id == "job_1"
    first, second, _ = script.requests
    assert first[2]["idempotency-key"] == second[2]["idempotency-key"] == "k"


@pytest.mark.parametrize(
    "there", [[], [{**JOB, "name": "Theirs"}], [{**JOB, "managedBy": None}], [{**JOB, "key": "b"}]]
)
def test_a_key_that_somebody_else_took(client: Client, script: Script, there: list[Any]) -> None:
    script.steps = [LOST, problem(409, "key_taken"), http(200, {"jobs": there})]
    with pytest.raises(KeyTaken):
        client.create_job(BODY, idempotency_key="k")
    script.steps = [problem(409, "key_taken")]
    with pytest.raises(KeyTaken):
        client.create_job(BODY, idempotency_key="k")


def test_the_bodys_etag_counts_before_the_headers(client: Client, script: Script) -> None:
    """A proxy that compresses makes the header's weak, and a weak one never matches."""
    bare = {name: value for name, value in JOB.items() if name != "etag"}
    script.steps = [
        http(200, {"job": JOB}, ETag='W/"1"'),
        http(200, {"job": bare}, ETag='"7"'),
        http(200, {"job": bare}),
    ]
    assert [client.job("job_1").etag for _ in range(3)] == ['"1"', '"7"', None]


def test_pause_and_resume(client: Client, script: Script) -> None:
    script.steps = [LOST, http(200, {"job": {**JOB, "paused": {"reason": "r"}}}), http(200, {"job": JOB})]
    assert client.pause_job("job_1", reason="r").paused
    assert not client.resume_job("job_1").paused
    assert [(method, path) for method, path, *_ in script.requests] == [
        ("POST", "/api/agents/jobs/job_1/pause"),
        ("POST", "/api/agents/jobs/job_1/pause"),
        ("POST", "/api/agents/jobs/job_1/resume"),
    ]
    assert json.loads(script.requests[0][3]) == {"reason": "r"}


def test_a_trigger_with_nothing_but_the_job_has_no_body(client: Client, script: Script) -> None:
    script.steps = [http(200, {"success": True, "chat_id": "c", "job_id": "j"})]
    assert client.trigger("job 1").chats[0].id == "c"
    ((method, path, headers, body),) = script.requests
    assert (method, path, body) == ("POST", "/api/agents/jobs/job%201/trigger", b"")
    assert "idempotency-key" not in headers


def test_a_trigger_without_a_key_is_sent_once(client: Client, script: Script) -> None:
    script.steps = [LOST]
    with pytest.raises(Exception, match="failed with 500"):
        client.trigger("j")
    assert len(script.requests) == 1


@pytest.mark.parametrize("answer", [{"success": False}, [], "c", None, {"success": True}])
def test_a_trigger_that_started_nothing(client: Client, script: Script, answer: object) -> None:
    script.steps = [http(200, json.dumps(answer))]
    with pytest.raises(UnexpectedAnswer):
        client.trigger("j")


ODD_PAGES = [
    [], None, {"jobs": None}, {"jobs": {}}, {"jobs": [None]}, {"jobs": ["a"]}, {"jobs": [{}]}, {},
    {"jobs": [{**JOB, "key": None}]}, {"jobs": [{**JOB, "agent": None}]}, {"jobs": [{**JOB, "name": 5}]},
    {"jobs": [], "nextCursor": 5}, {"jobs": [], "nextCursor": {"a": 1}}, {"jobs": [], "nextCursor": True},
]  # fmt: skip


@pytest.mark.parametrize("page", ODD_PAGES)
def test_odd_pages_of_jobs(client: Client, script: Script, page: object) -> None:
    script.steps = [http(200, json.dumps(page))]
    with pytest.raises(UnexpectedAnswer, match="list jobs"):
        client.jobs()


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda c: c.agents(), {"agents": [{"id": "a"}]}),
        (lambda c: c.agents(), {"agents": None}),
        (lambda c: list(c.chats()), {"chats": [{"id": None}]}),
        (lambda c: list(c.chats()), {"chats": 5}),
        (lambda c: c.chat("c"), []),
        (lambda c: c.chat("c"), {"id": {}}),
        (lambda c: c.job("j"), {"job": None}),
        (lambda c: c.job("j"), {"job": {"id": "j"}}),
        (lambda c: c.job("j"), None),
        (lambda c: c.document_csv("c", "d"), {"rows": []}),
        (lambda c: c.create_job(BODY, idempotency_key="k"), {"job": 5}),
        (lambda c: c.replace_job("j", BODY, etag='"1"'), {}),
    ],
)
def test_odd_answers(client: Client, script: Script, call: Callable[[Client], object], answer: object) -> None:
    script.steps = [http(200, json.dumps(answer))]
    with pytest.raises(UnexpectedAnswer):
        call(client)


def test_pages_follow_the_cursor_to_the_end(client: Client, script: Script) -> None:
    pages: list[dict[str, Any]] = [
        {"jobs": [{**JOB, "key": key}], "nextCursor": cursor} for key, cursor in (("a", "1"), ("b", "2"))
    ]
    script.steps = [*(http(200, page) for page in pages), http(200, {"jobs": [{**JOB, "key": "c"}]})]
    assert [job.key for job in client.jobs(managed_by="us")] == ["a", "b", "c"]
    assert [path for _, path, *_ in script.requests] == [
        "/api/agents/jobs?managedBy=us&limit=500",
        "/api/agents/jobs?managedBy=us&limit=500&cursor=1",
        "/api/agents/jobs?managedBy=us&limit=500&cursor=2",
    ]


def test_pages_without_end(client: Client, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    script.steps = [http(200, {"jobs": [], "nextCursor": cursor}) for cursor in ("1", "2", "1")]
    with pytest.raises(UnexpectedAnswer, match="do not come to an end"):
        client.jobs()
    monkeypatch.setattr(paging, "MOST_PAGES", 3)
    script.steps = [http(200, {"jobs": [], "nextCursor": str(number)}) for number in range(9)]
    with pytest.raises(UnexpectedAnswer, match="do not come to an end"):
        client.jobs()


def test_a_public_chat_is_read_without_its_wrapper(client: Client, script: Script) -> None:
    script.steps = [http(200, {"messages": [], "status": "done"}), http(200, {"chat": {"id": "c2", "status": "odd"}})]
    assert (client.chat("c1").id, client.chat("c2").id) == ("c1", "c2")


def test_a_client_can_give_up(client: Client, script: Script) -> None:
    assert client.clock_ahead is None
    client.give_up()
    script.steps = [LOST]
    with pytest.raises(ServerFault):
        client.jobs()


def test_a_cancel_whose_answer_was_lost_and_one_that_came_too_late(client: Client, script: Script) -> None:
    script.steps = [LOST, problem(409, "already_finished")]
    client.cancel_chat("c")
    script.steps = [problem(409, "already_finished")]
    with pytest.raises(AlreadyFinished):
        client.cancel_chat("c")
