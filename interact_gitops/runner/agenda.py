"""When each job has something to decide next: a heap, so that a tick costs what is due and not what there is."""

from __future__ import annotations

import heapq
from datetime import datetime


class Agenda:
    """Jobs by the instant of their next decision."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._at: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._at)

    def put(self, key: str, at: datetime | None) -> None:
        """Note when a job is next looked at; None for never."""
        if at is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))

    def take(self, now: datetime) -> list[str]:
        """The jobs whose time has come, earliest first; they are on the agenda no more."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:  # an entry that was moved or taken off stays behind in the heap
                del self._at[key]
                found.append(key)
        return found

    @property
    def next(self) -> datetime | None:
        """The earliest instant at which something may be due."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
