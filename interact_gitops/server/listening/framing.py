"""HTTP/1.1 read so that nobody on the way can read it differently.

h11 is strict already. What it lets through, and a proxy before us may see otherwise, is refused here, at the head
and before any body: the connection is closed, and what follows on it is never read as a request (RFC 9112, 6.1
and 11.2: request smuggling).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import h11

MOST_HEADERS = 100
LARGEST_HEAD = 32 * 1024
"""Bytes of names and values. h11 limits heads that come in pieces only."""

# Each means one thing. Given twice, one reader takes the first and another the last.
_ONCE = frozenset({
    b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"origin", b"transfer-encoding",
    b"x-api-key", b"x-organization-id",
})  # fmt: skip


class StrictConnection(h11.Connection):
    """A server's connection that raises RemoteProtocolError for a request of two meanings."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event, as in h11."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            fault = head_fault(event.http_version, event.headers)
            if fault:
                raise h11.RemoteProtocolError(fault)
        return event


def head_fault(version: bytes, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with a head; names in lower case. Pure."""
    found = list(headers)
    if len(found) > MOST_HEADERS:
        return f"more than {MOST_HEADERS} headers"
    if sum(len(name) + len(value) for name, value in found) > LARGEST_HEAD:
        return f"headers of more than {LARGEST_HEAD:,} bytes"
    times = Counter(name for name, _ in found)
    twice = next((name for name in times if name in _ONCE and times[name] > 1), None)
    if twice is not None:
        return f"the header {twice.decode()} is given twice"
    if b"transfer-encoding" in times and b"content-length" in times:
        return "the length of the body is given in two ways"
    if b"transfer-encoding" in times and version < b"1.1":
        return "HTTP/1.0 knows no Transfer-Encoding"
    return None
