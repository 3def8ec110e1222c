"""When the loop may write: windows that begin by a cron expression and last a while. Pure.

A deny window always counts; where there are allow windows, one of them must be open, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from interact_gitops.schedule import next_occurrence, occurrences

LONGEST = timedelta(days=31)
_FAR, _STEPS = timedelta(days=400), 50  # how far, and how often, an instant is looked for at which it may write again
_FIRST_LOOK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From each occurrence of `cron` in `timezone`, for `seconds`."""

    kind: Literal["allow", "deny"]
    cron: str
    seconds: int
    timezone: str = "UTC"

    def open_until(self, now: datetime) -> datetime | None:
        """Until when it is open, where it is open now: from its occurrence inclusive, to its end exclusive."""
        length = timedelta(seconds=self.seconds)
        # Only the last one counts, and a cron of every minute has 20,000 in two weeks: look back further and further.
        back = timedelta(0)
        while back < length:
            before, back = back, min(length, back * 2 or _FIRST_LOOK)
            began = list(occurrences(self.cron, self.timezone, now - back, now - before))
            if began:
                return began[-1] + length
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Why nothing may be written now, and when it may be again; None where no such instant was found."""

    reason: str
    until: datetime | None


def closed(windows: Sequence[Window], now: datetime) -> Closed | None:
    """What keeps the loop from writing at `now` (aware); None when nothing does."""
    denied = [(window, until) for window, until in _open(windows, "deny", now)]
    if denied:
        window, until = max(denied, key=lambda pair: pair[1])
        return Closed(reason=f"a deny window is open ({window.cron} {window.timezone})", until=_next(windows, until))
    allowing = [window for window in windows if window.kind == "allow"]
    if allowing and not any(window.open_until(now) for window in allowing):
        return Closed(reason="no allow window is open", until=_next(windows, now))
    return None


def _open(windows: Sequence[Window], kind: str, now: datetime) -> Iterator[tuple[Window, datetime]]:
    for window in windows:
        until = window.open_until(now) if window.kind == kind else None
        if until is not None:
            yield window, until


def _next(windows: Sequence[Window], after: datetime) -> datetime | None:
    """The first instant from `after` on at which nothing is in the way: a start of an allow window, or an end of a
    deny window."""
    at: datetime | None = after
    for _ in range(_STEPS):
        if at is None or at - after > _FAR:
            return None
        ends = [until for _, until in _open(windows, "deny", at)]
        if ends:
            at = max(ends)
            continue
        allowing = [window for window in windows if window.kind == "allow"]
        if not allowing or any(window.open_until(at) for window in allowing):
            return at
        starts = [next_occurrence(window.cron, window.timezone, at) for window in allowing]
        at = min((start for start in starts if start is not None), default=None)
    return None
