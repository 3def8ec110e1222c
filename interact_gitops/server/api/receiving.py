"""Receiving a body: from anybody a little, from those who may call a megabyte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from interact_gitops.server.failures import Declined, TooLarge

MAX_BODY = 1024 * 1024
_FROM_ANYBODY = 64 * 1024
_MOST_DISCARDED = 16 * MAX_BODY

Knock = Callable[[], Awaitable[None]]
"""Raises Declined for a caller who would be declined whatever the body says."""


async def receive(request: Request, knock: Knock | None) -> bytes:
    """The body; empty where nobody is asked who they are. Raises TooLarge, ClientDisconnect, and what `knock` raises.

    A caller is asked before more than 64 KiB are kept: strangers fill no memory. Most requests have less, and are
    asked once, with everything else. Of a body that is declined some more is read and thrown away, so that the
    answer arrives.
    """
    chunks: list[bytes] = []
    size = 0
    knocked = False
    declined: Declined | None = None
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY and knock is not None and declined is None:
            declined = TooLarge(f"the body is larger than {MAX_BODY:,} bytes")
        if size > _FROM_ANYBODY and knock is not None and not knocked:
            knocked = True
            try:
                await knock()
            except Declined as error:
                declined = error
        if declined is None and knock is not None:
            chunks.append(chunk)
        else:
            chunks.clear()
            if size > _MOST_DISCARDED:
                break
    if declined is not None:
        raise declined
    return b"".join(chunks)
