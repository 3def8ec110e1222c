"""One POST to a checked place: pinned to its address, no redirect, little of the answer, one limit in time for all.

Over the standard library's HTTP, for its socket is in our hands: httpx would resolve the name a second time.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from interact_gitops import __version__
from interact_gitops.notify.addresses import NotAllowed, Place, Resolve, Unresolved, look_up
from interact_gitops.notify.fuse import Fuse, connected
from interact_gitops.notify.messages.cleaning import one_line
from interact_gitops.notify.sender import Again, Delivered, GivenUp, Outcome

SECONDS = 10.0  # connecting, sending and the answer's beginning, all together
MOST_ANSWER = 64 * 1024  # bytes read of an answer; more of it says nothing
_SAID = 200  # characters of an answer that are kept for whoever looks why it failed
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How webhooks are reached: hosts that may be internal, the time limit, and an event that stops what is under way
    because the program ends."""

    allowed: frozenset[str] = frozenset()
    seconds: float = SECONDS
    stopping: threading.Event
    resolve: Resolve | None = None


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, web: Web, secrets: Collection[str | None] = ()
) -> Outcome:
    """Send a body; what became of it. The address and `secrets` stand in no outcome."""
    limit = time.monotonic() + web.seconds
    try:
        place = look_up(url, web.allowed, seconds=web.seconds, resolve=web.resolve)
        status, told, answer = _send(place, body, headers, web=web, limit=limit)
    except NotAllowed as refused:
        return GivenUp(why=str(refused))
    except Unresolved as unknown:
        return Again(why=str(unknown))
    except TimeoutError:
        return Again(why=f"no answer within {web.seconds:.0f} s")
    except ssl.SSLCertVerificationError as error:
        return Again(why=f"its certificate is not trusted: {error.verify_message}")
    except (OSError, http.client.HTTPException) as error:
        return Again(why=f"the connection broke: {_reason(error)}")
    said = answer.decode("utf-8", "replace")
    for secret in {url, place.path, *secrets} - {None, "", "/"}:
        said = said.replace(str(secret), "***")
    return verdict(status, told, said, now=time.time())


def verdict(status: int, headers: Mapping[str, str], body: str, *, now: float) -> Outcome:
    """What an answer means. Header names in lower case; `now` in seconds since 1970."""
    said = one_line(body, _SAID)
    why = f"it answered {status}" + (f": {said}" if said else "")
    if 200 <= status < 300:
        return Delivered()
    if status in _AGAIN or status >= 500:
        return Again(why=why, after=_retry_after(headers.get("retry-after"), now))
    if 300 <= status < 400:
        return GivenUp(why=f"it answered {status} with a redirect, and none is followed")
    return GivenUp(why=why)


def _send(
    place: Place, body: bytes, headers: Mapping[str, str], *, web: Web, limit: float
) -> tuple[int, Mapping[str, str], bytes]:
    with Fuse(limit, web.stopping) as fuse:
        connection = http.client.HTTPConnection(place.host, place.port)
        try:
            connection.sock = fuse.guard(connected(place.addresses, place.port, limit))
            if place.secure:
                # The certificate must be the name's, however the address was found.
                connection.sock = fuse.secure(connection.sock, place.host)
            connection.request("POST", place.path, body=body, headers={**_own_headers(place), **headers})
            with connection.getresponse() as answer:
                if fuse.burnt:  # headers that were cut off look as if they ended
                    raise TimeoutError
                told = {name.lower(): value for name, value in answer.getheaders()}
                # The status is what counts: it stands, whatever becomes of the rest.
                with suppress(OSError, http.client.HTTPException):
                    return answer.status, told, answer.read(MOST_ANSWER)
                return answer.status, told, b""
        except (OSError, http.client.HTTPException, ValueError) as error:
            if fuse.burnt:
                raise TimeoutError from error
            # http.client refuses what cannot stand in a request line; a bad certificate is a ValueError, too.
            if isinstance(error, http.client.InvalidURL | ValueError) and not isinstance(error, OSError):
                raise NotAllowed("the address has characters in it that no request may have") from error
            raise
        finally:
            connection.close()


def _own_headers(place: Place) -> dict[str, str]:
    port = "" if place.port == (443 if place.secure else 80) else f":{place.port}"
    host = f"[{place.host}]" if ":" in place.host else place.host
    return {
        "Host": f"{host}{port}",
        "User-Agent": f"interact-gitops/{__version__}",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _retry_after(text: str | None, now: float) -> float | None:
    """Seconds, from either form of the header (RFC 9110, 10.2.3); None for anything else."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
