"""A stand-in for Interact that costs next to nothing, for runners to talk to over real sockets.

It speaks what runners ask of the definitions API (trigger with idempotency keys, a job's chats) and remembers every
chat. `python -m benchmarks.target` prints its address; then it answers lines: `count` with a JSON of what was asked
since the last `count`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qs

RUNS_FOR = 0.5  # seconds from the start of a chat to its end


class Chats:
    """Every chat by its job."""

    def __init__(self) -> None:
        self.of_job: dict[str, list[tuple[str, str, float, str]]] = {}
        self.keys: Counter[str] = Counter()  # requests by idempotency key
        self.started: list[float] = []
        self.requests = 0

    def start(self, job: str, key: str) -> dict[str, object]:
        """Start a chat, or find the one that this key started."""
        self.keys[key] += 1
        found = self.of_job.setdefault(job, [])
        chat = next((one for one in found if one[1] == key), None)
        if chat is None:
            now = time.monotonic()
            chat = (f"chat_{job}_{len(found)}", key, now, datetime.now(UTC).isoformat())
            found.append(chat)
            self.started.append(now)
        return {"success": True, "chat": {"id": chat[0]}, "job": {"id": job}}

    def list(self, job: str) -> dict[str, object]:
        """The chats of a job."""
        now = time.monotonic()
        chats = [
            {"id": name, "status": "completed" if now - at > RUNS_FOR else "running", "createdAt": said,
             "runKey": key, "job": {"id": job}}
            for name, key, at, said in self.of_job.get(job, [])
        ]  # fmt: skip
        return {"chats": chats, "nextCursor": None}

    def count(self) -> dict[str, object]:
        """What there is, and begin anew."""
        said = {
            "requests": self.requests,
            "chats": sum(len(chats) for chats in self.of_job.values()),
            "most": max((len(chats) for chats in self.of_job.values()), default=0),
            "repeated": sum(count - 1 for count in self.keys.values()),
            "first": min(self.started, default=0.0),
            "last": max(self.started, default=0.0),
        }
        self.__init__()  # type: ignore[misc]  # the same object: connections hold it
        return said


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._pending[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self._pending) < size:
                return
            self._pending = self._pending[size:]
            self._answer(*first.split(" ")[:2], headers)

    def _answer(self, method: str, address: str, headers: dict[str, str]) -> None:
        self._chats.requests += 1
        path, _, query = address.partition("?")
        if method == "POST":
            body = self._chats.start(path.split("/")[-2], headers["idempotency-key"])
        elif path.endswith("/chats"):
            body = self._chats.list(parse_qs(query)["jobId"][0])
        else:
            body = {"jobs": [], "nextCursor": None}
        content = json.dumps(body).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)


async def _serve() -> None:
    chats, loop = Chats(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(chats), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        print(json.dumps(chats.count()), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
