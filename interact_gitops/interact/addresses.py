"""Where a target may be: https, or this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from interact_gitops.errors import Failure


def check_url(url: str) -> None:
    """Raise Failure for a URL that is none, holds a secret, or would have the API key travel in the clear."""
    if "@" in url.partition("//")[2].partition("/")[0]:
        said = "the target's URL holds a user name or a password, which would be shown in messages"
        raise Failure(said, remedy="write https://HOST; the API key is all that the target asks for")
    try:
        parts = urlsplit(url)
        named = parts.hostname
        _ = parts.port
    except ValueError:
        parts, named = urlsplit(""), None
    if not named or parts.scheme not in {"http", "https"}:
        # What stands there instead may be the API key, put into the wrong variable: it is not repeated.
        raise Failure("the target's URL is not one", remedy="write https://HOST, or http://127.0.0.1:PORT")
    if parts.query or parts.fragment:
        said = "the target's URL has a part after '?' or '#', which would be shown in messages"
        raise Failure(said, remedy="write https://HOST, or http://127.0.0.1:PORT")
    if parts.scheme == "http" and not is_loopback(url):
        raise Failure(f"the target's URL {url!r} would send the API key unencrypted", remedy="use https")


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by its form; no name is looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
