"""Pages cut by key, not by count: rows that come or go meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next ones; None at the end."""

    items: Sequence[T]
    next_cursor: str | None


def cut(items: Sequence[T], limit: int, *, kind: str, seq: Callable[[T], int]) -> Page[T]:
    """The page of the first `limit` of `items`, of which one more than that was read."""
    more = len(items) > limit
    kept = items[:limit]
    return Page(items=kept, next_cursor=write_cursor(kind, seq(kept[-1])) if more else None)


def write_cursor(kind: str, seq: int) -> str:
    """An opaque text for “after the row `seq` of this list”."""
    return base64.urlsafe_b64encode(f"{kind}:{seq}".encode()).decode().rstrip("=")


def read_cursor(kind: str, text: str) -> int:
    """The seq in a cursor of this list. Raises ValueError for anything else."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a cursor") from error
    said, _, seq = plain.partition(":")
    if said != kind or not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        raise ValueError("not a cursor of this list")
    return int(seq)
