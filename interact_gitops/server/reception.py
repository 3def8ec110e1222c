"""What every request meets first, whether it is for the API or for a page: the size of its body, and its host."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl

from starlette.requests import Request

from interact_gitops.server.failures import BadHost, Malformed, TooLarge
from interact_gitops.server.instance import Instance
from interact_gitops.server.options import LOOPBACK

MAX_BODY = 1024 * 1024
_MOST_DISCARDED = 16 * MAX_BODY
_MOST_QUERY_FIELDS = 100


async def read_body(request: Request) -> bytes:
    """The body. Raises TooLarge; some more is then read and thrown away, so that the answer arrives."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        elif size > _MOST_DISCARDED:
            break
        else:
            chunks.clear()
    if size > MAX_BODY:
        raise TooLarge(f"the body is larger than {MAX_BODY:,} bytes")
    return b"".join(chunks)


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
    name = (host or "").strip().lower()
    name = name.partition("]")[0].removeprefix("[") if name.startswith("[") else name.partition(":")[0]
    if name not in LOOPBACK and not _is_loopback(name):
        raise BadHost("the Host header names another server", remedy="use 127.0.0.1 or localhost")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
