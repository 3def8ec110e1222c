"""A server that is killed between any two steps of telling: every run that ended is told, at most once more a kill."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.server.data_folder import read_credentials

from ...contract.senders.conftest import Hooks, hooks
from ..server.conftest import Visitor

__all__ = ["hooks"]  # fixtures

DYING = Path(__file__).with_name("dying.py")
ALL = os.environ.get("CHAOS") == "all"
RUNS, KILLS = (1_000, 300) if ALL else (30, 8)
EACH = 1 if ALL else 3  # in `make test` every third step, and which ones differs from day to day
FIRST = int(time.time() // 86_400) % EACH
EVERYTHING = ["completed_run", "failed_run", "anomaly"]


class Server:
    """A server that dies as it is told, and its next life."""

    def __init__(self, folder: Path, sample: Path) -> None:
        self.folder, self.sample = folder, sample
        self.visitor: Visitor | None = None

    def live(self, number: int, when: str = "before") -> subprocess.Popen[str]:
        """Begin a life that ends at a step; 0 never comes."""
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(DYING), str(self.folder), str(self.sample), str(number), when],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate()
        there = read_credentials(self.folder)
        assert there is not None
        self.visitor = Visitor(url, there.api_key, there.organization_id)
        return process


class Client(threading.Thread):
    """Somebody who triggers runs, each under its own key, until each was answered."""

    def __init__(self, server: Server, job: str, count: int) -> None:
        super().__init__(daemon=True)
        self.server, self.job, self.count = server, job, count
        self.chats: list[str] = []

    def run(self) -> None:
        for number in range(self.count):
            while True:
                try:
                    visitor = self.server.visitor
                    assert visitor is not None
                    body = {"parameters": {"days": 1 + number % 80}}
                    answer = visitor("POST", f"/api/agents/jobs/{self.job}/trigger", json=body,
                                     headers={"Idempotency-Key": f"run {number}"})  # fmt: skip
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                assert answer.is_success, answer.text
                self.chats.append(answer.json()["chat"]["id"])
                break


def job_of(visitor: Visitor, hooks: Hooks) -> str:
    for name in ("one", "two"):
        body = {"name": name, "type": "webhook", "url": f"{hooks.url}/ok/{name}"}
        visitor.ok("POST", "/api/notifications/channels", json=body)
    body = {
        "key": "told", "name": "Told", "agent": {"slug": "paid-search-analyst"}, "overlap": "allow",
        "prompts": [{"text": "Overview", "query": "campaign_performance"}],
        "parameters": {"days": {"type": "integer", "default": 7}},
        "notifications": [{"channel": name, "topics": EVERYTHING} for name in ("one", "two")],
    }  # fmt: skip
    found: str = visitor.ok("POST", "/api/agents/jobs", json=body)["job"]["id"]
    return found


def told(hooks: Hooks) -> list[dict[str, Any]]:
    return [{"channel": one.path.removeprefix("/ok/"), **json.loads(one.body)} for one in list(hooks.received)]


def everybody_knows(visitor: Visitor) -> bool:
    waiting = visitor.ok("GET", "/api/notifications/deliveries", params={"state": "waiting"})["deliveries"]
    busy = visitor.chats(status="queued") or visitor.chats(status="running")
    return not waiting and not busy


def check(hooks: Hooks, chats: list[str], kills: int) -> Counter[str]:
    messages = told(hooks)
    for channel in ("one", "two"):
        heard = Counter(one["parts"][0]["chatId"] for one in messages if one["channel"] == channel)
        assert set(heard) == set(chats), (set(chats) - set(heard), set(heard) - set(chats))
    by_id: dict[str, set[tuple[str, str]]] = {}
    for one in messages:
        by_id.setdefault(one["id"], set()).add((one["event"], one["channel"]))
    assert all(len(what) == 1 for what in by_id.values()), "one id is one event on one channel, however often it comes"
    assert len(by_id) == 2 * len(chats), "a second copy has the id of the first"
    copies = len(messages) - len(by_id)
    assert copies <= kills, f"{copies} copies after {kills} kills"
    return Counter(one["run"]["result"] for one in messages) + Counter({"copies": copies})


@pytest.mark.timeout(1_800)
def test_killed_at_any_step(tmp_path: Path, sample: Path, hooks: Hooks) -> None:
    server, chance = Server(tmp_path / "interact", sample), random.Random(time.time_ns())
    first = server.live(0)
    assert server.visitor is not None
    job = job_of(server.visitor, hooks)
    first.kill()
    first.communicate()
    began, kills = time.monotonic(), 0
    life = server.live(chance.randint(1, 60), chance.choice(["before", "after"]))
    client = Client(server, job, RUNS)
    client.start()
    while kills < KILLS:
        idle = time.monotonic() + 3
        while life.poll() is None and (client.is_alive() or time.monotonic() < idle):
            time.sleep(0.01)
        life.kill()  # where nothing is left to do on which it could die
        life.communicate()
        assert life.returncode == -signal.SIGKILL
        kills += 1
        most = max(6, round(RUNS / KILLS * 12))
        life = server.live(chance.randint(1, most) if kills < KILLS else 0, chance.choice(["before", "after"]))
    client.join(600)
    assert not client.is_alive()
    server.visitor.until(lambda: server.visitor is not None and everybody_knows(server.visitor), 300)
    counts = check(hooks, client.chats, kills)
    life.kill()
    life.communicate()
    print(f"{RUNS} runs, two channels, {kills} kills: {dict(counts)}; {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_step(tmp_path: Path, sample: Path, hooks: Hooks, when: str) -> None:
    """One run, and each of the steps until both channels know of it."""
    server = Server(tmp_path / "interact", sample)
    first = server.live(0)
    assert server.visitor is not None
    job, chats, kills = job_of(server.visitor, hooks), [], 0
    first.kill()
    first.communicate()
    for number in itertools.count(1 + FIRST, EACH):
        life = server.live(number, when)
        try:
            answer = server.visitor("POST", f"/api/agents/jobs/{job}/trigger", headers={"Idempotency-Key": f"{number}"})
            server.visitor.until(lambda: everybody_knows(server.visitor), 20)  # type: ignore[arg-type]  # there is one
            died = False
        except httpx.TransportError:
            died = True
        life.kill()
        life.communicate()
        kills += died
        again = server.live(0)
        answer = server.visitor("POST", f"/api/agents/jobs/{job}/trigger", headers={"Idempotency-Key": f"{number}"})
        chats.append(answer.json()["chat"]["id"])
        server.visitor.until(lambda: everybody_knows(server.visitor), 20)  # type: ignore[arg-type]  # there is one
        again.kill()
        again.communicate()
        if not died:
            break
    assert kills >= 2
    counts = check(hooks, chats, kills)
    print(f"{when}: {kills} kills, each at the next step: {dict(counts)}")
