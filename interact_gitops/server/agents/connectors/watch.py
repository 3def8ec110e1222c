"""Stopping a query that takes too long, or that nobody wants any more.

One thread looks after all queries in progress: one each, awake twenty times a second, kept the processor busier than
the queries did. A query that has to stop gets a thread of its own for that, since telling a distant engine takes time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed

_LOOK_EVERY_SECONDS = 0.05


class Watch:
    """Why a query was interrupted, if it was."""

    def __init__(self, limits: Limits, cancelled: threading.Event, interrupt: Callable[[], None]) -> None:
        self._limits = limits
        self._cancelled = cancelled
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._interrupting: threading.Thread | None = None
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

    def look(self) -> None:
        """Begins to interrupt the query once it should stop."""
        with self._lock:
            if self._interrupting is not None or self._done.is_set():
                return
            self._stopped = self.stop_reason()
            if self._stopped is not None:
                self._interrupting = threading.Thread(target=self._keep_interrupting, name="query-stop", daemon=True)
                self._interrupting.start()

    def over(self) -> None:
        """The query has ended: when this returns, nothing interrupts what comes after it."""
        with self._lock:
            self._done.set()
        if self._interrupting is not None:
            self._interrupting.join()

    def _keep_interrupting(self) -> None:
        while not self._done.is_set():
            # Again at each look: an interrupt that comes just before the engine starts is lost.
            self._interrupt()
            self._done.wait(_LOOK_EVERY_SECONDS)


class _Lookout:
    """The thread that looks; it ends when there is nothing left to look after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        with self._lock:
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="query-watch", daemon=True)
                self._thread.start()

    def remove(self, watch: Watch) -> None:
        with self._lock:
            self._watches.discard(watch)

    def _look(self) -> None:
        while self._look_once():
            time.sleep(_LOOK_EVERY_SECONDS)

    def _look_once(self) -> bool:
        """Whether there was anything to look after. By itself, so that nothing of a query is held while it sleeps."""
        with self._lock:
            watches = tuple(self._watches)
            if not watches:
                self._thread = None
        for watch in watches:
            watch.look()
        return bool(watches)


_lookout = _Lookout()


@contextmanager
def watched(interrupt: Callable[[], None], *, limits: Limits, cancelled: threading.Event) -> Iterator[Watch]:
    """Runs the block; calls `interrupt` from another thread when the time limit passes or `cancelled` is
    set."""
    watch = Watch(limits, cancelled, interrupt)
    watch.check()
    _lookout.add(watch)
    try:
        yield watch
    finally:
        _lookout.remove(watch)
        watch.over()
