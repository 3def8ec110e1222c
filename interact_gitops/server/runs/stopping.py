"""The signal that stops a chat's run: its time is up, somebody cancelled it, or the server stops."""

from __future__ import annotations

import threading
import time
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["cancelled", "timeout", "shutdown"]


class StopSignal(threading.Event):
    """An event that sets itself at a deadline, so that agents need to know one thing only.

    `over` is set by the pool when the chat's end is stored.
    """

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self._deadline = time.monotonic() + timeout_seconds
        self._reason: Reason | None = None
        self.over = threading.Event()

    def stop(self, reason: Reason) -> None:
        """Asks the run to stop; the first reason counts."""
        self._reason = self._reason or reason
        self.set()

    def is_set(self) -> bool:
        """Whether the run should stop."""
        return super().is_set() or self.remaining() <= 0

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for the signal, at most `timeout` seconds."""
        remaining = max(0.0, self.remaining())
        super().wait(remaining if timeout is None else min(timeout, remaining))
        return self.is_set()

    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - time.monotonic()

    @property
    def reason(self) -> Reason | None:
        """Why the run should stop; None while it should not."""
        return self._reason or ("timeout" if self.remaining() <= 0 else None)
