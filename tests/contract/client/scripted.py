"""A server on a real socket that answers as it is told to, and can misbehave in every way that matters.

`Scripted(answer)` asks `answer` for each reply; `forward(server)` is an answer that asks another server.
`trouble` names, for each request, the way in which it is spoilt: before it is carried out, or after.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

Trouble = Literal[
    "429", "429 date", "503", "500 before", "500 after", "html 502 before", "html 502 after",
    "reset before", "reset after", "closed after", "truncated", "garbled", "slow",
]  # fmt: skip
# Every way in which a request can fail, and whether it was carried out all the same.
CARRIED_OUT: Mapping[Trouble, bool] = {
    "429": False, "429 date": False, "503": False, "500 before": False, "500 after": True,
    "html 502 before": False, "html 502 after": True, "reset before": False, "reset after": True,
    "closed after": True, "truncated": True, "garbled": True, "slow": True,
}  # fmt: skip
LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"
HTML = b"<html><body><h1>502 Bad Gateway</h1><hr><center>nginx</center></body></html>"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back: `body` as it is, or as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def problem(status: int, code: str, detail: str = "no", **members: Any) -> Reply:
    """A refusal in the API's form."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, **members}
    return Reply(status=status, body=body, kind="application/problem+json")


Answer = Callable[[Request], Reply]


class Scripted:
    """A served script. `requests` are all that came, in the order of their arrival."""

    def __init__(self, answer: Answer, *, slow_seconds: float = 2.0) -> None:
        self.answer = answer
        self.trouble: Callable[[Request, int], Trouble | None] = lambda _request, _number: None
        self.requests: list[Request] = []
        self.troubles: list[tuple[str, Trouble]] = []
        self.connections = 0
        self.slow_seconds = slow_seconds
        self.closing = threading.Event()
        self._count = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def note(self, request: Request) -> tuple[int, Trouble | None]:
        """The request's number and what shall go wrong with it."""
        with self._count:
            self.requests.append(request)
            number = len(self.requests)
            trouble = self.trouble(request, number)
            if trouble is not None:
                self.troubles.append((f"{request.method} {request.path}", trouble))
            return number, trouble


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play."""


def _handler(server: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def any_method(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it died in the middle: it never became a request
                self.close_connection = True
                return
            request = Request(method=self.command, target=self.path, headers=headers, body=body)
            _, trouble = server.note(request)
            reply = None if trouble and not CARRIED_OUT[trouble] else server.answer(request)
            self.send(reply) if trouble is None and reply is not None else self.spoil(trouble, reply)

        do_GET = do_POST = do_PUT = do_DELETE = any_method

        def send(self, reply: Reply, *, cut: int | None = None) -> None:
            content = reply.content
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if content:
                self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def spoil(self, trouble: Trouble | None, reply: Reply | None) -> None:
            if trouble in {"429", "429 date"}:
                wait = {"Retry-After": "0" if trouble == "429" else LONG_AGO}
                limited = problem(429, "rate_limited")
                self.send(Reply(status=429, body=limited.body, kind=limited.kind, headers=wait))
            elif trouble == "503":
                self.send(problem(503, "unavailable"))
            elif trouble in {"500 before", "500 after"}:
                self.send(problem(500, "internal"))
            elif trouble in {"html 502 before", "html 502 after"}:
                self.send(Reply(status=502, body=HTML, kind="text/html"))
            elif trouble in {"reset before", "reset after"}:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.hang_up()
            elif trouble == "closed after":
                self.hang_up()
            elif trouble == "truncated":
                assert reply is not None
                status = 200 if reply.status == 204 else reply.status  # a 204 has no body to cut
                self.send(Reply(status=status, body=reply.content + b" " * 100, headers=reply.headers), cut=20)
                self.hang_up()
            elif trouble == "garbled":
                assert reply is not None
                self.send(Reply(status=200, body=reply.content[:-2] or b"{", headers=reply.headers))
            else:
                assert trouble == "slow"
                server.closing.wait(server.slow_seconds)
                self.hang_up()

        def hang_up(self) -> None:
            self.close_connection = True
            self.wfile.close()
            self.rfile.close()
            self.connection.close()

    return Handler


def forward(url: str) -> Answer:
    """An answer that asks another server, over one connection a thread."""
    there = urlsplit(url)
    connections = threading.local()

    def ask(request: Request) -> Reply:
        if not hasattr(connections, "one"):
            connections.one = _Connection(there.hostname or "", there.port)
        return connections.one.ask(request)

    return ask


class _Connection:
    """A connection that is closed with its thread."""

    def __init__(self, host: str, port: int | None) -> None:
        self._http = http.client.HTTPConnection(host, port, timeout=30)

    def ask(self, request: Request) -> Reply:
        headers = {n: v for n, v in request.headers.items() if n not in {"host", "accept-encoding", "connection"}}
        self._http.request(request.method, request.target, body=request.body or None, headers=headers)
        answer = self._http.getresponse()
        content = answer.read()
        kept = {
            name: answer.headers[name]
            for name in ("ETag", "Idempotency-Replayed", "Retry-After")
            if name in answer.headers
        }
        return Reply(status=answer.status, body=content, headers=kept, kind=answer.headers.get("Content-Type", ""))

    def __del__(self) -> None:
        self._http.close()
