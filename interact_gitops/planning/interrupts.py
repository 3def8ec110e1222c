"""Ctrl-C, and CI's way to cancel, while writes are under way.

GitHub cancels a step with SIGINT, sends SIGTERM 7.5 seconds later, and kills it 2.5 seconds after that. So the
first signal ends the work in good order, and a second one ends the waiting.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Interrupts:
    """`heard`: start nothing more. `again`: do not wait either for what is under way."""

    heard: threading.Event = field(default_factory=threading.Event)
    again: threading.Event = field(default_factory=threading.Event)


@contextmanager
def hear_interrupts(also: Callable[[], None]) -> Iterator[Interrupts]:
    """Events that signals set, instead of breaking off whatever line is being executed just then.

    `also` is called with the first: a target that is down would hold people up for as long as it is asked.
    Only the main thread can listen to signals; elsewhere the events are never set.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return

    def hear(_number: int, _frame: FrameType | None) -> None:
        if interrupts.heard.is_set():
            interrupts.again.set()
        interrupts.heard.set()
        also()

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
