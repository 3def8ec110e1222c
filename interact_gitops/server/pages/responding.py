"""From a request to a page: what is checked on the way, and the headers that every answer has."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from interact_gitops.server.api.rates import Rates, place_of
from interact_gitops.server.api.receiving import receive
from interact_gitops.server.failures import Declined, TooLarge
from interact_gitops.server.instance import Instance
from interact_gitops.server.pages.answers import Download, Outcome, Page, Redirect
from interact_gitops.server.pages.board import Board
from interact_gitops.server.pages.freshness import Freshness
from interact_gitops.server.pages.problems import problem_page, unexpected_page
from interact_gitops.server.pages.rendering import Frame, render
from interact_gitops.server.pages.sessions import FIELD, Session, demand_own_origin, demand_token, session_of
from interact_gitops.server.pages.visitors import NOBODY, SignInNeeded, Visitor, visitor_of
from interact_gitops.server.pages.visits import Fields, Visit, read_form, read_pairs
from interact_gitops.server.reception import demand_host, is_public, query_pairs

View = Callable[[Visit], Outcome]
Respond = Callable[[Request], Awaitable[Response]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page's line in the table: `section` is its entry in the menu; `open`: nobody needs to be signed in."""

    id: str
    method: str
    path: str
    view: View
    section: str = "jobs"
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An outcome with what stands around it."""

    outcome: Outcome
    session: Session | None = None
    visitor: Visitor | None = None
    secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all pages share."""

    instance: Instance
    executor: ThreadPoolExecutor
    freshness: Freshness
    board: Board
    rates: Rates | None


def responder(place: Place, house: House) -> Respond:
    """Answers the requests for one page."""

    async def respond(request: Request) -> Response:
        started = time.perf_counter()
        try:
            raw = await receive(request, functools.partial(_knock, place, house, request))
        except SignInNeeded as needed:
            answer = _response(_Made(outcome=problem_page(needed, back="/sign-in")), place.section, request)
        except Declined as declined:
            answer = _response(_Made(outcome=problem_page(declined)), place.section, request)
        except ClientDisconnect:
            return Response(status_code=499)
        else:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(house.executor, _answer, place, house, request, raw)
        house.instance.metrics.observe_request(place.id, answer.status_code, time.perf_counter() - started)
        return answer

    return respond


async def _knock(place: Place, house: House, request: Request) -> None:
    """Before more than a little of a form is kept: whether its sender may send one at all. Its token is in it, and
    weighed when it is read. Raises Declined."""
    if place.open:
        raise TooLarge("the form is larger than forms of this page are")
    if place.method in _SAFE:
        raise TooLarge("a page that is looked at takes no body")
    headers, instance = dict(request.headers), house.instance
    demand_host(headers.get("host"), instance)
    demand_own_origin(headers)
    session = session_of(headers, under=instance.secret)
    if session.fresh:
        demand_token(session, "")
    await asyncio.get_running_loop().run_in_executor(house.executor, visitor_of, instance, session)


def problem_response(request: Request, declined: Declined) -> Response:
    """An answer where there is no page."""
    return _response(_Made(outcome=problem_page(declined)), "", request)


def _answer(place: Place, house: House, request: Request, raw: bytes) -> Response:
    """On a worker thread: everything that may wait for the store, and rendering."""
    instance, freshness = house.instance, house.freshness
    if request.method in _SAFE and (kept := freshness.unchanged(request, instance)):
        return Response(status_code=304, headers={**HEADERS, **_caching(kept)})
    mark = freshness.mark(instance)
    made = _made(place, house, request, raw)
    try:
        response = _response(made, place.section, request)
    except Exception as error:  # noqa: BLE001 - the edge: a template's bug is logged and answered, not shown
        response = _response(replace(made, outcome=unexpected_page(error)), place.section, request)
    if request.method in _SAFE and response.status_code in {200, 304} and made.session and not made.session.fresh:
        freshness.note(request, mark, response.headers.get("etag"))
    return response


def _made(place: Place, house: House, request: Request, raw: bytes) -> _Made:
    instance, headers = house.instance, dict(request.headers)
    session: Session | None = None
    visitor: Visitor | None = None
    secure = is_public(headers.get("host"), instance)
    client = request.client.host if request.client else ""
    try:
        if house.rates is not None:
            house.rates.demand(place_of(client))
        demand_host(headers.get("host"), instance)
        session = session_of(headers, under=instance.secret)
        if session.fresh and _arrives(headers):
            return _Made(outcome=_arrival(request))
        visitor = NOBODY if place.open else visitor_of(instance, session)
        form = Fields()
        if place.method not in _SAFE:
            demand_own_origin(headers)
            form = read_form(raw, headers.get("content-type"))
            demand_token(session, form.text(FIELD))
        visit = Visit(
            instance=instance,
            board=house.board,
            visitor=visitor,
            session=session,
            path=request.path_params,
            query=read_pairs(query_pairs(request)),
            form=form,
            headers=headers,
            now=instance.clock(),
            client=client,
            secure=secure,
        )
        outcome = place.view(visit)
    except SignInNeeded as needed:
        outcome = _to_sign_in(request) if place.method in _SAFE else problem_page(needed, back="/sign-in")
    except Declined as declined:
        outcome = problem_page(declined)
    except Exception as error:  # noqa: BLE001 - the edge: a bug is logged and answered, not shown
        outcome = unexpected_page(error)
    return _Made(outcome=outcome, session=session, visitor=visitor, secure=secure)


def _to_sign_in(request: Request) -> Redirect:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Redirect(location="/sign-in" + ("" if asked == "/" else f"?{urlencode({'next': asked})}"))


def _arrives(headers: Mapping[str, str]) -> bool:
    """Whether somebody followed a link of another site. SameSite=Strict keeps the cookie out of that request, and a new
    one would take the place of the session that there may be."""
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") == "navigate"


def _arrival(request: Request) -> Page:
    """A page that leads to the same address at once, from here: now the cookie comes along."""
    query = f"?{request.url.query}" if request.url.query else ""
    address = quote(request.url.path, safe="/") + query
    return Page(template="arrival.html", value=address, private=True, headers={"Refresh": f"0; url={address}"})


def _response(made: _Made, section: str, request: Request) -> Response:
    outcome, session = made.outcome, made.session
    headers = {**HEADERS, **outcome.headers}
    if session is not None and session.fresh:
        headers.setdefault("Set-Cookie", session.cookie(secure=made.secure))
    if isinstance(outcome, Redirect):
        return Response(status_code=303, headers={**headers, "Location": outcome.location, "Cache-Control": "no-store"})
    if isinstance(outcome, Download):
        headers |= {
            "Content-Disposition": f'attachment; filename="{outcome.filename}"', "Cache-Control": "no-store"
        }  # fmt: skip
        return Response(outcome.content, media_type=outcome.media_type, headers=headers)
    return _page(outcome, made, section, request, headers)


def _page(page: Page, made: _Made, section: str, request: Request, headers: dict[str, str]) -> Response:
    visitor = made.visitor
    frame = Frame(
        token=made.session.token if made.session else "", section=section, visitor=visitor.name if visitor else None,
        signed_in=visitor is not None and visitor.signed_in,
    )  # fmt: skip
    content = render(page.template, page.value, frame)
    if page.status != 200 or page.private or (made.session and made.session.fresh):
        headers["Cache-Control"] = "no-store"
    else:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers |= _caching(etag)
        if request.method in _SAFE and request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
    return Response(content, status_code=page.status, media_type="text/html; charset=utf-8", headers=headers)


def _caching(etag: str) -> dict[str, str]:
    """A page may be kept by the browser that it was made for, and is asked for again each time."""
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
