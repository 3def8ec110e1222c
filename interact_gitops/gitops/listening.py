"""The loop over HTTP: GitHub's webhook, health, figures and the standing, on one port.

Loopback unless another host is named. Nothing but the webhook changes anything, and it only wakes the loop.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import Failure, Refused
from interact_gitops.gitops.hook import MOST_BYTES, Hook
from interact_gitops.gitops.loop import Loop
from interact_gitops.gitops.metrics import exposition
from interact_gitops.gitops.report import Report
from interact_gitops.gitops.telling import standing_form

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_BODY_SECONDS = 10.0
_STATUS = {"wake": 202, "known": 200, "forged": 401, "off": 503}
_SAID = {
    "wake": "the repository is looked at now", "known": "this delivery has come before", "forged": "wrong signature",
    "off": "no secret is set: INTERACT_GITOPS_WEBHOOK_SECRET",
}  # fmt: skip


@contextmanager
def listener(place: str, loop: Loop, report: Report, wake: threading.Event, *, secret: str | None) -> Iterator[str]:
    """Listen at `[HOST:]PORT` in a thread of its own; the address, `http://…`. Raises Failure where that cannot be."""
    try:
        import uvicorn
    except ImportError as missing:
        raise Failure(
            "--listen needs the server's libraries", remedy="pip install 'interact-gitops[server]'"
        ) from missing
    host, port = read_place(place)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        said = f"{host}:{port} cannot be listened at: {error.strerror}"
        raise Failure(said, remedy="choose another port; 0 picks a free one") from error
    server = uvicorn.Server(
        uvicorn.Config(
            application(loop, report, wake, Hook(secret=secret)), log_config=None, access_log=False, lifespan="off",
            ws="none", server_header=False, proxy_headers=False, timeout_keep_alive=5, limit_concurrency=64,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="listener", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listening.close()


def read_place(text: str) -> tuple[str, int]:
    """(host, port) of `[HOST:]PORT`. Raises Refused."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise Refused(f"{text[:60]!r} is no place to listen at", remedy="write a port, or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def application(loop: Loop, report: Report, wake: threading.Event, hook: Hook) -> Starlette:
    """What is served."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Route

    async def github(request: Request) -> Response:
        try:
            body = await asyncio.wait_for(_body(request), _BODY_SECONDS)
        except TimeoutError:
            return JSONResponse({"message": "the body took too long"}, status_code=408)
        if body is None:
            return JSONResponse({"message": "the body is larger than 1 MiB"}, status_code=413)
        verdict = hook.judge(body, request.headers.get("x-hub-signature-256"), request.headers.get("x-github-delivery"))
        report.counts[f"hook_{verdict}"] += 1
        if verdict == "wake":
            wake.set()
        return JSONResponse({"message": _SAID[verdict]}, status_code=_STATUS[verdict])

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_request: Request) -> Response:
        standing = loop.standing
        ready = standing.good is not None and standing.health != "Degraded"
        return PlainTextResponse(f"{standing.health}: {standing.health_reason}\n", status_code=200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        text, kind = exposition(report, loop.standing)
        return PlainTextResponse(text, media_type=kind)

    async def status(_request: Request) -> Response:
        return JSONResponse(standing_form(loop.standing))

    return Starlette(
        routes=[
            Route("/hooks/github", github, methods=["POST"]),
            *(Route(f"/{name}", answer, methods=["GET"]) for name, answer in
              (("healthz", healthz), ("readyz", readyz), ("metrics", metrics), ("status", status))),
        ]
    )  # fmt: skip


async def _body(request: Any) -> bytes | None:
    """The raw body; None for one that is too large, of which no more is read."""
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        return None
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            return None
    return b"".join(parts)
