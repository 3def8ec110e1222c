"""The last runs of a job as bars: height is the time they took, shape and colour the result. Pure.

Heights are a square root of the time, so that one slow run leaves the others to be seen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from interact_gitops.server.clock import seconds_between
from interact_gitops.server.pages.words import count, duration
from interact_gitops.server.store.overview import RunLine

Result: TypeAlias = Literal["completed", "failed", "cancelled", "running", "queued"]

WIDTH, GAP = 5, 2
HEIGHT, LOWEST = 24, 7
WORDS: dict[Result, str] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "running": "running",
    "queued": "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One run; `x`, `y` and `height` in the units of the drawing."""

    x: int
    y: float
    height: float
    result: Result
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """The drawing, and what it shows in words."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    words: str


def result_of(run: RunLine) -> Result:
    """A run's result: failed when any of its chats did."""
    if run.state == "closed":
        return "failed" if run.failed else "cancelled" if run.cancelled else "completed"
    return "running" if run.running or run.failed or run.completed else "queued"


def seconds_of(run: RunLine) -> float | None:
    """From a run's trigger to its end; None before."""
    return None if run.closed_at is None else seconds_between(run.created_at, run.closed_at)


def longest_of(runs: Sequence[RunLine]) -> float:
    """The time of the longest run, in seconds: the height that the others are measured against."""
    return max((seconds for run in runs if (seconds := seconds_of(run)) is not None), default=0.0)


def draw_bars(runs: Sequence[RunLine], *, most: int, longest: float | None = None) -> Bars:
    """The bars of `runs` (newest first), oldest on the left; the newest always at the right edge."""
    shown = list(reversed(runs[:most]))
    longest = longest_of(shown) if longest is None else longest
    first = most - len(shown)
    bars = tuple(_bar(run, (first + index) * (WIDTH + GAP), longest) for index, run in enumerate(shown))
    return Bars(bars=bars, width=most * (WIDTH + GAP) - GAP, height=HEIGHT, words=_words(runs[:most]))


def _bar(run: RunLine, x: int, longest: float) -> Bar:
    result, seconds = result_of(run), seconds_of(run)
    share = math.sqrt(seconds / longest) if seconds is not None and longest > 0 else 0.5
    height = round(LOWEST + (HEIGHT - LOWEST) * share, 1) if result != "queued" else LOWEST
    took = "" if seconds is None else f" in {duration(seconds)}"
    words = f"{run.created_at[:16].replace('T', ' ')} UTC: {WORDS[result]}{took}"
    return Bar(x=x, y=round(HEIGHT - height, 1), height=height, result=result, words=words)


def _words(runs: Sequence[RunLine]) -> str:
    if not runs:
        return "No runs yet"
    results = Counter(result_of(run) for run in runs)
    said = ", ".join(f"{results[result]} {words}" for result, words in WORDS.items() if results[result])
    newest, seconds = result_of(runs[0]), seconds_of(runs[0])
    took = "" if seconds is None else f", after {duration(seconds)}"
    return f"Last {count(len(runs), 'run')}: {said}. The newest: {WORDS[newest]}{took}"
