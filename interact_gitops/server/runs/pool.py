"""The bounded pool that runs chats.

One thread claims (so a batch of chats costs one transaction), workers answer. What is to be run is in the
store alone: a pool that dies forgets nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from sqlite3 import Error as StoreError

from interact_gitops.server.clock import Clock, from_text, to_text
from interact_gitops.server.failures import AlreadyFinished, NotFound
from interact_gitops.server.runs.asking import begin_chat, run_chat
from interact_gitops.server.runs.crew import AgentCrew
from interact_gitops.server.runs.ending import Outcome, close_leftovers, end_chat
from interact_gitops.server.runs.stopping import StopSignal
from interact_gitops.server.store import chats, groups, progress
from interact_gitops.server.store.chats import FINISHED, RunError, StoredChat
from interact_gitops.server.store.database import Database

log = logging.getLogger(__name__)

_LONGEST_SLEEP = 60.0
_STORE_RETRY_SECONDS = 1.0
_CANCEL_WAIT_SECONDS = 2.0

Observer = Callable[[StoredChat, Outcome, float], None]
"""Told of each attempt's end with its seconds; for metrics."""


class RunPool:
    """Runs at most `workers` chats at a time, of each group no more than it allows."""

    def __init__(self, database: Database, crew: AgentCrew, *, workers: int, clock: Clock, observe: Observer) -> None:
        self._database = database
        self._crew = crew
        self._workers = workers
        self._clock = clock
        self._observe = observe
        self._lock = threading.Lock()
        self._signals: dict[int, StopSignal] = {}
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="chat")
        self._claimer = threading.Thread(target=self._claim_until_stopped, name="chat-claims", daemon=True)

    def start(self) -> None:
        """Ends what an earlier server left running, and begins to claim."""
        with self._database.write() as db:
            close_leftovers(db, now=to_text(self._clock()))
        self._claimer.start()

    def alive(self) -> bool:
        """Whether chats are being claimed."""
        return self._claimer.is_alive() and not self._stopping.is_set()

    def wake(self) -> None:
        """There may be something to claim."""
        self._awake.set()

    def cancel(self, organisation_id: str, chat_id: str) -> StoredChat:
        """Stops a chat in any state; as it is then. One that is being stopped may still be running for a moment.

        Raises NotFound, AlreadyFinished.
        """
        with self._database.write() as db:
            chat = chats.find(db, organisation_id, chat_id)
            if chat is None:
                raise NotFound(f"there is no chat {chat_id}")
            now = to_text(self._clock())
            if chat.status == "queued":
                reason = RunError(kind="cancelled", message="the run was cancelled before it started")
                end_chat(db, chat, Outcome(status="cancelled", error=reason), now=now)
            elif chat.status == "running":
                progress.ask_to_cancel(db, chat.seq, now=now)
        if chat.status == "queued":
            self.wake()
        elif chat.status == "running":
            with self._lock:
                signal = self._signals.get(chat.seq)
            if signal is not None:
                signal.stop("cancelled")
                signal.over.wait(_CANCEL_WAIT_SECONDS)
        with self._database.read() as db:
            chat = chats.get(db, chat.seq)
        if chat.status in FINISHED and chat.status != "cancelled":
            raise AlreadyFinished(f"the chat {chat_id} has ended: {chat.status}", members={"chatStatus": chat.status})
        return chat

    def stop(self, *, drain_seconds: float) -> None:
        """Claims nothing more, lets running chats end for `drain_seconds`, then interrupts them."""
        self._stopping.set()
        self._awake.set()
        if self._claimer.ident is not None:
            self._claimer.join()
        deadline = time.monotonic() + drain_seconds
        for signal in self._running():
            signal.over.wait(max(0.0, deadline - time.monotonic()))
        self.interrupt()
        self._executor.shutdown(wait=True)

    def interrupt(self) -> None:
        """Interrupts the chats that run: the server stops, and waits no longer."""
        for signal in self._running():
            signal.stop("shutdown")

    def _running(self) -> list[StopSignal]:
        with self._lock:
            return list(self._signals.values())

    def _claim_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                pause = self._claim()
            except StoreError:
                log.exception("the store cannot be used; no chat is claimed until it can")
                pause = _STORE_RETRY_SECONDS
            self._awake.wait(pause)

    def _claim(self) -> float:
        """Claims what there is room for; seconds until there may be more without anybody's doing."""
        now = to_text(self._clock())
        with self._lock:
            room = self._workers - len(self._signals)
        if room <= 0:
            return _LONGEST_SLEEP
        with self._database.read() as db:
            waiting = chats.next_in_turn(db, now=now) is not None
            ready_at = chats.next_ready_at(db, now=now)
        if waiting:
            # Under the lock: who looks for a running chat's signal finds it.
            with self._lock:
                claimed = self._claim_batch(room)
                for chat in claimed:
                    self._signals[chat.seq] = StopSignal(chat.timeout_seconds)
            for chat in claimed:
                self._executor.submit(self._run, chat, self._signals[chat.seq]).add_done_callback(_report)
        if ready_at is None:
            return _LONGEST_SLEEP
        return min(_LONGEST_SLEEP, max(0.0, (from_text(ready_at) - self._clock()).total_seconds()) + 0.001)

    def _claim_batch(self, room: int) -> list[StoredChat]:
        claimed: list[StoredChat] = []
        with self._database.write() as db:
            # Inside: a chat that was queued while this waited for its turn must not start before it was made.
            now = to_text(self._clock())
            while len(claimed) < room:
                seq = chats.next_in_turn(db, now=now)
                if seq is None:
                    break
                chat = begin_chat(db, seq, now=now)
                groups.take_turn(db, chat.group_seq, time.time_ns())
                claimed.append(chat)
        return claimed

    def _run(self, chat: StoredChat, signal: StopSignal) -> None:
        started = time.monotonic()
        try:
            try:
                outcome = run_chat(self._database, self._crew, chat, signal, clock=self._clock)
            except Exception:  # a full disk, or a bug: either way the chat must not stay running for ever
                log.exception("chat %s: its answer could not be stored", chat.id)
                outcome = self._end_when_possible(chat)
            self._observe(chat, outcome, time.monotonic() - started)
        finally:
            with self._lock:
                del self._signals[chat.seq]
            signal.over.set()
            self.wake()

    def _end_when_possible(self, chat: StoredChat) -> Outcome:
        reason = RunError(kind="internal", message="the answer could not be stored", remedy="see the server's log")
        outcome = Outcome(status="failed", error=reason)
        while True:
            try:
                with self._database.write() as db:
                    end_chat(db, chats.get(db, chat.seq), outcome, now=to_text(self._clock()))
                return outcome
            except StoreError:
                # A server that stops leaves the chat running in the store; the next start ends it.
                if self._stopping.wait(_STORE_RETRY_SECONDS):
                    return outcome


def _report(run: Future[None]) -> None:
    error = run.exception()
    if error is not None:
        log.error("a worker met a bug", exc_info=error)
