"""Receivers on loopback: an HTTP server that can behave badly, and a mail server."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from interact_gitops.notify.events import Part, RunEnded
from interact_gitops.notify.messages.composing import compose
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.posting import Web


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class Hooks:
    """An HTTP server whose paths say how it behaves; everything it got is in `received`."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.received: list[Received] = []
        self.closing = threading.Event()
        hooks = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # who sent it died
                    self.close_connection = True
                    return
                hooks.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                getattr(self, self.path.strip("/").partition("/")[0].replace("-", "_"), self.ok)()

            def do_GET(self) -> None:
                hooks.received.append(Received("GET " + self.path, dict(self.headers), b""))
                self.ok()

            def ok(self) -> None:
                self.say(200, b"ok")

            def gone(self) -> None:
                self.say(404, b"no_service\x1b[31m " + self.path.encode())

            def broken(self) -> None:
                self.say(500, b"<html>Internal Server Error</html>")

            def busy(self) -> None:
                self.say(429, b"rate_limited", {"Retry-After": "7"})

            def elsewhere(self) -> None:
                self.say(302, b"", {"Location": f"http://127.0.0.1:{self.server.server_address[1]}/ok"})

            def hang(self) -> None:
                hooks.closing.wait(20)
                self.close_connection = True

            def drip(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(400):
                    if hooks.closing.wait(0.05):
                        return
                    self.wfile.write(b"x")
                    self.wfile.flush()

            def reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

            def huge(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(10 * 1024 * 1024))
                self.end_headers()
                for _ in range(160):
                    self.wfile.write(b"x" * 65_536)

            def garbage(self) -> None:
                self.wfile.write(b"\x00\x01 not HTTP\r\n\r\n")

            def say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:  # a client that went away is what some tests are about
                pass

        self.server = Server(("127.0.0.1", 0), Answers)
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    running = Hooks()
    yield running
    running.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and localhost, with its key."""
    import subprocess

    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", folder / "key",
         "-out", folder / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "cert").read_bytes() + (folder / "key").read_bytes())
    return both


@pytest.fixture
def tls_hooks(certificate: Path) -> Iterator[Hooks]:
    running = Hooks(certificate)
    yield running
    running.close()


@pytest.fixture
def web() -> Web:
    return Web(allowed=frozenset({"127.0.0.1"}), seconds=1.0, stopping=threading.Event())


@pytest.fixture
def message() -> Message:
    return compose(event(), delivery="dlv_1", topic="failed_run", public_url=None)


def event(**changes: Any) -> RunEnded:
    part = Part(chat_id="chat_1", result="failed", parameters={"days": 7}, error="no rows", seconds=1.0)
    given = {
        "id": "run:grp_1", "time": "2026-11-23T07:00:05.000Z", "job_key": "weekly", "job_name": "Weekly report",
        "agent": "Analyst", "run_key": "k", "trigger": "schedule", "initiator": "schedule",
        "scheduled_at": "2026-11-23T07:00:00.000Z", "fan_out": False, "parts": (part,), "total": {"failed": 1},
        "seconds": 1.0, "failures": 1,
    }  # fmt: skip
    return RunEnded(**{**given, **changes})


@dataclass
class Post:
    """A mail server. `refuse` gives receivers their answer, `data` the answer to a whole mail."""

    refuse: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    receivers: list[tuple[str, ...]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
            self.receivers.append(tuple(envelope.rcpt_tos))
        return self.data


def _check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada", b"c4nary")
    return AuthResult(success=good, handled=False)


@pytest.fixture
def post_office() -> Iterator[Callable[..., Post]]:
    running: list[Controller] = []

    def open_one(post: Post | None = None, **options: Any) -> Post:
        found = post or Post()
        if options.pop("auth", False):
            options |= {"authenticator": _check, "auth_required": True}
        controller = Controller(found, hostname="127.0.0.1", port=0, ready_timeout=30, **options)

        def knock() -> None:
            """See that it is there: aiosmtpd would, but cannot know a port that the system chose."""
            found.port = controller.server.sockets[0].getsockname()[1]
            socket.create_connection(("127.0.0.1", found.port), 10).close()

        controller._trigger_server = knock  # type: ignore[method-assign]
        controller.start()
        running.append(controller)
        return found

    yield open_one
    for controller in running:
        controller.stop()


class Mute(socketserver.BaseRequestHandler):
    """Takes the connection and says nothing, or one byte every now and then."""

    def handle(self) -> None:
        for _ in range(100):
            try:
                self.request.sendall(b"2" if self.server.dripping else b"")  # type: ignore[attr-defined]
                time.sleep(0.05)
            except OSError:
                return


@pytest.fixture(params=[False, True], ids=["mute", "dripping"])
def mute(request: pytest.FixtureRequest) -> Iterator[int]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mute)
    server.daemon_threads = True
    server.dripping = request.param  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
