"""Git servers on loopback, which misbehave when they are told to: smart HTTP (git http-backend), and ssh."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncssh


@dataclass
class HttpGit:
    """A folder of repositories over smart HTTP. `token` is demanded of everybody; `trouble` may answer instead of git:
    it is given the handler, and says whether it did."""

    folder: Path
    token: str | None = None
    trouble: Callable[[BaseHTTPRequestHandler], bool] = lambda _handler: False
    seen: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def http_git(folder: Path) -> Iterator[HttpGit]:
    git = HttpGit(folder)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            git.seen.append(f"{self.command} {self.path} {self.headers.get('Authorization', '-')}")
            body = self._body()
            if git.trouble(self):
                return
            if git.token is not None and self._password() != git.token:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._backend(body)

        def _password(self) -> str:
            told = self.headers.get("Authorization", "").removeprefix("Basic ")
            return base64.b64decode(told).decode().partition(":")[2]

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            environ = {
                **os.environ, "GIT_PROJECT_ROOT": str(git.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "uploadpack.allowAnySHA1InWant",
                "GIT_CONFIG_VALUE_0": "true", "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*",
            }  # fmt: skip
            done = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False)
            head, _, rest = done.stdout.partition(b"\r\n\r\n")
            lines = [line.split(": ", 1) for line in head.decode().splitlines()]
            status = next((value for name, value in lines if name == "Status"), "200 OK")
            self.send_response(int(status.split()[0]))
            for name, value in lines:
                if name != "Status":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        git.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield git
        finally:
            server.shutdown()


@dataclass
class SshGit:
    """A folder of repositories over ssh, and the files of a user who may read them."""

    key: Path
    known_hosts: Path
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def url(self, repository: Path) -> str:
        return f"ssh://git@127.0.0.1:{self.port}{repository}"


@contextmanager
def ssh_git(folder: Path) -> Iterator[SshGit]:
    key, host = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    git = SshGit(folder / "key", folder / "known_hosts")
    key.write_private_key(git.key)
    git.key.chmod(0o600)
    (folder / "authorized").write_bytes(key.export_public_key())

    handling: set[asyncio.Future[None]] = set()

    async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        git.asked.append(command)
        verb, _, path = command.partition(" ")
        ran = await asyncio.create_subprocess_exec(
            "git", "-c", "uploadpack.allowAnySHA1InWant=true", "-c", "safe.directory=*", verb.removeprefix("git-"),
            path.strip("'"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await process.redirect(stdin=ran.stdin, stdout=ran.stdout, stderr=ran.stderr)
        process.exit(await ran.wait())
        await process.wait_closed()  # which awaits what the redirection left behind

    async def handle(process: asyncssh.SSHServerProcess[bytes]) -> None:
        handled = asyncio.ensure_future(answer(process))
        handling.add(handled)
        await handled

    loop = asyncio.new_event_loop()
    ready = threading.Event()
    listening: list[asyncssh.SSHAcceptor] = []

    async def serve() -> None:
        listening.append(
            await asyncssh.create_server(
                asyncssh.SSHServer,
                "127.0.0.1",
                0,
                server_host_keys=[host],
                authorized_client_keys=str(folder / "authorized"),
                process_factory=handle,
                encoding=None,
            )
        )
        git.port = listening[0].get_port()
        ready.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(10)
    public = host.export_public_key().decode().strip()
    git.known_hosts.write_text(f"[127.0.0.1]:{git.port} {public}\n")

    async def end() -> None:
        listening[0].close()
        await listening[0].wait_closed()
        if handling:
            await asyncio.wait(handling, timeout=5)

    try:
        yield git
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def hang(_handler: BaseHTTPRequestHandler) -> bool:
    """A server that takes the request, and says nothing."""
    time.sleep(30)
    return True
