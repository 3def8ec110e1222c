"""Servers that can be killed: real ones in processes of their own, and quick ones in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

ENDED = {"completed", "failed", "cancelled"}
AGENTS = r"""
  - slug: tester
    name: Tester
    connector: {type: sample}
    queries:
      - name: quick
        title: Quick
        parameters: {n: {type: integer, default: 1}}
        sql: select $n as n
        answer: 'n is {{ row.n }}.'
      - name: endless
        title: Endless
        sql: select count(*) as n from range(10000000) a, range(10000000) b where (a.range + b.range) % 3 = 1
      - name: a_second
        title: A second
        parameters: {n: {type: integer, default: 1}}
        sql: select count(*) + $n as n from range(1000000) a, range(60) b where (a.range + b.range) % 7 = 3
      - name: wrong
        title: Wrong
        sql: select no_such_column from campaigns
"""
_SERVE = """
import sys
from pathlib import Path
from interact_gitops.server.serving import serve
serve(Path(sys.argv[1]), agents=Path(sys.argv[2]), sample_folder=Path(sys.argv[3]), drain_seconds=float(sys.argv[4]),
      workers=4, port=int(sys.argv[5]), started=lambda server: print(server.url, flush=True))
"""

Json = dict[str, Any]


class Visitor:
    """A client of a server that may go away: every call is made on a fresh connection."""

    def __init__(self, url: str, key: str, organization: str) -> None:
        self.url = url
        self.headers = {"X-API-Key": key, "X-Organization-Id": organization}

    def __call__(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, headers={**self.headers, **(headers or {})}, timeout=30, **more)

    def ok(self, method: str, path: str, **more: Any) -> Json:
        answer = self(method, path, **more)
        assert answer.is_success, f"{answer.status_code} {answer.text[:500]}"
        return answer.json()

    def job(self, key: str, query: str, **changes: Any) -> Json:
        body = {"key": key, "name": key, "agent": {"slug": "tester"}, "prompts": [{"text": "go", "query": query}]}
        return self.ok("POST", "/api/agents/jobs", json={**body, **changes})["job"]

    def trigger(self, job: Json, body: Json | None = None, key: str | None = None) -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        return self.ok("POST", f"/api/agents/jobs/{job['id']}/trigger", headers=headers, json=body or {})

    def chats(self, **query: Any) -> list[Json]:
        return self.ok("GET", "/api/agents/chats", params=query)["chats"]

    def chat(self, chat_id: str) -> Json:
        return self.ok("GET", f"/api/agents/chats/{chat_id}")["chat"]

    def until(self, there: Callable[[], Any], seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := there()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.chats()[:5]}"
            time.sleep(0.02)
        return found

    def until_status(self, chat_id: str, *statuses: str) -> Json:
        self.until(lambda: self.chat(chat_id)["status"] in statuses)
        return self.chat(chat_id)

    def until_idle(self) -> list[Json]:
        self.until(lambda: not self.chats(status="queued") and not self.chats(status="running"))
        return self.chats()


class Process(Visitor):
    """A server in a process of its own."""

    def __init__(self, folder: Path, sample: Path, drain_seconds: float = 0.2, port: int = 0) -> None:
        self.folder = folder
        agents = folder.parent / "agents.yaml"
        agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _SERVE, folder, agents, sample, str(drain_seconds), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.startswith("http"), self.process.communicate()
        credentials = read_credentials(folder)
        assert credentials is not None
        assert credentials.url == line
        super().__init__(line, credentials.api_key, credentials.organization_id)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate()

    def ask_to_stop(self, number: int = signal.SIGTERM) -> None:
        os.kill(self.process.pid, number)

    def stopped(self) -> tuple[int, str]:
        """The exit code and what was said on stderr."""
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def processes(tmp_path: Path, sample: Path) -> Iterator[Callable[..., Process]]:
    """Starts servers on one data folder, one after the other."""
    started: list[Process] = []

    def start(**options: Any) -> Process:
        started.append(Process(tmp_path / "data", sample, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def serve(tmp_path: Path, sample: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """Starts servers in this process on one data folder, one after the other."""
    started: list[EmbeddedServer] = []
    agents = tmp_path / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")

    def start(**options: Any) -> EmbeddedServer:
        # Few workers: an endless query takes every core there is.
        defaults = {"agents": agents, "sample_folder": sample, "drain_seconds": 0.2, "workers": 3}
        started.append(EmbeddedServer(tmp_path / "data", **{**defaults, **options}))
        return started[-1]

    yield start
    for one in started:
        one.stop(drain_seconds=0)


@pytest.fixture
def visit() -> Callable[[EmbeddedServer], Visitor]:
    """A client of a server with its first key."""
    return lambda server: Visitor(server.url, server.api_key, server.organization_id)
