"""One thread for the schedules of every organisation, which sleeps until something is due or somebody wakes it.

An organisation costs nothing until it has a schedule that this server evaluates. What the thread knows is in the
store and the ledger alone: it may die at any instant.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.runner.options import SystemClock
from interact_gitops.server.clock import Clock
from interact_gitops.server.metrics import Metrics
from interact_gitops.server.scheduling.catalogue import StoreCatalogue
from interact_gitops.server.scheduling.journal import ScheduleJournal
from interact_gitops.server.scheduling.ledger import ScheduleLedger
from interact_gitops.server.scheduling.organisation import Schedules
from interact_gitops.server.scheduling.target import INITIATOR, Cancel, OwnTarget, Start
from interact_gitops.server.store import jobs, organisations
from interact_gitops.server.store.chats import StoredChat
from interact_gitops.server.store.database import Database

log = logging.getLogger(__name__)

LONGEST_NAP = 1.0  # seconds; a clock that was set, or a machine that slept, is noticed so soon
LONGEST_REST = 30.0  # seconds after which an organisation with nothing in sight is looked at all the same
AFTER_TROUBLE = 5.0
SHARE = 0.1  # of the thread's time may go into reading jobs, however fast they change


class TimeOfServer(SystemClock):
    """The runner's clock, with the server's time of day."""

    def __init__(self, time_of_day: Clock) -> None:
        self._time_of_day = time_of_day

    def now(self) -> datetime:
        """See `runner.options.Clock`."""
        return self._time_of_day()


@dataclass(slots=True)
class _Turn:
    """An organisation's place in the round (times in seconds that nobody sets): its schedules, None while it has none;
    by when it is looked at; from when its jobs may be read again, where they changed."""

    schedules: Schedules | None = None
    by: float = 0.0
    outdated: bool = True
    not_before: float = 0.0
    trouble: str | None = None


class Scheduler:
    """Evaluates schedules from `start` to `stop`."""

    def __init__(
        self,
        *,
        folder: Path,
        database: Database,
        start: Start,
        cancel: Cancel,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Opens the ledger. Raises LedgerFailure."""
        self._database = database
        self._ledger = ScheduleLedger(
            folder, database, observe_missed=lambda count: metrics.observe_scheduled("missed", count)
        )
        self._start, self._cancel = start, cancel
        self._clock = TimeOfServer(clock)
        self._journal = ScheduleJournal(metrics)
        self._turns: dict[str, _Turn] = {}
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._ended: dict[str, set[str]] = {}
        self._woken = False
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        """Begins, with every organisation that there is."""
        with self._database.read() as db:
            self._changed |= set(organisations.organisation_ids(db))
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Starts nothing more, waits at most `seconds` for what is being started, and closes the ledger."""
        self._stopping.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join()
        until = time.monotonic() + seconds
        for turn in self._turns.values():
            if turn.schedules is not None:
                turn.schedules.stop(max(0.0, until - time.monotonic()))
        self._ledger.close()

    def close(self) -> None:
        """Closes the ledger of a scheduler that was not started."""
        self._ledger.close()

    def alive(self) -> bool:
        """Whether schedules are being evaluated."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def jobs_changed(self, organisation_id: str) -> None:
        """A job was created, changed, deleted, paused or resumed. From any thread, after it was stored."""
        with self._lock:
            self._changed.add(organisation_id)
        self._awake.set()

    def chat_ended(self, chat: StoredChat) -> None:
        """An attempt at a chat ended. From any thread."""
        if chat.initiator == INITIATOR:
            with self._lock:
                self._ended.setdefault(chat.organisation_id, set()).add(chat.job_id)
            self._awake.set()

    def wake(self) -> None:
        """Look now: the clock was set."""
        with self._lock:
            self._woken = True
        self._awake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            with self._lock:
                changed, self._changed = self._changed, set()
                ended, self._ended = self._ended, {}
                woken, self._woken = self._woken, False
            for organisation_id in changed:
                self._turns.setdefault(organisation_id, _Turn()).outdated = True
            nap = LONGEST_NAP
            for organisation_id, turn in self._turns.items():
                if self._stopping.is_set():
                    return
                nap = min(nap, self._take_turn(organisation_id, turn, ended.get(organisation_id, ()), woken=woken))
            self._awake.wait(nap)

    def _take_turn(self, organisation_id: str, turn: _Turn, ended: Iterable[str], *, woken: bool) -> float:
        """Does what an organisation has to be done now; seconds until it wants another turn."""
        now = time.monotonic()
        rest = turn.schedules.rest if turn.schedules is not None else float("inf")
        # Nothing is decided by jobs that are known to have changed.
        readable = turn.outdated and (now >= turn.not_before or rest <= 0 or woken)
        if readable or ended or woken or now >= turn.by or rest <= 0:
            try:
                self._step(organisation_id, turn, ended, read=readable)
                turn.trouble = None
            except (Failure, sqlite3.Error) as trouble:
                self._say_once(turn, organisation_id, str(trouble))
                turn.by = turn.not_before = time.monotonic() + AFTER_TROUBLE
                return AFTER_TROUBLE
            except Exception:  # a bug met by one organisation's schedules: the others go on
                log.exception("the schedules of %s met a bug; they begin anew", organisation_id)
                turn.schedules, turn.outdated = None, True
                turn.by = turn.not_before = time.monotonic() + AFTER_TROUBLE
                return AFTER_TROUBLE
        if turn.schedules is None:
            return LONGEST_NAP
        wait = min(turn.schedules.rest, turn.by - time.monotonic())  # the first also sees a clock that was set
        return max(0.005, min(wait, turn.not_before - time.monotonic()) if turn.outdated else wait)

    def _step(self, organisation_id: str, turn: _Turn, ended: Iterable[str], *, read: bool) -> None:
        began = time.monotonic()
        if turn.schedules is None:
            turn.by = float("inf")
            if not read or not self._has_work(organisation_id):
                turn.outdated = turn.outdated and not read
                return
            turn.schedules = self._made(organisation_id)
        if read:
            turn.outdated = False
            try:
                turn.schedules.read_jobs()
            except BaseException:
                turn.outdated = True
                raise
            turn.not_before = began + (time.monotonic() - began) / SHARE
        turn.schedules.step(ended)
        turn.by = time.monotonic() + min(turn.schedules.rest, LONGEST_REST)

    def _has_work(self, organisation_id: str) -> bool:
        """Whether there is a schedule to evaluate, or something that an earlier one left."""
        with self._database.read() as db:
            if jobs.has_schedules(db, organisation_id):
                return True
        return bool(self._ledger.jobs(organisation_id))

    def _made(self, organisation_id: str) -> Schedules:
        target = OwnTarget(organisation_id, self._database, start=self._start, cancel=self._cancel)
        catalogue = StoreCatalogue(organisation_id, self._database)
        return Schedules(
            organisation_id, ledger=self._ledger, target=target, catalogue=catalogue, clock=self._clock,
            journal=self._journal,
        )  # fmt: skip

    def _say_once(self, turn: _Turn, organisation_id: str, said: str) -> None:
        if turn.trouble != said:
            log.error("the schedules of %s cannot go on, and will be tried again: %s", organisation_id, said)
        turn.trouble = said
