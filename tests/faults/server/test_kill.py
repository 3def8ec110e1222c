"""A server that is killed or stopped in the middle of runs: nothing hangs, nothing is lost, nothing runs twice."""

from __future__ import annotations

import signal
import threading
import time

import httpx

MANY = 60


def test_killed_with_runs_in_progress_and_waiting(processes):
    first = processes()
    stuck = first.job("stuck", "endless")
    again = first.job("again", "endless", retries={"maxAttempts": 2, "backoffSeconds": 0})
    quick = first.job("quick", "quick", overlap="queue_one", parameters={"n": {"type": "integer", "default": 1}})
    stuck_chat = first.trigger(stuck, key="stuck run")["chat"]["id"]
    again_chat = first.trigger(again)["chat"]["id"]
    for chat_id in (stuck_chat, again_chat):
        first.until_status(chat_id, "running")
    batch = first.trigger(quick, {"combinations": [{"n": n} for n in range(MANY)], "maxParallel": 2}, key="batch")
    next_in_line = first.trigger(quick)["chat"]["id"]
    first.kill()

    second = processes()
    assert (second.headers, second.process.pid != first.process.pid) == (first.headers, True)
    found = second.chat(stuck_chat)
    assert (found["status"], found["interrupted"], found["error"]["kind"]) == ("failed", True, "interrupted")
    assert found["finishedAt"] is not None
    assert [(a["number"], a["status"], a["interrupted"]) for a in found["attempts"]] == [(1, "failed", True)]
    # The one that has an attempt left runs again, as the same chat.
    retried = second.until_status(again_chat, "running")
    assert [a["status"] for a in retried["attempts"]] == ["failed", "running"]
    second("POST", f"/api/agents/chats/{again_chat}/cancel")
    # What was waiting is run, each combination once, and then the run that was next in line.
    chats = second.until_idle()
    by_id = {chat["id"]: chat for chat in chats}
    assert [by_id[chat["id"]]["parameters"]["n"] for chat in batch["chats"]] == list(range(MANY))
    ends = [by_id[chat["id"]] for chat in batch["chats"]]
    interrupted = [chat for chat in ends if chat["interrupted"]]
    assert len(interrupted) <= 2
    assert all(chat["status"] == ("failed" if chat["interrupted"] else "completed") for chat in ends)
    assert by_id[next_in_line]["status"] == "completed"
    assert by_id[next_in_line]["startedAt"] >= max(chat["finishedAt"] for chat in ends)
    # The keys are spent as before.
    assert second.trigger(stuck, key="stuck run")["chat"]["id"] == stuck_chat
    assert (
        second.trigger(quick, {"combinations": [{"n": n} for n in range(MANY)], "maxParallel": 2}, key="batch") == batch
    )
    assert len(second.chats()) == len(chats)


def test_killed_while_triggers_come_in(processes):
    """An answered trigger is on the disk; an unanswered one may be sent again and starts at most once."""
    first = processes()
    job = first.job("busy", "quick", overlap="allow")
    answered: dict[str, str] = {}
    refused = threading.Event()

    def send(worker):
        with httpx.Client(base_url=first.url, headers=first.headers, timeout=10) as client:
            for number in range(1000):
                key = f"{worker}-{number}"
                try:
                    answer = client.post(f"/api/agents/jobs/{job['id']}/trigger", headers={"Idempotency-Key": key})
                except httpx.TransportError:
                    refused.set()
                    return
                answered[key] = answer.json()["chat"]["id"]

    workers = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    while len(answered) < 50:
        time.sleep(0.005)
    first.kill()
    for worker in workers:
        worker.join()
    assert refused.is_set()

    second = processes()
    by_key = {chat["runKey"]: chat["id"] for chat in second.chats()}
    assert {key: by_key.get(key) for key in answered} == answered
    for worker in range(4):
        key = f"{worker}-{sum(name.startswith(f'{worker}-') for name in answered)}"
        started = second.trigger(job, key=key)["chat"]["id"]
        assert by_key.get(key, started) == started
    chats = second.until_idle()
    assert len({chat["runKey"] for chat in chats}) == len(chats)
    assert {chat["status"] for chat in chats} <= {"completed", "failed"}
    assert all(chat["interrupted"] == (chat["status"] == "failed") for chat in chats)


def test_a_signal_lets_short_runs_end_and_interrupts_long_ones(processes):
    first = processes(drain_seconds=20)
    first.until_status(first.trigger(first.job("warm", "quick"))["chat"]["id"], "completed")
    short = first.trigger(first.job("short", "a_second"))["chat"]["id"]
    first.until_status(short, "running")
    first.ask_to_stop()
    assert first.stopped() == (0, "")

    second = processes()
    assert second.chat(short)["status"] == "completed"
    stuck = second.trigger(second.job("stuck", "endless"))["chat"]["id"]
    waiting = second.job("waiting", "quick", parameters={"n": {"type": "integer", "default": 1}})
    second.until_status(stuck, "running")
    started = time.monotonic()
    second.ask_to_stop(signal.SIGINT)
    assert second.stopped() == (0, "")
    assert time.monotonic() - started < 8

    third = processes()
    found = third.chat(stuck)
    assert (found["status"], found["interrupted"]) == ("failed", True)
    assert found["messages"][-1]["blocks"][-1]["kind"] == "interrupted"
    assert third.ok("GET", f"/api/agents/jobs/{waiting['id']}")["job"] == waiting


def test_a_second_signal_does_not_wait(processes):
    server = processes(drain_seconds=60)
    stuck = server.trigger(server.job("stuck", "endless"))["chat"]["id"]
    server.until_status(stuck, "running")
    started = time.monotonic()
    server.ask_to_stop()
    time.sleep(0.5)
    assert server.process.poll() is None
    server.ask_to_stop()
    assert server.stopped()[0] == 0
    assert time.monotonic() - started < 20
