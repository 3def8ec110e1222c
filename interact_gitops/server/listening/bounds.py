"""How long a client may keep the server waiting, and which connection makes room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["idle", "head", "body", "answer", "work"]
"""Whom a connection waits for: its client with nothing begun, with a head or a body that is not whole, or with an
answer that it does not read; or `work`, us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Seconds for each phase. Bodies and answers get a second more for each `slowest` bytes that have moved, so that
    a large one over a slow line arrives and a byte a second does not hold a connection (Apache: MinRate).

    `connections` is how many there are at a time: a further one takes the place of the one that has kept us waiting
    longest. Refusing newcomers instead would let whoever opens that many idle ones shut everybody out.
    """

    connections: int = 512
    idle_seconds: float = 10.0
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    answer_seconds: float = 20.0
    slowest: int = 16 * 1024

    def patience(self, phase: Phase, moved: int) -> float | None:
        """Seconds that the phase may take in all, `moved` bytes of it having come or gone; None for ours."""
        if phase == "work":
            return None
        if phase == "idle":
            return self.idle_seconds
        if phase == "head":
            return self.head_seconds
        least = self.body_seconds if phase == "body" else self.answer_seconds
        return least + moved / self.slowest
