"""The ASGI application: the API and the pages, side by side over one instance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interact_gitops.server.api.routes import api_routes, routing_problem
from interact_gitops.server.instance import Instance
from interact_gitops.server.pages.board import Board
from interact_gitops.server.pages.routes import nothing_there, page_routes

_FOR_PROGRAMS = ("/api", "/healthz", "/readyz", "/metrics")


def build_app(instance: Instance, executor: ThreadPoolExecutor) -> Starlette:
    """The application for one instance; everything that may wait for the store runs on `executor`."""

    async def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        first = "/" + request.url.path.split("/")[1]
        answer = routing_problem if first in _FOR_PROGRAMS else nothing_there
        return answer(request, error)

    board = Board(instance)
    routes = [*api_routes(instance, executor), *page_routes(instance, executor, board)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: no_route})
    app.state.board = board
    # A redirect to a path without its slash would send a key, and a POST, somewhere else.
    app.router.redirect_slashes = False
    return app
