"""Lists that come in pages, as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interact_gitops.interact.bodies import items
from interact_gitops.interact.errors import UnexpectedAnswer
from interact_gitops.interact.transport import Transport

PAGE = 500
MOST_PAGES = 2_000


def pages(
    transport: Transport, path: str, name: str, query: Mapping[str, Any], what: str
) -> Iterator[Mapping[str, Any]]:
    """Every entry under `name`, page by page as they are needed. Raises UnexpectedAnswer for pages without an end."""
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        answer = transport.send("GET", path, what=what, query={**query, "cursor": cursor})
        yield from items(answer, name, what)
        cursor = answer.body.get("nextCursor")
        if cursor is None or cursor == "":
            return
        if not isinstance(cursor, str):
            raise UnexpectedAnswer(f"{what}: nextCursor is not a text", remedy="check the target's version")
        if cursor in seen or len(seen) >= MOST_PAGES:
            raise UnexpectedAnswer(f"{what}: the target's pages do not come to an end", remedy="try again later")
        seen.add(cursor)
