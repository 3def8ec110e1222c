"""The API's routes: size and host are checked first, then a bounded pool of threads answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

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
from interact_gitops.server.failures import Declined, MethodNotAllowed, NotFound
from interact_gitops.server.instance import Instance
from interact_gitops.server.reception import demand_host, query_pairs

_EVERY_ANSWER = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Respond = Callable[[Request], Awaitable[Response]]


def api_routes(instance: Instance, executor: ThreadPoolExecutor) -> list[Route]:
    """One route per path of the API; endpoints run on `executor`."""
    access = Access(instance)
    by_path: dict[str, dict[str, Respond]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = _responder(operation, instance, access, executor)
    return [Route(path, by_method(methods), methods=list(methods)) for path, methods in by_path.items()]


def by_method(methods: Mapping[str, Respond]) -> Respond:
    """One route per path, so that a 405 names every method of it. A HEAD is answered as a GET without body."""

    async def respond(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return respond


def routing_problem(request: Request, error: HTTPException) -> Response:
    """The answer where no route fits."""
    if error.status_code == 405:
        allowed = dict(error.headers or {})
        return _response(problem(MethodNotAllowed(f"{request.method} is not a method of this path", headers=allowed)))
    return _response(problem(NotFound("there is nothing at this path")))


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
            query=read_query(query_pairs(request), operation.query),
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
    demand_host(request.headers.get("host"), instance)
    if operation.permission is None:
        return NOBODY
    address = request.client.host if request.client else ""
    return access.admit(request.headers, operation.permission, address=address)


def _response(reply: Reply) -> Response:
    headers = {**_EVERY_ANSWER, **reply.headers}
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(reply.content, status_code=reply.status, media_type=reply.media_type, headers=headers)
