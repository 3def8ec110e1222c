"""A served Interact that is full of secrets, used well and badly: none of them comes out of it again.

Looked through are every answer with its headers, what the process prints, its command line, its metrics, and the files
of its folder. `credentials.env` holds the first key on purpose, for its owner only; channels' addresses are in the
database, since messages are sent to them; keys are nowhere but by their hash.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.sample.warehouse import agents_file

from .wires import connect

SMTP, DSN, HOOK, SIGNING = (f"{name}-Canary-9fQx2LmZ7k" for name in ("smtp", "dsn", "hook", "signing"))
GUESS = "int_GuessedCanaryGuessedCanaryGuessedCanaryGuessed0123"
AGENTS = """
  - slug: far
    name: Far
    connector: {type: postgres, dsn: "${DSN}"}
    queries:
      - {name: one, title: One, sql: select 1 as n}
"""


def spellings(secret: str) -> set[bytes]:
    """As it is, as addresses and base64 write it, and its first twelve characters."""
    raw = secret.encode()
    return {raw, quote(secret, safe="").encode(), base64.b64encode(raw)[:16], raw[:12]}


class Served:
    """The process, and everything that came out of it."""

    def __init__(self, folder) -> None:
        self.data = folder / "data"
        agents = folder / "agents.yaml"
        agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
        environment = {
            **os.environ, "INTERACT_SMTP_URL": f"smtp://user:{SMTP}@127.0.0.1:1",
            "DSN": f"postgresql://reader:{DSN}@127.0.0.1:1/none",
        }  # fmt: skip
        command = [
            sys.executable, "-X", "dev", "-m", "interact_gitops", "serve", "--port", "0", "--data", str(self.data),
            "--agents", str(agents), "--mail-from", "a@example.com", "--allow-private", "127.0.0.1",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        self.printed = first
        self.url = first.decode().split(" at ")[1].split()[0]
        found = read_credentials(self.data)
        assert found is not None
        self.key, self.organization = found.api_key, found.organization_id
        self.answers: list[bytes] = []

    def __call__(self, method: str, path: str, *, key: str | None = None, **more) -> httpx.Response:
        headers = {"X-API-Key": key or self.key, "X-Organization-Id": self.organization, **more.pop("headers", {})}
        answer = httpx.request(method, self.url + path, headers=headers, timeout=30, **more)
        lines = [f"{name}: {value}" for name, value in answer.headers.items()]
        self.answers.append("\n".join(lines).encode() + b"\n\n" + answer.content)
        return answer

    def raw(self, content: bytes) -> None:
        with connect(self.url, timeout=2) as wire:
            wire.sendall(content)
            try:
                self.answers.append(wire.recv(65_536))
            except OSError:
                self.answers.append(b"")

    def stop(self) -> None:
        self.process.terminate()
        said, wrong = self.process.communicate(timeout=60)
        self.printed += said + wrong


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("secrets"))
    try:
        _use(server)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def _use(server: Served) -> None:
    channels, jobs = "/api/notifications/channels", "/api/agents/jobs"
    hook = f"https://127.0.0.1:1/services/{HOOK}"
    for body in (
        {"name": "signed", "type": "webhook", "url": hook, "secret": SIGNING},
        {"name": "slack", "type": "slack", "url": hook},
        {"name": "mail", "type": "email", "to": ["b@example.com"]},
        {"name": "wrong", "type": "webhook", "url": f"ftp://{HOOK}", "secret": SIGNING},
        {"name": "wrong", "type": "webhook", "url": hook, "secret": SIGNING, "secrets": SIGNING},
        {"name": "wrong", "type": "webhook", "url": hook * 200, "secret": SIGNING * 200},
        {"name": "wrong", "type": "email", "to": [HOOK], "url": hook},
        {"name": "wrong", "type": "teams", "url": [hook], "secret": {"is": SIGNING}},
        {"name": SIGNING * 20, "type": "webhook", "url": 5, "secret": 5},
    ):
        created = server("POST", channels, json=body)
        if created.is_success:
            etag = {"If-Match": created.headers["ETag"]}
            server("POST", f"{channels}/{created.json()['channel']['id']}/test", json={})
            server("PUT", f"{channels}/{created.json()['channel']['id']}", json={**body, "x": 1}, headers=etag)
    server("POST", "/api/notifications/fingerprints", json={"secrets": [SIGNING, hook]})
    server("POST", "/api/notifications/fingerprints", json={"secrets": [SIGNING, 5], "more": SIGNING})
    told = [{"channel": name, "topics": ["failed_run"]} for name in ("signed", "slack", "mail")]
    asked = [{"text": "?", "query": "one"}]
    job = {"key": "far", "name": "Far", "agent": {"slug": "far"}, "prompts": asked, "notifications": told}
    made = server("POST", jobs, json=job).json()["job"]
    chat = server("POST", f"{jobs}/{made['id']}/trigger", json={}).json()["chat"]["id"]
    deadline = time.monotonic() + 60
    while server("GET", f"/api/agents/chats/{chat}").json()["chat"]["status"] not in ("failed", "completed"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    while any(one["tries"] == 0 for one in server("GET", "/api/notifications/deliveries").json()["deliveries"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for key in (GUESS, GUESS[:-1], server.key[:-1], server.key + "x", server.key.upper()):
        server("GET", "/api/agents", key=key)
    for path in (f"/api/{GUESS}", f"/api/agents?key={server.key}", f"/api/agents/chats?jobId={server.key}"):
        server("GET", path)
    for path in (channels, jobs, "/metrics", "/readyz", "/api/sync", "/api/agents", "/api/agents/chats"):
        server("GET", path)
    for method, path in (("GET", "/api/openapi.json"), ("TRACE", "/api/agents"), ("OPTIONS", "/api/agents")):
        server(method, path)
    key = f"X-API-Key: {server.key}\r\n"
    for raw in (
        f"GET /api/agents HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}{key}\r\n",
        f"GET / HTTP/9.9\r\n{key}\r\n",
        f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}X: {'y' * 40_000}\r\n\r\n",
        f"GET /{server.key} HTTP/1.1\r\nHost: evil.example\r\n{key}\r\n",
        f"{server.key}\r\n\r\n",
        f"POST /api/agents HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}Transfer-Encoding: {server.key}\r\n\r\n",
    ):
        server.raw(raw.encode())  # fmt: skip


def _found_in(content: bytes, *secrets: str) -> list[bytes]:
    return [spelling for secret in secrets for spelling in spellings(secret) if spelling in content]


def test_no_answer_has_a_secret_in_it(served):
    assert len(served.answers) > 40
    everything = b"\n".join(served.answers)
    # What a client sent as a path or a name is told back to it; its key in a header never is.
    own = everything.replace(f"there is nothing at /api/{GUESS}".encode(), b"")
    assert _found_in(own, SMTP, DSN, HOOK) == []
    assert served.key.encode() not in everything.replace(b"'" + served.key.encode() + b"'", b"")
    assert SIGNING.encode() not in everything


def test_the_process_shows_none(served):
    with open(f"/proc/{served.process.pid}/cmdline", "rb") as file:
        shown = file.read()
    assert b"interact_gitops" in shown
    assert _found_in(shown, SMTP, DSN, HOOK, SIGNING, served.key) == []


def test_files_are_their_owners_and_keys_are_kept_by_their_hash(served):
    files = [path for path in served.data.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"credentials.env", "interact.db", "interact.db-wal"}
    assert stat.S_IMODE(served.data.stat().st_mode) == 0o700
    for path in files:
        if path.name.startswith(("interact.db", "credentials")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        if path.name != "credentials.env":
            content = path.read_bytes()
            assert _found_in(content, SMTP, DSN, GUESS) == [], path
            assert served.key.encode() not in content, path


def test_nothing_is_printed(served):
    """Last, for it stops the process."""
    served.stop()
    assert served.process.returncode == 0
    assert b"Traceback" not in served.printed
    assert _found_in(served.printed, SMTP, DSN, HOOK, SIGNING, GUESS, served.key) == []


def test_metrics_and_problems_are_made_of_words_of_ours(served):
    metrics = next(one for one in served.answers if b"# HELP interact_" in one)
    for name in (b"far", b"signed", b"org_", b"job_", b"chat_", b"key_"):
        assert b'="' + name not in metrics
    for answer in served.answers:
        body = answer.partition(b"\n\n")[2]
        if b"application/problem+json" in answer and body.startswith(b"{"):
            assert "Traceback" not in str(json.loads(body))
            assert ".py" not in str(json.loads(body))
