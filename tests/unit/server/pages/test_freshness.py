"""What is remembered of pages, so that one that did not change is not made again."""

from __future__ import annotations

from starlette.requests import Request

from interact_gitops.server.pages.freshness import Freshness


def asked(query: bytes, cookie: bytes) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/settings", "query_string": query, "server": ("x", 80),
                    "headers": [(b"host", b"x"), (b"cookie", cookie)]})  # fmt: skip


def test_it_is_short_however_long_an_address_is() -> None:
    """Addresses and cookies are of whoever asks: 32 KB of them, 2,000 times over, would be kept."""
    found = Freshness()
    for number in range(10):
        found.note(asked(b"%d" % number + b"x" * 14_000, b"a=" + b"y" * 14_000), (1, "2026-11-23T07:00"), '"etag"')
    known = found._known  # what is kept has no other door
    assert len(known) == 10
    assert sum(len(repr(one)) for one in known.items()) < 10 * 300
