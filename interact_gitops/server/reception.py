"""What every request meets first, whether it is for the API or for a page: its host, and its query."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from interact_gitops.server.failures import BadHost, Malformed
from interact_gitops.server.instance import Instance
from interact_gitops.server.options import LOOPBACK

_MOST_QUERY_FIELDS = 100
_HOST = re.compile(r"(?:(?P<name>[a-z0-9._-]+)|\[(?P<address>[0-9a-f:.]+)\])(?::[0-9]{1,5})?")  # RFC 9110, 7.2


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The query string's names and values. Raises Malformed."""
    try:
        return parse_qsl(
            request.url.query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_QUERY_FIELDS
        )  # fmt: skip
    except ValueError as error:
        raise Malformed("the query string cannot be read") from error


def demand_host(host: str | None, instance: Instance) -> None:
    """A server on loopback answers to loopback's names only: a page of another name that resolves here
    (DNS rebinding) is turned away. Raises BadHost."""
    if instance.options.allow_remote:
        return
    found = _HOST.fullmatch((host or "").strip().lower())
    name = (found["name"] or found["address"]) if found else ""
    if name not in LOOPBACK and not _is_loopback(name):
        raise BadHost("the Host header names another server", remedy="use 127.0.0.1 or localhost")


def is_public(host: str | None, instance: Instance) -> bool:
    """Whether a request came by the server's public address, where that is https: something ends TLS before us."""
    parts = urlsplit(instance.options.public_url or "")
    return parts.scheme == "https" and (host or "").lower() == parts.netloc.lower()


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
