"""Clients that take their time: the others are answered at once meanwhile, and the slow ones are dropped."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.listening.bounds import Bounds
from interact_gitops.server.serving import EmbeddedServer

from .wires import answers_in, connect, until_closed

BOUNDS = Bounds(connections=40, idle_seconds=1, head_seconds=1, body_seconds=1, answer_seconds=1, slowest=50_000)
AT_ONCE = 1.5  # seconds within which somebody else has an answer
SLACK = 6.0  # seconds beyond its bound after which a slow client is gone: a look each second, and a busy machine


@pytest.fixture(scope="module")
def strict(tmp_path_factory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("strict"), port=0, bounds=BOUNDS, scheduler=False) as server:
        yield server


@pytest.fixture
def others(strict) -> Iterator[Callable[[], float]]:
    """Asks as somebody else all the time; gives the slowest answer so far, in seconds."""
    slowest, stop = [0.0], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=strict.url, headers=_headers(strict), timeout=30) as client:
            while not stop.is_set():
                began = time.monotonic()
                assert client.get("/api/agents").status_code == 200
                slowest[0] = max(slowest[0], time.monotonic() - began)
                time.sleep(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    yield lambda: slowest[0]
    stop.set()
    thread.join()


def _headers(server: EmbeddedServer) -> dict[str, str]:
    return {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}


def _head(server: EmbeddedServer, request: str, *more: str) -> bytes:
    named = [f"{name}: {value}" for name, value in _headers(server).items()]
    return "\r\n".join([f"{request} HTTP/1.1", "Host: 127.0.0.1", *named, *more, "", ""]).encode()


def _trickle(server: EmbeddedServer, first: bytes, then: bytes) -> tuple[bytes, float]:
    """Sends `first` at once and `then` a byte at a time; what came back, and after how long it was over."""
    with connect(server.url) as wire:
        wire.sendall(first)
        began = time.monotonic()
        for byte in then:
            try:
                wire.sendall(bytes([byte]))
                time.sleep(0.05)
            except OSError:
                break
            if time.monotonic() - began > 20:
                raise AssertionError("a byte at a time, and still there after 20 s")
        came, _ = until_closed(wire, SLACK)
        return came, time.monotonic() - began


POST = ("POST /api/agents/jobs", "Content-Type: application/json")
TRICKLES = {
    "a head": lambda server: (b"", _head(server, "GET /api/agents", "X-Long: " + "x" * 400)),
    "a head after an answer": lambda server: (_head(server, "GET /api/agents"), b"GET /api/agents HTTP/1.1\r\n" * 40),
    "empty lines": lambda server: (b"", b"\r\n" * 400),
    "a body": lambda server: (_head(server, *POST, "Content-Length: 5000"), b" " * 400),
    "chunks": lambda server: (_head(server, *POST, "Transfer-Encoding: chunked"), b"1\r\n \r\n" * 80),
    "the length of a chunk": lambda server: (_head(server, *POST, "Transfer-Encoding: chunked"), b"0" * 15),
    "trailers": lambda server: (_head(server, *POST, "Transfer-Encoding: chunked") + b"0\r\n", b"a: b\r\n" * 80),
    "a body that nobody asked for": lambda server: (_head(server, "GET /healthz", "Content-Length: 900"), b" " * 400),
}


@pytest.mark.parametrize("trickle", TRICKLES.values(), ids=TRICKLES.keys())
def test_a_byte_at_a_time_is_told_and_dropped(strict, others, trickle):
    came, seconds = _trickle(strict, *trickle(strict))
    assert seconds < 1 + SLACK
    said = answers_in(came)
    if said:  # empty lines are nothing yet, so there is nobody to tell
        status, body = said[-1]
        assert status in {400, 408}
        assert json.loads(body)["code"] in {"malformed", "too_slow"}
    assert others() < AT_ONCE


def test_many_at_once_are_all_dropped(strict, others):
    began = time.monotonic()
    wires = [connect(strict.url) for _ in range(30)]
    for number, wire in enumerate(wires):
        wire.sendall(_head(strict, "GET /api/agents")[: 10 + number] if number % 2 else b"")
    for wire in wires:
        until_closed(wire, 1 + SLACK)
        wire.close()
    assert time.monotonic() - began < 2 + SLACK
    assert others() < AT_ONCE


def test_a_large_body_that_comes_slowly_but_steadily_arrives(strict):
    body = (
        json.dumps({"key": "steady", "name": "n", "agent": {"slug": "paid-search-analyst"}}).encode() + b" " * 300_000
    )
    with connect(strict.url) as wire:
        wire.sendall(_head(strict, *POST, f"Content-Length: {len(body)}"))
        began = time.monotonic()
        for start in range(0, len(body), 10_000):
            wire.sendall(body[start : start + 10_000])
            time.sleep(0.1)
        assert time.monotonic() - began > 2 * BOUNDS.body_seconds
        assert b"prompts" in wire.recv(65_536), "told what is wrong in it: it was read to its end"


def test_who_reads_nothing_is_dropped(strict, others, tmp_path):
    with httpx.Client(base_url=strict.url, headers=_headers(strict), timeout=30) as client:
        for number in range(100):
            body = {
                "key": f"large-{number}", "name": "n", "agent": {"slug": "paid-search-analyst"},
                "prompts": [{"text": "x" * 50_000}],
            }  # fmt: skip
            assert client.post("/api/agents/jobs", json=body).status_code in {201, 409}
        wire = connect(strict.url, receive_buffer=4096)
        wire.sendall(_head(strict, "GET /api/agents/jobs") * 3)
        before = _dropped(strict, "answer")
        deadline = time.monotonic() + 10
        while _dropped(strict, "answer") == before:
            assert time.monotonic() < deadline, "an answer that nobody reads is kept"
            time.sleep(0.1)
        wire.close()
        # Read slowly, but read: it arrives whole.
        with connect(strict.url, receive_buffer=65_536) as wire:
            wire.sendall(_head(strict, "GET /api/agents/jobs"))
            came = b""
            while not came.endswith(b'"nextCursor":null}'):
                piece = wire.recv(200_000)
                assert piece, "it was cut off"
                came += piece
                time.sleep(0.05)
        assert len(came) > 5_000_000
    assert others() < AT_ONCE


def test_a_crowd_makes_room_for_whoever_comes(strict, others):
    """Three times as many as there is room for: the eldest go, and nobody who has a request is turned away."""
    wires = []
    for _ in range(3 * BOUNDS.connections):
        wires.append(connect(strict.url))
        if len(wires) % 10 == 0:
            assert httpx.get(strict.url + "/healthz").status_code == 200
    assert len(strict._http.server_state.connections) <= BOUNDS.connections
    for wire in wires:
        until_closed(wire, 1 + SLACK)
        wire.close()
    assert _dropped(strict, "crowded") >= BOUNDS.connections
    assert others() < AT_ONCE


def _dropped(server: EmbeddedServer, reason: str) -> float:
    text = server.instance.metrics.text().decode()
    lines = [line for line in text.splitlines() if f'connections_total{{reason="{reason}"}}' in line]
    return float(lines[0].split()[-1]) if lines else 0.0


def test_thousands_of_connections_to_a_server_as_it_is_installed(tmp_path):
    """With its own bounds and file limit: 3,000 that say nothing, and 500 that begin to say something."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5_000:
        pytest.skip(f"this machine lets a process open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    command = [sys.executable, "-m", "interact_gitops", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    # As most systems start a program: with 1,024 files.
    limited = ["sh", "-c", 'ulimit -S -n 1024; exec "$@"', "-", *command]
    process = subprocess.Popen(limited, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    wires = []
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split(" at ")[1].split()[0]
        credentials = read_credentials(tmp_path / "data")
        assert credentials is not None
        headers = {"X-API-Key": credentials.api_key, "X-Organization-Id": credentials.organization_id}
        slowest = 0.0
        for number in range(3_500):
            wires.append(connect(url))
            if number % 7 == 0:
                wires[-1].sendall(b"POST /api/agents/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1234")
            if number % 100 == 0:
                began = time.monotonic()
                assert httpx.get(url + "/api/agents", headers=headers).status_code == 200
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 3, f"somebody waited {slowest:.2f} s"
        with open(f"/proc/{process.pid}/status") as status:
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        assert memory < 400 * 1024, f"{memory:,} KiB"
    finally:
        for wire in wires:
            wire.close()
        process.terminate()
        _, said = process.communicate(timeout=30)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert process.returncode == 0
    assert "Traceback" not in said
    assert len(said.splitlines()) < 20, "what strangers do fills no log"
