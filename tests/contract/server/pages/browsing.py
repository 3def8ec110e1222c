"""A browser without a screen: keeps the cookie, and sends forms with what their page gave them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from interact_gitops.server.serving import EmbeddedServer

from .conftest import parse

ALLOWED_ELSEWHERE = {"href", "src", "action", "formaction"}


@dataclass
class Browser:
    """One visitor of the server's pages."""

    server: EmbeddedServer
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.server.url, timeout=30)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def token(self, path: str = "/settings") -> str:
        found = re.search(r'name="token" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None
        return found[1]

    def post(
        self, path: str, fields: dict[str, Any] | None = None, *, on: str = "/settings", **more: Any
    ) -> httpx.Response:
        """Send a form that stands on the page `on`."""
        given = {"token": self.token(on), **(fields or {})}
        headers = {"Origin": self.server.url, "Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
        return self.http.post(path, data=given, headers=headers, **more)

    def close(self) -> None:
        self.http.close()


class Safe(HTMLParser):
    """Reads a page as a browser does, and fails on what must never be in one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.text = "".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.words.append(" ")
        assert tag not in {"iframe", "object", "embed", "base", "marquee"}, tag
        assert tag != "style"
        assert "style" not in given
        assert not [name for name in given if name.startswith("on")], given
        if tag == "script":
            assert (given.get("src") or "").startswith("/static/")
        for name in ALLOWED_ELSEWHERE & given.keys():
            address = given[name] or ""
            assert address.startswith(("/", "#", "https://", "http://")), address
            self.links.append(address)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def said(answer: httpx.Response) -> str:
    """The words of a page that is safe to show."""
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'"
    )
    parse(answer.text)
    return " ".join(html.unescape(Safe(answer.text).text).split())
