"""Who may do what: every operation under every set of permissions, and every organisation for itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from interact_gitops.server.options import RateLimit
from interact_gitops.server.serving import EmbeddedServer
from interact_gitops.shapes import schema

DOCUMENT = schema("interact-api.openapi.json")
OPERATIONS = [
    pytest.param(method.upper(), path, operation["x-permission"], id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
GUARDED = [case for case in OPERATIONS if case.values[2] is not None]
WITH_IDS = [case for case in GUARDED if "{" in case.values[1]]
PERMISSIONS = ("agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write")
SUBSETS = [subset for size in (1, 2, 3) for subset in itertools.combinations(PERMISSIONS, size)]


@dataclass
class Things:
    """One of everything in the server's first organisation, and requests that leave them as they are."""

    job: dict[str, Any]
    chat: dict[str, Any]
    channel: dict[str, Any]
    delivery: dict[str, Any]
    take_lock: Callable[[], str]  # one for each time: releasing it is what it is for

    def path(self, template: str) -> str:
        return template.format(
            job_id=self.job["id"],
            chat_id=self.chat["id"],
            document_id=self.chat["documents"][0]["id"],
            channel_id=self.channel["id"],
            delivery_id=self.delivery["id"],
            lock_id=self.take_lock() if "{lock_id}" in template else "",
        )

    def harmless(self, method: str, template: str) -> dict[str, Any]:
        """What to send so that the call is admitted and changes nothing that matters."""
        if template.endswith("/trigger"):
            return {"json": {"expectedDefinitionHash": "0" * 64}}
        if template.endswith("/pause"):
            return {"json": {"reason": "for a test"}}
        return {"json": {}} if method in {"POST", "PUT"} else {}


@pytest.fixture(scope="module")
def things(home) -> Things:
    job = home.create()
    channel = {"name": "access", "type": "email", "to": ["a@example.com"]}
    marks = itertools.count()

    def take_lock() -> str:
        wanted = {"managedBy": f"access/{next(marks)}", "holder": "a test", "leaseSeconds": 600}
        return home.ok("POST", "/api/locks", json=wanted)["lock"]["id"]

    channel = home.ok("POST", "/api/notifications/channels", json=channel)["channel"]
    return Things(
        job=job,
        chat=home.run(job),
        channel=channel,
        delivery=home.ok("POST", f"/api/notifications/channels/{channel['id']}/test", json={})["delivery"],
        take_lock=take_lock,
    )


@pytest.fixture(scope="module")
def keys(server):
    return {subset: server.create_key(subset) for subset in SUBSETS}


@pytest.mark.parametrize(("method", "path", "permission"), GUARDED)
def test_a_key_needs_exactly_the_permission_that_is_described(server, home, things, keys, method, path, permission):
    for subset, key in keys.items():
        answer = type(home)(home.description, home.http, key, server.organization_id)(
            method, things.path(path), **things.harmless(method, path)
        )
        if permission in subset:
            assert answer.status_code not in {401, 403, 404}, f"{subset}: {answer.text}"
        else:
            assert answer.status_code == 403, f"{subset}: {answer.text}"
            assert answer.json()["code"] == "forbidden"
            assert answer.json()["permission"] == permission


def test_a_refused_key_learns_nothing_of_what_is_there(server, home, keys):
    reader = type(home)(home.description, home.http, keys["agent_jobs_read",], server.organization_id)
    reader.problem(403, "forbidden", "DELETE", "/api/agents/jobs/job_none")
    reader.problem(
        403, "forbidden", "POST", "/api/agents/jobs", content=b"{not json", headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize(("method", "path", "permission"), OPERATIONS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "KEY"},
        {"X-Organization-Id": "ORG"},
        {"X-API-Key": "", "X-Organization-Id": "ORG"},
        {"X-API-Key": "KEY", "X-Organization-Id": ""},
        {"X-API-Key": "int_" + "x" * 48, "X-Organization-Id": "ORG"},
        {"X-API-Key": "KEYx", "X-Organization-Id": "ORG"},
        {"X-API-Key": "caf\xe9\xff", "X-Organization-Id": "ORG"},
        {"X-API-Key": "x" * 8_000, "X-Organization-Id": "ORG"},
        {"Authorization": "Bearer KEY", "X-Organization-Id": "ORG"},
    ],
    ids=lambda headers: ",".join(f"{k}={v[:8]}" for k, v in headers.items()) or "none",
)
def test_no_key_or_a_wrong_one_opens_only_what_is_open(home, things, method, path, permission, headers):
    own = {
        name: value.replace("KEY", home.key).replace("ORG", home.organization).encode("latin-1")
        for name, value in headers.items()
    }
    answer = home.http.request(method, things.path(path), headers=own, **things.harmless(method, path))
    home.description.check(answer)
    if permission is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthenticated"
        assert home.key not in answer.text


@pytest.mark.parametrize(("method", "path", "permission"), GUARDED)
def test_a_key_opens_its_own_organisation_only(home, found, things, method, path, permission):
    other = found()
    more = things.harmless(method, path)
    for organization in (other.organization, "org_none", "\xe9".encode("latin-1")):
        api = type(home)(home.description, home.http, home.key, organization)
        api.problem(403, "forbidden", method, things.path(path), **more)
    stranger = type(home)(home.description, home.http, other.key, home.organization)
    stranger.problem(403, "forbidden", method, things.path(path), **more)


@pytest.mark.parametrize(("method", "path", "permission"), WITH_IDS)
def test_what_belongs_to_another_organisation_is_not_there(home, found, things, method, path, permission):
    before = home.job(things.job["id"]), home.chat(things.chat["id"])
    more = things.harmless(method, path)
    if method in {"PUT", "DELETE"}:
        more["headers"] = {"If-Match": things.job["etag"]}
    if method == "PUT":
        more["json"] = home.definition() if "job" in path else {"name": "n", "type": "email", "to": ["a@example.com"]}
    theirs = found().problem(404, "not_found", method, things.path(path), **more)
    absent = found().problem(404, "not_found", method, things.path(path).replace("_", "_0"), **more)
    assert {**theirs, "detail": ""} == {**absent, "detail": ""}
    assert (home.job(things.job["id"]), home.chat(things.chat["id"])) == before


def test_listings_and_filters_show_nothing_of_others(found, things):
    api = found()
    assert api.ok("GET", "/api/agents/jobs")["jobs"] == []
    assert api.ok("GET", "/api/agents/jobs", params={"deleted": "true"})["jobs"] == []
    assert api.ok("GET", "/api/agents/chats", params={"jobId": things.job["id"]})["chats"] == []
    assert api.ok("GET", "/api/agents/chats")["chats"] == []
    assert api.ok("GET", "/api/notifications/channels")["channels"] == []


def test_a_cursor_of_another_organisation_shows_nothing_of_it(home, found, things):
    for _ in range(2):
        home.run(things.job)
    cursor = home.ok("GET", "/api/agents/chats", params={"limit": 1})["nextCursor"]
    assert found().ok("GET", "/api/agents/chats", params={"cursor": cursor})["chats"] == []


def test_the_initiator_is_named_after_the_key_and_never_is_the_key(server, home, found):
    api = found()
    key = server.create_key(organization_id=api.organization, name="nightly ci")
    named = type(home)(home.description, home.http, key, api.organization)
    chat = named.run(named.create())
    assert "nightly ci" in chat["initiator"]
    assert key not in str(chat)


def test_too_many_calls_are_told_to_wait(tmp_path, home):
    with EmbeddedServer(data=tmp_path, port=0, rate_limit=RateLimit(per_second=0.5, burst=3)) as server:
        with httpx.Client(base_url=server.url) as http:
            hasty = type(home)(home.description, http, server.api_key, server.organization_id)
            other = type(home)(home.description, http, server.create_key(), server.organization_id)
            assert [hasty("GET", "/api/agents").status_code for _ in range(4)] == [200, 200, 200, 429]
            refused = hasty("POST", "/api/agents/jobs", json=hasty.definition())
            assert refused.json()["code"] == "rate_limited"
            assert 1 <= int(refused.headers["Retry-After"]) <= 2
            assert other("GET", "/api/agents").status_code == 200
            assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_hosts_name_is_turned_away(home, host):
    for path in ("/api/agents", "/healthz", "/api/openapi.json"):
        answer = home("GET", path, headers={"Host": host})
        assert answer.status_code == 400
        assert answer.json()["code"] == "bad_host"


def test_unknown_paths_and_methods_are_problems(home):
    for method, path, status, code in [
        ("GET", "/api/nowhere", 404, "not_found"),
        ("GET", "/api/agents/", 404, "not_found"),
        ("POST", "/api/agents/jobs/", 404, "not_found"),
        ("DELETE", "/api/agents/jobs", 405, "method_not_allowed"),
        ("PATCH", "/api/agents/jobs/job_1", 405, "method_not_allowed"),
        ("GET", "/api/agents/jobs/job_1/trigger", 405, "method_not_allowed"),
        ("TRACE", "/api/agents", 405, "method_not_allowed"),
        ("DELETE", "/api/agents/chats/chat_1", 405, "method_not_allowed"),
    ]:
        answer: httpx.Response = home.http.request(method, path, headers={"X-API-Key": home.key})
        assert answer.status_code == status, (method, path, answer.text)
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json()["code"] == code
        assert home.description.component("Problem", answer.json()) == []
        assert status != 405 or answer.headers["Allow"]
