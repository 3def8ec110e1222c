"""Things that happen at the same time, and things that are sent twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ..pages.conftest import busy, form_to, house, owner, run_form, visitor

__all__ = ["busy", "house", "owner", "visitor"]  # fixtures

JOBS, CHATS = "/api/agents/jobs", "/api/agents/chats"


def at_once(*calls):
    """All calls, begun at the same moment; what they gave."""
    gate = threading.Barrier(len(calls))

    def one(call):
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def raw(api, method, path, **more):
    headers = {"X-API-Key": api.key, "X-Organization-Id": api.organization, **more.pop("headers", {})}
    with httpx.Client(base_url=api.http.base_url, timeout=30) as client:
        return client.request(method, path, headers=headers, **more)


def test_one_idempotency_key_at_once_is_one_run(api):
    job = api.create(overlap="allow")
    answers = at_once(*[
        lambda: raw(api, "POST", f"{JOBS}/{job['id']}/trigger", json={}, headers={"Idempotency-Key": "one"})
    ] * 16)  # fmt: skip
    assert len({answer.json()["chat"]["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(api.all(CHATS, "chats", jobId=job["id"])) == 1


def test_triggers_at_once_of_a_job_that_does_not_overlap_are_one_run(api, endless):
    job = endless(overlap="skip")
    answers = at_once(*[lambda: raw(api, "POST", f"{JOBS}/{job['id']}/trigger", json={})] * 16)
    codes = Counter(answer.status_code for answer in answers)
    assert codes[409] == 15, codes
    assert len(api.all(CHATS, "chats", jobId=job["id"])) == 1


def test_one_key_of_a_job_at_once_is_one_job(api):
    body = api.definition()
    codes = Counter(one.status_code for one in at_once(*[lambda: raw(api, "POST", JOBS, json=body)] * 12))
    assert codes == {201: 1, 409: 11}


def test_changes_of_one_revision_at_once_are_one(api):
    job = api.create()
    body = api.definition(key=job["key"])
    bodies = [{**body, "name": f"Name {number}"} for number in range(12)]
    answers = at_once(*[
        lambda body=body: raw(api, "PUT", f"{JOBS}/{job['id']}", json=body, headers={"If-Match": job["etag"]})
        for body in bodies
    ])  # fmt: skip
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 11}
    (won,) = [answer.json()["job"]["name"] for answer in answers if answer.status_code == 200]
    assert api.job(job["id"])["name"] == won


def test_a_run_outlives_its_job(api, endless):
    job = endless()
    chat = api.trigger(job)["chat"]
    api.until(chat["id"], "running")
    api("DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": api.job(job["id"])["etag"]})
    assert api.chat(chat["id"])["status"] == "running"
    assert api.cancel(chat["id"])["status"] == "cancelled"
    quick = api.create()
    chats = [api.trigger(quick)["chat"]["id"]]
    api("DELETE", f"{JOBS}/{quick['id']}", headers={"If-Match": api.job(quick["id"])["etag"]})
    assert [api.until(one, "completed")["status"] for one in chats] == ["completed"]


def test_a_job_that_is_deleted_while_it_is_triggered_leaves_whole_runs(api):
    for _ in range(10):
        job = api.create(overlap="allow")
        etag = api.job(job["id"])["etag"]
        trigger = [lambda job=job: raw(api, "POST", f"{JOBS}/{job['id']}/trigger", json={})] * 6
        delete = lambda job=job, etag=etag: raw(api, "DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": etag})  # noqa: E731
        answers = at_once(*trigger, delete)
        assert answers[-1].status_code in {200, 204, 412}, answers[-1].text
        started = [answer.json()["chat"]["id"] for answer in answers[:-1] if answer.is_success]
        assert {answer.status_code for answer in answers[:-1]} <= {200, 201, 202, 404}
        for one in started:
            assert api.until(one, "completed")["job"]["id"] == job["id"]


def test_cancelling_at_once_and_while_it_ends_is_one_end(api):
    for _ in range(10):
        job = api.create()
        chat = api.trigger(job)["chat"]["id"]
        answers = at_once(*[lambda chat=chat: raw(api, "POST", f"{CHATS}/{chat}/cancel")] * 6)
        assert {answer.status_code for answer in answers} <= {200, 202, 409}
        end = api.until(chat, "completed", "cancelled")["status"]
        time.sleep(0.05)
        assert api.chat(chat)["status"] == end


def test_a_revoked_key_stops_in_the_middle(owner, visitor, house):
    """Each call of a connection is asked again; what it began goes on."""
    key = house.create_key(("agent_jobs_read", "agent_jobs_trigger"), name="to be revoked")
    headers = {"X-API-Key": key, "X-Organization-Id": house.organization_id}
    stop, codes = threading.Event(), []

    def use():
        with httpx.Client(base_url=house.url, headers=headers, timeout=30) as client:
            while not stop.is_set():
                codes.append((time.monotonic(), client.get(JOBS, params={"limit": 1}).status_code))

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    time.sleep(0.3)
    page = visitor.get("/settings")
    (form,) = [one for one in page.all("form") if "Revoke to be revoked" in one.text]
    visitor.send(form)
    revoked = time.monotonic()
    time.sleep(0.3)
    stop.set()
    for user in users:
        user.join()
    after = {code for when, code in codes if when > revoked + 0.05}
    assert 401 in after
    assert {code for _, code in codes} - {429} == {200, 401}  # 429: a wrong key may not be tried for ever
    assert 200 not in after
    assert visitor.post(form.attributes["action"], visitor.fields(form)).status_code == 404


def test_a_form_at_once_is_one_run(owner, visitor):
    job = owner.create(overlap="allow")
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    data, action = visitor.fields(form), form.attributes["action"]
    answers = at_once(*[lambda: visitor.post(action, data)] * 8)
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(owner.all(CHATS, "chats", jobId=job["id"])) == 1


@pytest.mark.parametrize("where", ["chats", "jobs"])
def test_run_again_at_once_and_once_more_is_one_run(owner, visitor, where):
    """A double click, and a double click whose second half comes when the run has ended."""
    job = owner.create(overlap="allow", prompts=[{"text": "Zzyzx qwrt"}])
    failed = owner.run(job)
    assert failed["status"] == "failed"
    page = visitor.get(f"/{where}/{failed['id'] if where == 'chats' else job['id']}")
    form = form_to(page, "/again")
    data, action = visitor.fields(form), form.attributes["action"]
    answers = at_once(*[lambda: visitor.post(action, data)] * 6)
    owner.until(answers[0].headers["location"].removeprefix("/chats/"), "failed")
    answers.append(visitor.post(action, data))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(owner.all(CHATS, "chats", jobId=job["id"])) == 2
    # A page that is opened anew starts another.
    again = visitor.send(form_to(visitor.get(f"/{where}/{failed['id'] if where == 'chats' else job['id']}"), "/again"))
    assert again.headers["location"] not in {answer.headers["location"] for answer in answers}


def test_pausing_and_resuming_at_once_end_in_one_of_both(api):
    job = api.create()
    calls = [lambda call=call: raw(api, "POST", f"{JOBS}/{job['id']}/{call}", json={}) for call in ("pause", "resume")]
    answers = at_once(*calls * 6)
    assert {answer.status_code for answer in answers} == {200}
    api.until(api.trigger(api.job(job["id"]))["chat"]["id"], "completed")
