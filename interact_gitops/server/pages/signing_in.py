"""`/sign-in` and `/sign-out`: the one password of a server whose pages not everybody may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from interact_gitops.server.api.rates import place_of
from interact_gitops.server.clock import to_text
from interact_gitops.server.failures import NotFound, RateLimited
from interact_gitops.server.pages.answers import Outcome, Page, Redirect
from interact_gitops.server.pages.sessions import new_session
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import sentence
from interact_gitops.server.password import Password
from interact_gitops.server.store import sessions

LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """`next` is where to go on; `fault` what was wrong with the last try, `said` what else there is to know."""

    next: str
    fault: str | None = None
    said: str | None = None


def show_sign_in(visit: Visit) -> Outcome:
    """GET /sign-in"""
    _password(visit)
    said = "You are signed out." if visit.query.given("out") else None
    return Page(template="sign_in.html", value=SignInPage(next=inside(visit.query.text("next")), said=said))


def sign_in(visit: Visit) -> Outcome:
    """POST /sign-in: a new cookie for whoever knows the password. A try is counted before it is weighed, so that many
    at once are no way around."""
    password, guesses, place = _password(visit), visit.instance.guesses, place_of(visit.client)
    following = inside(visit.form.text("next"))
    try:
        guesses.demand(place)
        if not password.matches(visit.form.text("password")):
            return _again(following, "This is not the password.", status=403)
    except RateLimited as limited:
        return _again(following, sentence(f"{limited.message}; {limited.remedy}"), status=429, headers=limited.headers)
    guesses.give_back(place)
    # A new one: the cookie before it may be known to whoever put it there.
    fresh = new_session(under=visit.instance.secret)
    now = visit.instance.clock()
    with visit.instance.database.write() as db:
        sessions.add(db, fresh.id, password=password.mark, now=to_text(now), expires_at=to_text(now + LASTS))
    return Redirect(location=following, headers={"Set-Cookie": fresh.cookie(secure=visit.secure)})


def sign_out(visit: Visit) -> Outcome:
    """POST /sign-out"""
    with visit.instance.database.write() as db:
        sessions.remove(db, visit.session.id)
    fresh = new_session(under=visit.instance.secret)
    return Redirect(location="/sign-in?out=1", headers={"Set-Cookie": fresh.cookie(secure=visit.secure)})


def inside(address: str) -> str:
    """An address of a page here; `/` for anything that could lead elsewhere."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    plain = address.isascii() and address.isprintable() and "\\" not in address and len(address) <= 2_000
    own = address.startswith("/") and not address.startswith("//") and not parts.scheme and not parts.netloc
    return address if plain and own else "/"


def _password(visit: Visit) -> Password:
    if visit.instance.password is None:
        raise NotFound("there is nobody to sign in here: the pages have no password")
    return visit.instance.password


def _again(following: str, fault: str, *, status: int, headers: dict[str, str] | None = None) -> Page:
    return Page(
        template="sign_in.html", value=SignInPage(next=following, fault=fault), status=status, headers=headers or {}
    )
