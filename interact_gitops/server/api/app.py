"""The ASGI application: size and host are checked here, then a bounded pool of threads answers."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from interact_gitops.server.api.access import Access
from interact_gitops.server.api.calls import NOBODY, Call, Caller, Reply
from interact_gitops.server.api.operations import OPERATIONS, Operation
from interact_gitops.server.api.problems import problem, unexpected
from interact_gitops.server.api.queries import read_query
from interact_gitops.server.api.receiving import receive
from interact_gitops.server.failures import (
    BadHost,
    Declined,
    Malformed,
    MethodNotAllowed,
    NotFound,
)
from interact_gitops.server.instance import Instance
from interact_gitops.server.options import LOOPBACK

_HOST = re.compile(r"(?:(?P<name>[a-z0-9._-]+)|\[(?P<address>[0-9a-f:.]+)\])(?::[0-9]{1,5})?")  # RFC 9110, 7.2
_EVERY_ANSWER = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Respond = Callable[[Request], Awaitable[Response]]


def build_app(instance: Instance, executor: ThreadPoolExecutor) -> Starlette:
    """The application for one instance; endpoints run on `executor`."""
    access = Access(instance)
    by_path: dict[str, dict[str, Respond]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = _responder(operation, instance, access, executor)
    routes = [Route(path, _by_method(methods), methods=list(methods)) for path, methods in by_path.items()]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _routing_problem})
    # A redirect to a path without its slash would send a key, and a POST, somewhere else.
    app.router.redirect_slashes = False
    return app


def _by_method(methods: Mapping[str, Respond]) -> Respond:
    """One route per path, so that a 405 names every method of it. A HEAD is answered as a GET without body."""

    async def respond(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return respond


def _responder(operation: Operation, instance: Instance, access: Access, executor: ThreadPoolExecutor) -> Respond:
    async def respond(request: Request) -> Response:
        started = time.perf_counter()
        loop = asyncio.get_running_loop()

        async def knock() -> None:
            await loop.run_in_executor(executor, _admit, operation, instance, access, request)

        try:
            raw = await receive(request, knock if operation.permission else None)
        except Declined as declined:
            reply = problem(declined)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:  # noqa: BLE001 - the edge, as in _reply: the store may not answer who calls
            reply = unexpected(error)
        else:
            reply = await loop.run_in_executor(executor, _reply, operation, instance, access, request, raw)
        instance.metrics.observe_request(operation.id, reply.status, time.perf_counter() - started)
        return _response(reply)

    return respond


def _reply(operation: Operation, instance: Instance, access: Access, request: Request, raw: bytes) -> Reply:
    """On a worker thread: everything that may wait for the store."""
    headers = dict(request.headers)
    try:
        call = Call(
            instance=instance,
            caller=_admit(operation, instance, access, request),
            path=request.path_params,
            query=read_query(_query_pairs(request), operation.query),
            headers=headers,
            raw=raw,
        )
        return operation.endpoint(call)
    except Declined as declined:
        return problem(declined)
    except Exception as error:  # noqa: BLE001 - the edge: a bug is logged and answered, not shown
        return unexpected(error)


def _admit(operation: Operation, instance: Instance, access: Access, request: Request) -> Caller:
    """Who calls. Raises BadHost, Unauthenticated, Forbidden, RateLimited."""
    _demand_host(request.headers.get("host"), instance)
    if operation.permission is None:
        return NOBODY
    address = request.client.host if request.client else ""
    return access.admit(request.headers, operation.permission, address=address)


def _query_pairs(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.url.query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Malformed("the query string cannot be read") from error


def _demand_host(host: str | None, instance: Instance) -> None:
    """A server on loopback answers to loopback's names only: a page of another name that resolves here
    (DNS rebinding) is turned away."""
    if instance.options.allow_remote:
        return
    found = _HOST.fullmatch((host or "").strip().lower())
    name = (found["name"] or found["address"]) if found else ""
    if name not in LOOPBACK and not _is_loopback(name):
        raise BadHost("the Host header names another server", remedy="use 127.0.0.1 or localhost")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _routing_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = dict(error.headers or {})
        return _response(problem(MethodNotAllowed(f"{request.method} is not a method of this path", headers=allowed)))
    return _response(problem(NotFound("there is nothing at this path")))


def _response(reply: Reply) -> Response:
    headers = {**_EVERY_ANSWER, **reply.headers}
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(reply.content, status_code=reply.status, media_type=reply.media_type, headers=headers)
