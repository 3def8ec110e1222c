"""Stopping a query that takes too long, or that nobody wants any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed

_LOOK_EVERY_SECONDS = 0.05


class Watch:
    """Why a query was interrupted, if it was."""

    def __init__(self, limits: Limits, cancelled: threading.Event) -> None:
        self._limits = limits
        self._cancelled = cancelled
        self._deadline = time.monotonic() + limits.timeout_seconds
        self._done = threading.Event()
        self._stopped: QueryFailed | None = None

    def failure(self) -> QueryFailed | None:
        """The timeout or cancellation that interrupted the query; None when it was left alone."""
        return self._stopped

    def stop_reason(self) -> QueryFailed | None:
        """The reason to stop right now; None to go on."""
        if self._cancelled.is_set():
            return QueryFailed("the query was cancelled", kind="cancelled")
        if time.monotonic() >= self._deadline:
            seconds = f"{self._limits.timeout_seconds:g}"
            return QueryFailed(
                f"the query was stopped after its time limit of {seconds} s",
                kind="timeout",
                remedy="ask for fewer days or rows, or raise the limit",
            )
        return None

    def check(self) -> None:
        """Raises QueryFailed once the query should stop."""
        reason = self._stopped or self.stop_reason()
        if reason is not None:
            raise reason

    def _look(self, interrupt: Callable[[], None]) -> None:
        while not self._done.wait(_LOOK_EVERY_SECONDS):
            reason = self._stopped or self.stop_reason()
            if reason is not None:
                self._stopped = reason
                # Again at each look: an interrupt that comes just before the engine starts is lost.
                interrupt()


@contextmanager
def watched(interrupt: Callable[[], None], *, limits: Limits, cancelled: threading.Event) -> Iterator[Watch]:
    """Runs the block; calls `interrupt` from another thread when the time limit passes or `cancelled` is
    set."""
    watch = Watch(limits, cancelled)
    watch.check()
    thread = threading.Thread(target=watch._look, args=(interrupt,), name="query-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch._done.set()
        thread.join()
