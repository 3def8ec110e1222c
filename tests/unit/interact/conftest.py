"""A server that says exactly what a test tells it to, byte by byte, and time that costs none."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.transport import Transport

Step = bytes | Callable[[socket.socket], None]
KEY = "int_" + "k" * 48


def http(status: int, body: object = None, *, kind: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP answer; a body that is no text or bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if body is None:
        content, kind = b"", ""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Script:
    """Answers each request with the next step; after the last one, with 418."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                if self._heard(connection):
                    step = self.steps.pop(0) if self.steps else http(418)
                    with contextlib.suppress(OSError):  # the client has hung up
                        connection.sendall(step) if isinstance(step, bytes) else step(connection)

    def _heard(self, connection: socket.socket) -> bool:
        got = b""
        while b"\r\n\r\n" not in got:
            more = connection.recv(65536)
            if not more:
                return False
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        method, path, _ = first.split(" ")
        self.requests.append((method, path, headers, body))
        return True


class Time:
    """A clock that only sleeping moves; `tick` is what looking at it costs."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.tick = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        self.now += self.tick
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def script() -> Iterator[Script]:
    found = Script()
    yield found
    found.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def transport(script: Script, time: Time) -> Iterator[Transport]:
    headers = {"X-API-Key": KEY, "X-Organization-Id": "org"}
    found = Transport(script.url, headers, timeout_seconds=0.5, sleep=time.sleep, clock=time.clock)
    yield found
    found.close()


@pytest.fixture
def client(script: Script, time: Time) -> Iterator[Client]:
    with Client(script.url, KEY, "org", timeout_seconds=0.5, sleep=time.sleep, clock=time.clock) as found:
        yield found


@pytest.fixture
def say(script: Script) -> Callable[..., None]:
    """Tells the server what to answer next."""

    def steps(*wanted: Any) -> None:
        script.steps += wanted

    return steps
