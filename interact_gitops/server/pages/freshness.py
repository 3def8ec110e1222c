"""Why asking for a page again costs next to nothing: a page follows from the store, the minute and its address.

Pages that are followed live are asked for every few seconds by every open tab. While nothing was written to the
store within the same minute, the answer to a known ETag is given without reading the store or rendering.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TypeAlias

from starlette.requests import Request

from interact_gitops.server.instance import Instance

_MOST = 2_000  # pages of all open tabs

Mark: TypeAlias = tuple[int, str]


class Freshness:
    """Remembers which ETag a page had. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Mark, str]] = OrderedDict()

    def mark(self, instance: Instance) -> Mark:
        """What a page that is made now is made from; taken before it is made."""
        return instance.database.commits, instance.now()[:16]

    def unchanged(self, request: Request, instance: Instance) -> str | None:
        """The ETag that the browser named, when the page still has it for certain."""
        named = request.headers.get("if-none-match")
        if named is None:
            return None
        with self._lock:
            known = self._known.get(_key(request))
        return named if known == (self.mark(instance), named) else None

    def note(self, request: Request, mark: Mark, etag: str | None) -> None:
        """A page was made."""
        if etag is None:
            return
        key = _key(request)
        with self._lock:
            self._known[key] = (mark, etag)
            self._known.move_to_end(key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)


def _key(request: Request) -> bytes:
    """The address and the session: the form token is part of a page. The host stands in it for a check that was made
    when the page was. As a digest: addresses and cookies are of whoever asks, and 32 KB at most, 2,000 times over."""
    headers = request.headers
    parts = (headers.get("host", ""), request.url.path, request.url.query, headers.get("cookie", ""))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()
