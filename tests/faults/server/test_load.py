"""Five seconds of `python -m benchmarks load`: triggers at a steady rate, many runs in progress, others who read, and a
kill -9 and a stop in the middle. Nothing is lost, and nothing runs twice. `CHAOS=all` gives it a minute."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections import Counter

import httpx
import pytest

from .conftest import Process

SECONDS = 60 if os.environ.get("CHAOS") == "all" else 5
RATE = 20  # triggers a second
SENDERS = 16
GIVE_UP = 60.0


@pytest.fixture
def load(processes) -> Load:
    return Load(processes)


class Load:
    """A server on one port that goes and comes back, and clients that do not mind."""

    def __init__(self, processes) -> None:
        self._start = processes
        self.server: Process = processes()
        self.accepted: dict[str, set[str]] = {}
        self.wrong: list[str] = []
        self.again = 0

    def restart(self, number: int) -> None:
        """Ends it by this signal; it comes back under the same address."""
        port = int(self.server.url.rpartition(":")[2])
        if number == signal.SIGKILL:
            self.server.kill()
        else:
            self.server.ask_to_stop(number)
            assert self.server.stopped() == (0, "")
        self.server = self._start(port=port)

    def call(self, client: httpx.Client, method: str, path: str, **more) -> httpx.Response | None:
        """Sends until it is answered."""
        deadline = time.monotonic() + GIVE_UP
        while time.monotonic() < deadline:
            try:
                answer = client.request(method, path, **more)
            except httpx.TransportError:
                self.again += 1
                time.sleep(0.05)
                continue
            if answer.is_success:
                return answer
            if answer.status_code != 503:
                self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
                return None
            self.again += 1
            time.sleep(0.05)
        self.wrong.append(f"{method} {path}: no answer in {GIVE_UP:g} s")
        return None


def test_nothing_is_lost_under_load_while_the_server_is_killed_and_stopped(load):
    server = load.server
    retried = {"maxAttempts": 5, "backoffSeconds": 0}
    jobs = [server.job("quick", "quick", overlap="allow", retries=retried),
            server.job("second", "a_second", overlap="allow", retries=retried)]  # fmt: skip
    due: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    over = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=server.url, headers=server.headers, timeout=10) as client:
            while (number := due.get()) is not None:
                job = jobs[number % 20 == 0]
                path, key = f"/api/agents/jobs/{job['id']}/trigger", f"run {number}"
                for _ in range(1 + (number % 5 == 0)):  # some are sent twice though they were answered
                    answer = load.call(client, "POST", path, headers={"Idempotency-Key": key}, json={})
                    if answer is not None:
                        load.accepted.setdefault(key, set()).add(answer.json()["chat"]["id"])

    def read() -> None:
        with httpx.Client(base_url=server.url, headers=server.headers, timeout=10) as client:
            while not over.wait(0.1):
                for path in ("/api/agents/chats?limit=50", "/api/agents/jobs", "/readyz", "/metrics"):
                    load.call(client, "GET", path)

    threads = [threading.Thread(target=send) for _ in range(SENDERS)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    stops = {int(RATE * SECONDS / 3): signal.SIGKILL, int(RATE * SECONDS * 2 / 3): signal.SIGTERM}
    restarts = []
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        due.put(number)
        if number in stops:
            for earlier in restarts:
                earlier.join()
            restarts.append(threading.Thread(target=load.restart, args=(stops[number],)))
            restarts[-1].start()
    for one in restarts:
        one.join()
    for _ in range(SENDERS):
        due.put(None)
    for thread in threads[:-1]:
        thread.join()
    over.set()
    threads[-1].join()

    assert load.wrong == []
    assert load.again, "the server was not missed: it was not gone"
    assert {key: len(chats) for key, chats in load.accepted.items()} == {f"run {n}": 1 for n in range(RATE * SECONDS)}
    load.server.until(lambda: not load.server.chats(status="queued") and not load.server.chats(status="running"), 120)
    chats = load.server.chats()
    assert {chat["runKey"]: {chat["id"]} for chat in chats} == load.accepted
    assert Counter(chat["runKey"] for chat in chats).most_common(1)[0][1] == 1
    assert Counter(chat["status"] for chat in chats) == {"completed": RATE * SECONDS}
