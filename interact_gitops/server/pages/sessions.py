"""The session cookie, and the token that a form must bring with it.

The cookie is random and names nobody; the token is an HMAC over it under the server's own key. A page of another
site can send a form here, but can neither read the token nor (SameSite=Strict) have the cookie sent along.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from interact_gitops.server.failures import Forbidden

COOKIE = "interact_session"
FIELD = "token"
_ID = re.compile(r"[0-9a-f]{64}")
_PURPOSE = b"form token\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser. `fresh`: the cookie is to be set."""

    id: str = field(repr=False)
    token: str = field(repr=False)
    fresh: bool

    def cookie(self, *, secure: bool) -> str:
        """The Set-Cookie header's value. It ends with the browser's session; `secure`: it is sent over https only."""
        return f"{COOKIE}={self.id}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")


def session_of(headers: Mapping[str, str], *, under: bytes) -> Session:
    """The request's session, or a new one. `under` is the server's own key."""
    found = _cookie(headers)
    return Session(id=found, token=_token(found, under), fresh=False) if found else new_session(under=under)


def new_session(*, under: bytes) -> Session:
    """A session that nobody has yet."""
    identifier = secrets.token_hex(32)
    return Session(id=identifier, token=_token(identifier, under), fresh=True)


def demand_token(session: Session, given: str) -> None:
    """Raises Forbidden unless the form has this session's token."""
    if session.fresh or not hmac.compare_digest(session.token.encode(), given.encode("utf-8", "replace")):
        raise Forbidden(
            "this form was made for another session", remedy="open the page again, and send the form from there"
        )


def demand_own_origin(headers: Mapping[str, str]) -> None:
    """Raises Forbidden for a form that another site sent, or that says nothing of where it was sent from.

    The host alone is compared: behind a proxy that ends TLS, the scheme seen here is not the browser's.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    host = headers.get("host", "").lower()
    own = {f"http://{host}", f"https://{host}"}
    if (
        (site is None and origin is None)
        or (site is not None and site != "same-origin")
        or (origin is not None and origin.lower() not in own)
    ):
        raise Forbidden("this form was not sent from a page of this server", remedy="open the page here, and send it")


def _token(identifier: str, under: bytes) -> str:
    return hmac.new(under, _PURPOSE + identifier.encode(), hashlib.sha256).hexdigest()


def _cookie(headers: Mapping[str, str]) -> str | None:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(COOKIE)
    return morsel.value if morsel is not None and _ID.fullmatch(morsel.value) else None
