"""When a message that did not get through is tried again, and when no more. Pure; seconds."""

from __future__ import annotations

from dataclasses import dataclass

GIVE_UP = 86_400.0  # a message that did not get through in a day is given up, visibly
MOST_ASKED = 3_600.0  # a receiver's Retry-After beyond this is not honoured in full: its clock may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The first wait, doubled with each try up to `longest`."""

    first: float = 5.0
    longest: float = 900.0


def pause(patience: Patience, tries: int, *, asked: float | None, spread: float) -> float:
    """Seconds until the next try after `tries` in vain. `spread` in 0..1 keeps many from coming back at once; no wait
    is shorter than what the receiver asked for."""
    wait = min(patience.first * 2.0 ** min(max(tries, 1) - 1, 30), patience.longest)
    return max(wait * (0.5 + spread / 2), min(asked or 0.0, MOST_ASKED))
