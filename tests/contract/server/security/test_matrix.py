"""Which key may call what, written down once more by hand: every operation, every permission.

The table of the server and its description are held against each other elsewhere; here neither is believed. An
operation that is new, or needs something else than before, fails until somebody has said so here.
"""

from __future__ import annotations

import itertools
import json

import httpx
import pytest

from interact_gitops.server.api.operations import OPERATIONS
from interact_gitops.server.identity import PERMISSIONS

READ, TRIGGER, WRITE = "agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write"
MATRIX = {
    "listAgents": READ, "listJobs": READ, "getJob": READ, "listChats": READ, "getChat": READ, "getDocument": READ,
    "listChannels": READ, "getChannel": READ, "fingerprintSecrets": READ, "listDeliveries": READ, "getDelivery": READ,
    "listSync": READ,
    "triggerJob": TRIGGER, "cancelChat": TRIGGER,
    "createJob": WRITE, "replaceJob": WRITE, "deleteJob": WRITE, "pauseJob": WRITE, "resumeJob": WRITE,
    "createChannel": WRITE, "replaceChannel": WRITE, "deleteChannel": WRITE, "testChannel": WRITE,
    "resendDelivery": WRITE, "takeLock": WRITE, "renewLock": WRITE, "releaseLock": WRITE, "reportSync": WRITE,
    "getHealth": None, "getReadiness": None, "getMetrics": None, "getOpenApi": None,
}  # fmt: skip
GUARDED = [operation for operation in OPERATIONS if operation.permission is not None]
OPEN = [operation for operation in OPERATIONS if operation.permission is None]


def test_every_operation_has_its_permission_here():
    assert {operation.id: operation.permission for operation in OPERATIONS} == MATRIX


def test_reading_needs_no_more_than_reading_and_changing_never_so_little():
    for operation in GUARDED:
        safe = operation.method == "GET" or operation.id == "fingerprintSecrets"
        assert (operation.permission == READ) == safe, operation.id
    assert {operation.method for operation in OPEN} == {"GET"}


@pytest.fixture(scope="module")
def keys(server):
    subsets = [held for size in (1, 2, 3) for held in itertools.combinations(PERMISSIONS, size)]
    return {held: server.create_key(held) for held in subsets}


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.id)
def test_every_key_at_every_operation_with_every_method(server, home, keys, operation):
    """A call that is not admitted never gets as far as what it is about: 403, whatever the ids and the body."""
    path = operation.path
    for name in ("job_id", "chat_id", "document_id", "channel_id", "delivery_id", "lock_id"):
        path = path.replace(f"{{{name}}}", "none")
    methods = {"GET": ("GET", "HEAD")}.get(operation.method, (operation.method,))
    for (held, key), method in itertools.product(keys.items(), methods):
        for content in (b"", b"{not json", b"{}"):
            headers = {"X-API-Key": key, "X-Organization-Id": home.organization, "Content-Type": "application/json"}
            answer = home.http.request(method, path, headers=headers, content=content)
            if MATRIX[operation.id] in held:
                assert answer.status_code not in {401, 403}, (held, answer.text)
            else:
                assert answer.status_code == 403, (held, answer.text)
                assert method == "HEAD" or answer.json()["code"] == "forbidden"


@pytest.mark.parametrize("operation", OPEN, ids=lambda operation: operation.id)
def test_what_is_open_says_nothing_of_anybody(home, operation):
    job = home.create(name="A canary of a job", prompts=[{"text": "canary-in-a-prompt"}])
    home.http.post(f"/api/agents/jobs/{job['id']}/trigger", headers={"X-API-Key": home.key})
    answer = httpx.get(str(home.http.base_url) + operation.path)
    assert answer.status_code == 200
    for secret in (home.key, home.organization, job["id"], job["key"], "canary", "int_", "org_"):
        described = operation.id == "getOpenApi" and secret in {"int_", "org_"}  # how they look, as an example
        assert described or secret not in answer.text, secret


def test_a_key_that_is_deleted_stops_at_once_and_an_equal_one_does_not_begin(server, home):
    from interact_gitops.server.store import organisations

    key = server.create_key((READ,), name="short-lived")
    headers = {"X-API-Key": key, "X-Organization-Id": home.organization}
    assert home.http.get("/api/agents", headers=headers).status_code == 200
    with server.instance.database.write() as db:
        (row,) = [one for one in organisations.keys_of(db, home.organization) if one.name == "short-lived"]
        assert organisations.delete_key(db, home.organization, row.id)
    assert home.http.get("/api/agents", headers=headers).status_code == 401


def test_no_header_stands_in_for_another(home):
    """Keys in cookies, addresses and bodies are no keys: nothing that a browser sends by itself opens anything."""
    organization = {"X-Organization-Id": home.organization}
    for more in (
        {"headers": {**organization, "Cookie": f"X-API-Key={home.key}; api_key={home.key}"}},
        {"headers": {**organization, "Authorization": f"Bearer {home.key}"}},
        {"headers": {**organization, "Authorization": f"ApiKey {home.key}"}},
        {"headers": {**organization, "X_API_KEY": home.key}},
        {"headers": {**organization, "Proxy-Authorization": home.key}},
        {"headers": organization, "params": {"X-API-Key": home.key}},
    ):
        assert home.http.get("/api/agents", **more).status_code == 401
    body = json.dumps({"X-API-Key": home.key}).encode()
    headers = {**organization, "Content-Type": "application/json"}
    assert home.http.post("/api/agents/jobs", content=body, headers=headers).status_code == 401
