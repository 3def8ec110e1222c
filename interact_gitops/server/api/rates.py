"""How often somebody may try: token buckets, and the bound on wrong keys."""

from __future__ import annotations

import ipaddress
import math
import threading
import time

from interact_gitops.server.failures import RateLimited
from interact_gitops.server.options import RateLimit

_MOST_BUCKETS = 10_000


class Rates:
    """A token bucket for each name. A full bucket is forgotten when there are many: it says nothing."""

    def __init__(self, limit: RateLimit, said: str) -> None:
        """`said`: what a caller without a token is told."""
        self._limit = limit
        self._said = said
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def demand(self, name: str) -> None:
        """Takes a token. Raises RateLimited with the seconds until there is one."""
        now = time.monotonic()
        with self._lock:
            tokens = self._tokens(name, now)
            admitted = tokens >= 1
            if name not in self._buckets and len(self._buckets) >= _MOST_BUCKETS:
                self._forget(now)
            self._buckets[name] = (tokens - 1 if admitted else tokens, now)
        if not admitted:
            seconds = max(1, math.ceil((1 - tokens) / self._limit.per_second))
            raise RateLimited(
                self._said, remedy=f"try again in {seconds} s", headers={"Retry-After": str(seconds)}
            )  # fmt: skip

    def give_back(self, name: str) -> None:
        """Returns a token that was taken."""
        now = time.monotonic()
        with self._lock:
            self._buckets[name] = (min(float(self._limit.burst), self._tokens(name, now) + 1), now)

    def _tokens(self, name: str, now: float) -> float:
        tokens, then = self._buckets.get(name, (float(self._limit.burst), now))
        return min(float(self._limit.burst), tokens + (now - then) * self._limit.per_second)

    def _forget(self, now: float) -> None:
        """Full buckets, and if there are none the half that was asked least lately."""
        kept = {name: bucket for name, bucket in self._buckets.items() if self._tokens(name, now) < self._limit.burst}
        if len(kept) >= _MOST_BUCKETS:
            latest = sorted(kept, key=lambda name: kept[name][1], reverse=True)[: _MOST_BUCKETS // 2]
            kept = {name: kept[name] for name in latest}
        self._buckets = kept


class WrongKeys:
    """Bounds the keys that can be tried from one address, and holds up nobody whose key works.

    Every try of a key takes a token of its address before the key is looked up, and a key that exists gives it
    back: a guess is not looked at when there is none, so that the answer tells nothing. A key that has worked from
    this address since the server started needs no token there; somebody who guesses behind the same address (a
    proxy, an office) does not shut its owner out. Only a key's first use from there may have to wait.
    """

    def __init__(self, limit: RateLimit) -> None:
        said = f"too many wrong API keys come from this address; it may try {limit.per_second:g} a second"
        self._rates = Rates(limit, said)
        self._worked: set[tuple[str, bytes]] = set()

    def demand(self, address: str, digest: bytes) -> None:
        """Before a key is looked up. Raises RateLimited."""
        if (place_of(address), digest) not in self._worked:
            self._rates.demand(place_of(address))

    def works(self, address: str, digest: bytes) -> None:
        """The key exists. Existing keys times addresses are few: there is no bound on them."""
        found = (place_of(address), digest)
        if found not in self._worked:
            self._worked.add(found)
            self._rates.give_back(found[0])


def place_of(address: str) -> str:
    """Whom an address belongs to: an IPv6 client has the 2^64 addresses of its network to itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
