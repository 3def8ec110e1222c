"""The loop's port: GitHub's webhook wakes it, and nothing else on it changes anything."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from interact_gitops.errors import Failure, Refused
from interact_gitops.gitops.listening import listener, read_place
from interact_gitops.gitops.report import Report

from .conftest import World, job

BODY = b'{"ref": "refs/heads/main", "after": "--upload-pack=x"}'


def signature(body: bytes = BODY, secret: str = "s3cret") -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Place:
    url: str
    wake: threading.Event
    world: World
    report: Report

    def deliver(self, body: bytes = BODY, **headers: str) -> httpx.Response:
        given = {"X-Hub-Signature-256": signature(body), "X-GitHub-Delivery": "one", **headers}
        return httpx.post(f"{self.url}/hooks/github", content=body, headers=given, timeout=20)


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    world.repository.commit(one=job("one"))
    world.once()
    assert world.loop is not None
    wake, report = threading.Event(), Report(latest=world.loop.standing)
    with listener("0", world.loop, report, wake, secret="s3cret") as address:
        yield Place(address, wake, world, report)


def test_a_delivery_wakes_the_loop_once(place: Place) -> None:
    assert place.deliver().status_code == 202
    assert place.wake.is_set()
    place.wake.clear()
    assert place.deliver().status_code == 200
    assert not place.wake.is_set()


def test_forgeries_and_floods_do_not(place: Place) -> None:
    assert place.deliver(**{"X-Hub-Signature-256": signature(secret="other")}).status_code == 401
    assert place.deliver(**{"X-Hub-Signature-256": ""}).status_code == 401
    large = b"x" * (5 << 20)
    assert place.deliver(large).status_code == 413
    assert httpx.get(f"{place.url}/hooks/github").status_code == 405
    assert not place.wake.is_set()
    assert place.deliver(b"x" * (1 << 20)).status_code == 202


def test_a_body_without_a_length_is_bounded_too(place: Place) -> None:
    host, _, port = place.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 20) as sock:
        sock.sendall(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        said = b""
        try:
            for _ in range(64):
                sock.sendall(part)
            said = sock.recv(100)
        except OSError:
            said = said or b"cut off"
    assert b"413" in said or said == b"cut off"
    assert not place.wake.is_set()


def test_a_body_that_does_not_come_keeps_nobody_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interact_gitops.gitops.listening._BODY_SECONDS", 0.3)
    host, _, port = place.url.removeprefix("http://").partition(":")
    began = time.monotonic()
    with socket.create_connection((host, int(port)), 20) as sock:
        sock.sendall(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert b"408" in sock.recv(100)
    assert time.monotonic() - began < 5


def test_figures_health_and_standing(place: Place) -> None:
    place.report.passed(place.world.loop.standing)  # type: ignore[union-attr]  # there is one
    place.deliver(**{"X-Hub-Signature-256": "x"})
    assert httpx.get(f"{place.url}/healthz").text == "alive\n"
    assert httpx.get(f"{place.url}/readyz").status_code == 200
    figures = httpx.get(f"{place.url}/metrics").text
    for line in ("interact_sync_passes_total 1.0", "interact_sync_synced 1.0", "interact_sync_jobs 1.0",
                 "interact_sync_hook_forged_total 1.0", 'interact_sync_items{state="drifted"} 0.0'):  # fmt: skip
        assert line in figures
    assert httpx.get(f"{place.url}/status").json()["sync"] == "Synced"
    place.world.repository.commit(one="nonsense: [")
    place.world.once()
    answer = httpx.get(f"{place.url}/readyz")
    assert (answer.status_code, answer.text.split(":")[0]) == (503, "Degraded")


@pytest.mark.parametrize("text", ["", "x", "70000", "-1", "127.0.0.1:", "a:b", "١٢"])
def test_places_that_are_none(text: str) -> None:
    with pytest.raises(Refused):
        read_place(text)


def test_a_port_that_is_taken(world: World) -> None:
    world.repository.commit(one=job("one"))
    world.once()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Failure, match="cannot be listened at"):
        port = taken.getsockname()[1]
        with listener(str(port), world.loop, Report(), threading.Event(), secret=None):  # type: ignore[arg-type]  # there is one
            pass
