"""The password of the pages: how it is checked, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from interact_gitops.server.failures import RateLimited

# 16 MiB and some 50 ms a guess (OWASP's Password Storage Cheat Sheet, scrypt).
_COST = {"n": 2**14, "r": 8, "p": 1}
_AT_A_TIME = 2  # guesses that are weighed: the cost is paid by this machine, too
_LONGEST = 1_024  # characters; more is no password
_MOST_WRONG, _WITHIN_SECONDS = 10, 300.0
_MOST_ADDRESSES = 10_000


class Password:
    """What `INTERACT_UI_PASSWORD` said, kept as a hash. Safe to use from many threads."""

    def __init__(self, text: str, *, under: bytes) -> None:
        """`under` is the server's own key: the mark of the same password is the same after a restart."""
        self._salt = secrets.token_bytes(16)
        self._hash = self._weigh(text)
        self._turn = threading.BoundedSemaphore(_AT_A_TIME)
        self.mark = hmac.new(under, b"password\0" + text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def matches(self, given: str) -> bool:
        """Whether it is the password; as slow for a wrong one as for the right one."""
        with self._turn:
            same = hmac.compare_digest(self._weigh(given[:_LONGEST]), self._hash)
        return same and len(given) <= _LONGEST

    def _weigh(self, text: str) -> bytes:
        return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=self._salt, **_COST)


class Guesses:
    """Wrong passwords by client address: ten in five minutes, then a wait. Safe to use from many threads."""

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def demand(self, address: str) -> None:
        """Counts a guess as wrong before it is weighed, so that many at once are no way around. Raises RateLimited."""
        key, now = _network(address), self._seconds()
        with self._lock:
            wrong = [then for then in self._wrong.pop(key, []) if now - then < _WITHIN_SECONDS]
            if len(wrong) < _MOST_WRONG:
                wrong.append(now)
                wait = 0.0
            else:
                wait = _WITHIN_SECONDS - (now - wrong[0])
            self._wrong[key] = wrong
            while len(self._wrong) > _MOST_ADDRESSES:
                self._wrong.popitem(last=False)
        if wait > 0:
            raise RateLimited(
                "too many wrong passwords came from your address",
                remedy=f"try again in {math.ceil(wait / 60)} min",
                headers={"Retry-After": str(math.ceil(wait))},
            )

    def right(self, address: str) -> None:
        """The last guess was right: the ones before it were typing errors."""
        with self._lock:
            self._wrong.pop(_network(address), None)


def _network(address: str) -> str:
    """An IPv6 client has a whole /64 to come from."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
