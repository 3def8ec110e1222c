"""Sockets without an HTTP client's manners."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Said:
    """What came back: whole answers as (status, body), and whether the other side hung up."""

    answers: list[tuple[int, bytes]]
    closed: bool

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.answers]


def connect(url: str, *, timeout: float = 10, receive_buffer: int | None = None) -> socket.socket:
    """A connection to the server at `url`."""
    address = urlsplit(url)
    wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    wire.settimeout(timeout)
    wire.connect((address.hostname, address.port))
    return wire


def exchange(url: str, raw: bytes, *, shut: bool = False, seconds: float = 5, quiet: float = 0.5) -> Said:
    """Sends bytes on a fresh connection and reads until the other side hangs up, or is quiet after an answer."""
    with connect(url, timeout=quiet) as wire:
        came, closed = b"", False
        try:
            wire.sendall(raw)
            if shut:
                wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it hung up meanwhile; what it said can still be read
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                piece = wire.recv(1 << 20)
            except TimeoutError:
                if came:
                    break
                continue
            except OSError:
                closed = True
                break
            if not piece:
                closed = True
                break
            came += piece
    return Said(answers=answers_in(came), closed=closed)


def until_closed(wire: socket.socket, seconds: float) -> tuple[bytes, float]:
    """What is read until the other side hangs up, and after how many seconds; fails when it does not."""
    began, came = time.monotonic(), b""
    wire.settimeout(0.1)
    while time.monotonic() - began < seconds:
        try:
            piece = wire.recv(1 << 20)
        except TimeoutError:
            continue
        except OSError:
            return came, time.monotonic() - began
        if not piece:
            return came, time.monotonic() - began
        came += piece
    raise AssertionError(f"the server did not hang up within {seconds} s; it said {came[:200]!r}")


def answers_in(came: bytes) -> list[tuple[int, bytes]]:
    """The answers in a stream; ours have a Content-Length or none of a body."""
    found = []
    while came:
        head, split, came = came.partition(b"\r\n\r\n")
        assert split, f"half an answer: {head[:200]!r}"
        first, *lines = head.split(b"\r\n")
        assert first.startswith(b"HTTP/1.1 "), first[:100]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        size = int(headers.get(b"content-length", b"0"))
        status = int(first.split(b" ")[1])
        if status != 100:
            found.append((status, came[:size]))
        came = came[size:]
    return found
