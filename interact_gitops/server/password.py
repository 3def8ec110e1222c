"""The password of the pages: how it is checked, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

from interact_gitops.server.api.rates import Rates
from interact_gitops.server.options import RateLimit

# 16 MiB and some 50 ms a guess (OWASP's Password Storage Cheat Sheet, scrypt).
_COST = {"n": 2**14, "r": 8, "p": 1}
_AT_A_TIME = 2  # guesses that are weighed: the cost is paid by this machine, too
_LONGEST = 1_024  # characters; more is no password
_GUESSES = RateLimit(per_second=1 / 30, burst=10)


def guesses() -> Rates:
    """The tries that each address has: ten, and one more each half minute."""
    return Rates(_GUESSES, "too many wrong passwords came from your address")


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
