"""Trouble while serving: a full disk, an agent that is gone, runs that fail, take too long, or crowd in."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from interact_gitops.server.runs import asking
from interact_gitops.server.store import records


def test_a_full_disk_is_said_and_passes(serve, visit, caplog):
    server = serve()
    api = visit(server)
    job = api.job("big", "quick", overlap="allow")
    done = api.trigger(job)["chat"]["id"]
    api.until_status(done, "completed")
    with server.instance.database.write() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    writer = server.instance.database._writer
    writer.execute(f"PRAGMA max_page_count = {pages}")
    long = {"key": "long", "name": "long", "agent": {"slug": "tester"}, "prompts": [{"text": "x" * 50_000}]}
    answer = api("POST", "/api/agents/jobs", json=long)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert api.chat(done)["status"] == "completed"
    writer.execute("PRAGMA max_page_count = 1073741823")
    assert api("POST", "/api/agents/jobs", json=long).status_code == 201
    assert api.until_status(api.trigger(job)["chat"]["id"], "completed")


def test_a_run_ends_once_its_answer_cannot_be_stored(serve, visit, monkeypatch, caplog):
    server = serve()
    api = visit(server)
    job = api.job("unstorable", "quick")

    def full(*_args, **_more):
        raise ZeroDivisionError("a bug in storing")

    monkeypatch.setattr(records, "add_document", full)
    chat = api.trigger(job)["chat"]["id"]
    found = api.until_status(chat, "failed")
    assert found["error"]["kind"] == "internal"
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    api.until_status(api.trigger(job)["chat"]["id"], "completed")


def test_a_bug_in_an_agent_fails_its_chat_and_no_other(serve, visit, monkeypatch, caplog):
    server = serve()
    api = visit(server)
    job = api.job("buggy", "quick")

    def broken(*_args):
        raise ZeroDivisionError("a secret of the agent's")

    monkeypatch.setattr(asking, "answer", broken)
    found = api.until_status(api.trigger(job)["chat"]["id"], "failed")
    assert (found["error"]["kind"], "secret" in str(found)) == ("internal", False)
    assert "a secret of the agent's" in caplog.text
    monkeypatch.undo()
    api.until_status(api.trigger(job)["chat"]["id"], "completed")


def test_an_agent_that_is_no_longer_configured(serve, visit, tmp_path):
    first = serve(workers=1)
    api = visit(first)
    stuck = api.job("stuck", "endless")
    later = api.job("later", "quick")
    blocked = api.trigger(stuck)["chat"]["id"]
    api.until_status(blocked, "running")
    waiting = api.trigger(later)["chat"]["id"]
    first.stop()
    second = serve(agents=None)
    api = visit(second)
    found = api.until_status(waiting, "failed")
    assert "the agent tester is no longer configured" in found["error"]["message"]
    assert api.ok("GET", f"/api/agents/jobs/{later['id']}")["job"]["agent"]["slug"] == "tester"
    answer = api("POST", f"/api/agents/jobs/{later['id']}/trigger")
    assert (answer.status_code, answer.json()["code"]) == (409, "agent_inactive")


def test_failed_runs_are_tried_again_and_every_try_is_kept(serve, visit):
    api = visit(serve())
    job = api.job("wrong", "wrong", retries={"maxAttempts": 3, "backoffSeconds": 0})
    found = api.until_status(api.trigger(job)["chat"]["id"], "failed")
    assert found["error"]["kind"] == "failed"
    assert [(a["number"], a["status"]) for a in found["attempts"]] == [(1, "failed"), (2, "failed"), (3, "failed")]
    assert [(m["role"], m["attempt"]) for m in found["messages"]] == [
        (role, attempt) for attempt in (1, 2, 3) for role in ("user", "agent")
    ]


def test_a_run_that_waits_for_its_next_try_is_still_in_progress_and_can_be_cancelled(serve, visit):
    api = visit(serve())
    job = api.job("patient", "wrong", retries={"maxAttempts": 2, "backoffSeconds": 3600})
    chat = api.trigger(job)["chat"]["id"]
    found = api.until(lambda: (c := api.chat(chat))["nextAttemptAt"] and c)
    assert (found["status"], found["attempt"]) == ("queued", 1)
    answer = api("POST", f"/api/agents/jobs/{job['id']}/trigger")
    assert (answer.status_code, answer.json()["chatId"]) == (409, chat)
    assert api.ok("POST", f"/api/agents/chats/{chat}/cancel")["chat"]["status"] == "cancelled"
    assert api.trigger(job)["chat"]["id"] != chat


def test_backoff_is_waited_for(serve, visit):
    api = visit(serve())
    job = api.job("backoff", "wrong", retries={"maxAttempts": 2, "backoffSeconds": 1})
    found = api.until_status(api.trigger(job)["chat"]["id"], "failed")
    first, second = found["attempts"]
    assert second["startedAt"] > first["finishedAt"]
    assert found["runSeconds"] < 1


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "allow"])
def test_fifty_triggers_at_once(serve, visit, overlap):
    server = serve()
    api = visit(server)
    job = api.job("crowded", "endless", overlap=overlap)
    together = threading.Barrier(50)

    def trigger(_number):
        together.wait()
        return api("POST", f"/api/agents/jobs/{job['id']}/trigger")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(trigger, range(50)))
    chats = api.chats()
    by_status = {status: [c for c in chats if c["status"] == status] for status in ("queued", "running", "cancelled")}
    if overlap == "skip":
        started = [answer.json() for answer in answers if answer.status_code == 200]
        declined = [answer.json() for answer in answers if answer.status_code == 409]
        assert (len(started), len(declined), len(chats)) == (1, 49, 1)
        assert {(body["code"], body["chatId"]) for body in declined} == {("run_in_progress", started[0]["chat"]["id"])}
    else:
        assert {answer.status_code for answer in answers} == {200}
        assert len(chats) == 50
    if overlap == "queue_one":
        api.until(lambda: len(api.chats(status="running")) == 1)
        assert len(api.chats(status="queued")) == 1
        superseded = api.chats(status="cancelled")
        assert (len(superseded), {c["error"]["kind"] for c in superseded}) == (48, {"superseded"})
        assert max(c["createdAt"] for c in superseded) <= api.chats(status="queued")[0]["createdAt"]
    assert len(by_status["running"]) <= server.options.workers
    server.stop(drain_seconds=0)


def test_the_same_key_fifty_times_at_once_starts_one_run(serve, visit):
    api = visit(serve())
    job = api.job("repeated", "quick", overlap="allow")
    together = threading.Barrier(50)

    def trigger(_number):
        together.wait()
        return api.trigger(job, key="once")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(trigger, range(50)))
    assert len({str(answer) for answer in answers}) == 1
    assert len(api.chats()) == 1


def test_chats_of_a_group_run_no_more_than_allowed_beside_each_other(serve, visit):
    api = visit(serve())
    parameters = {"n": {"type": "integer", "default": 1}}
    job = api.job("grouped", "a_second", parameters=parameters)
    beside = api.job("beside", "quick")
    api.trigger(job, {"combinations": [{"n": n} for n in range(6)], "maxParallel": 2})
    most = 0
    seen = 0.0
    while api.chats(jobId=job["id"], status="queued"):
        most = max(most, len(api.chats(jobId=job["id"], status="running")))
        if not seen and most:
            started = time.monotonic()
            api.until_status(api.trigger(beside)["chat"]["id"], "completed")
            seen = time.monotonic() - started
    ends = api.until_idle()
    assert most == 2
    assert {chat["status"] for chat in ends} == {"completed"}


def test_cancelling_frees_the_way(serve, visit):
    api = visit(serve())
    job = api.job("stuck", "endless")
    chat = api.trigger(job)["chat"]["id"]
    api.until_status(chat, "running")
    began = time.monotonic()
    answer = api("POST", f"/api/agents/chats/{chat}/cancel")
    assert time.monotonic() - began < 3
    assert answer.status_code in (200, 202)
    found = api.until_status(chat, "cancelled")
    assert found["messages"][-1]["blocks"][-1]["kind"] == "cancelled"
    assert api.trigger(job)["success"] is True


def test_a_run_is_stopped_at_its_timeout(serve, visit):
    api = visit(serve())
    job = api.job(
        "slow",
        "endless",
        timeoutSeconds=1,
        prompts=[{"text": "a", "query": "quick"}, {"text": "b", "query": "endless"}],
    )
    found = api.until_status(api.trigger(job)["chat"]["id"], "failed")
    assert found["error"]["kind"] == "timeout"
    assert "timeout of 1 s" in found["error"]["message"]
    assert found["messages"][1]["blocks"][0]["type"] == "report"
    assert 0.9 < found["runSeconds"] < 5


def test_a_deleted_job_lets_its_runs_end(serve, visit):
    api = visit(serve(workers=1))
    blocker = api.trigger(api.job("blocker", "endless"))["chat"]["id"]
    api.until_status(blocker, "running")
    job = api.job("deleted", "quick")
    chat = api.trigger(job)["chat"]["id"]
    assert api("DELETE", f"/api/agents/jobs/{job['id']}", headers={"If-Match": job["etag"]}).status_code == 204
    again = api.job("deleted", "quick")
    assert again["id"] != job["id"]
    api("POST", f"/api/agents/chats/{blocker}/cancel")
    assert api.until_status(chat, "completed")["job"] == {"id": job["id"], "key": "deleted", "name": "deleted"}


def test_a_key_that_calls_too_often_is_told_when_to_come_back(serve, visit):
    from interact_gitops.server.options import RateLimit

    server = serve(rate_limit=RateLimit(per_second=0.5, burst=3))
    api = visit(server)
    answers = [api("GET", "/api/agents") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert answers[-1].headers["Retry-After"] in {"1", "2"}
    assert api("GET", "/healthz").status_code == 200


def test_a_stopping_server_is_not_ready(serve, visit):
    server = serve()
    api = visit(server)
    server.instance.stopping.set()
    assert api("GET", "/readyz").status_code == 503
    assert api("GET", "/healthz").status_code == 200
