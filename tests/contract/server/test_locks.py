"""Locks: one holder per ownership mark, for a limited time by the server's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

LOCKS = "/api/locks"


def request(**changes: Any) -> dict[str, Any]:
    return {"managedBy": "acme/jobs", "holder": "ada@build (pid 1)", "leaseSeconds": 30, **changes}


@pytest.fixture
def wait(server) -> Iterator[Callable[[float], None]]:
    """Lets time pass for the server."""
    true, passed = server.instance.clock, timedelta()

    def pass_by(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    server.instance.clock = lambda: true() + passed
    yield pass_by
    server.instance.clock = true


def test_a_lock_is_taken_renewed_and_released(api):
    taken = api("POST", LOCKS, json=request())
    assert taken.status_code == 201
    lock = taken.json()["lock"]
    assert lock == {**lock, "managedBy": "acme/jobs", "holder": "ada@build (pid 1)"}
    held = datetime.fromisoformat(lock["expiresAt"]) - datetime.fromisoformat(lock["createdAt"])
    assert abs(held - timedelta(seconds=30)) < timedelta(seconds=1)
    renewed = api.ok("POST", f"{LOCKS}/{lock['id']}/renew", json={"leaseSeconds": 60})["lock"]
    assert renewed == {**lock, "expiresAt": renewed["expiresAt"]}
    assert renewed["expiresAt"] > lock["expiresAt"]
    assert api("DELETE", f"{LOCKS}/{lock['id']}").status_code == 204
    api.problem(404, "not_found", "DELETE", f"{LOCKS}/{lock['id']}")
    api.problem(404, "not_found", "POST", f"{LOCKS}/{lock['id']}/renew", json={"leaseSeconds": 60})
    assert api("POST", LOCKS, json=request()).status_code == 201


def test_who_is_in_the_way_is_named_and_the_id_is_not(api):
    lock = api.ok("POST", LOCKS, json=request())["lock"]
    answer = api("POST", LOCKS, json=request(holder="bob"))
    problem = api.problem(409, "locked", "POST", LOCKS, json=request(holder="bob"))
    assert problem["holder"] == "ada@build (pid 1)"
    assert problem["lockedAt"] == lock["createdAt"]
    assert problem["expiresAt"] == lock["expiresAt"]
    assert answer.headers["Retry-After"] == "2"
    assert "ada@build (pid 1) is applying what acme/jobs manages" in problem["detail"]
    assert lock["id"] not in answer.text


def test_marks_and_organisations_do_not_stand_in_each_others_way(api, found):
    assert api("POST", LOCKS, json=request()).status_code == 201
    assert api("POST", LOCKS, json=request(managedBy="acme/others")).status_code == 201
    assert found()("POST", LOCKS, json=request()).status_code == 201


def test_another_organisations_lock_is_not_there(api, found):
    lock = api.ok("POST", LOCKS, json=request())["lock"]
    elsewhere = found()
    elsewhere.problem(404, "not_found", "DELETE", f"{LOCKS}/{lock['id']}")
    elsewhere.problem(404, "not_found", "POST", f"{LOCKS}/{lock['id']}/renew", json={"leaseSeconds": 1})
    api.problem(409, "locked", "POST", LOCKS, json=request())


def test_a_lock_expires_by_the_servers_clock(api, wait):
    lock = api.ok("POST", LOCKS, json=request())["lock"]
    wait(29)
    api.problem(409, "locked", "POST", LOCKS, json=request(holder="bob"))
    wait(2)
    taken = api.ok("POST", LOCKS, json=request(holder="bob"))["lock"]
    assert taken["id"] != lock["id"]
    api.problem(404, "not_found", "POST", f"{LOCKS}/{lock['id']}/renew", json={"leaseSeconds": 30})
    api.problem(404, "not_found", "DELETE", f"{LOCKS}/{lock['id']}")
    assert api.problem(409, "locked", "POST", LOCKS, json=request())["holder"] == "bob"


def test_a_late_holder_goes_on_when_nobody_took_its_place(api, wait):
    lock = api.ok("POST", LOCKS, json=request())["lock"]
    wait(3600)
    assert api.ok("POST", f"{LOCKS}/{lock['id']}/renew", json={"leaseSeconds": 30})["lock"]["id"] == lock["id"]
    api.problem(409, "locked", "POST", LOCKS, json=request(holder="bob"))


def test_a_lost_answer_can_be_asked_for_again(api, wait):
    headers = {"Idempotency-Key": "apply-1"}
    first = api("POST", LOCKS, json=request(), headers=headers)
    again = api("POST", LOCKS, json=request(), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    api.problem(422, "idempotency_mismatch", "POST", LOCKS, json=request(holder="bob"), headers=headers)
    api.problem(409, "locked", "POST", LOCKS, json=request(), headers={"Idempotency-Key": "apply-2"})
    wait(60)
    api.ok("POST", LOCKS, json=request(holder="bob"))
    api.problem(409, "locked", "POST", LOCKS, json=request(), headers=headers)


def test_one_of_many_gets_it(api):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api("POST", LOCKS, json=request(holder=f"h{n}")), range(24)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 23
    (holder,) = [a.json()["lock"]["holder"] for a in answers if a.status_code == 201]
    assert {a.json()["holder"] for a in answers if a.status_code == 409} == {holder}


@pytest.mark.parametrize(
    "changes", [{"leaseSeconds": 0}, {"leaseSeconds": 601}, {"holder": ""}, {"managedBy": None}, {"more": 1}]
)
def test_what_is_no_request(api, changes):
    api.problem(422, "invalid", "POST", LOCKS, json=request(**changes))


@pytest.mark.parametrize("permission", ["agent_jobs_read", "agent_jobs_trigger"])
def test_only_who_may_write_may_lock(server, api, permission):
    lock = api.ok("POST", LOCKS, json=request())["lock"]
    api.key = server.create_key([permission], organization_id=api.organization)
    api.problem(403, "forbidden", "POST", LOCKS, json=request())
    api.problem(403, "forbidden", "DELETE", f"{LOCKS}/{lock['id']}")
