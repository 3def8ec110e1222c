"""Runs whose request may have gone out: asked for again, or looked for, until somebody knows."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interact_gitops.ledger.records import Run
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.recovery import CLOCKS_APART, Again, Wait, may_look, recover
from interact_gitops.runner.target import SeenChat, Target, TargetSilent

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds between two attempts to know


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A run in `sending` that is ours, when it is looked into next, and how long the wait after that will be."""

    key: str
    fence: int
    at: float
    pause: float = FIRST_PAUSE


class Recoverer:
    """Keeps the doubtful runs of this runner."""

    def __init__(self, desk: Desk, target: Target, pool: ThreadPoolExecutor) -> None:
        self._desk = desk
        self._target = target
        self._pool = pool
        self._doubts: dict[str, Doubt] = {}
        self._asked: set[str] = set()
        self._listed: queue.SimpleQueue[tuple[str, int, tuple[SeenChat, ...] | None]] = queue.SimpleQueue()
        self.bugs: list[BaseException] = []

    @property
    def waiting(self) -> list[str]:
        """The keys of the doubtful runs."""
        return list(self._doubts)

    @property
    def asking(self) -> bool:
        """Whether anything is still to be found out."""
        return bool(self._asked or self._doubts)

    def doubt(self, run: Run) -> None:
        """Note a run in `sending` whose request nobody can speak for."""
        known = self._doubts.get(run.key)
        pause = known.pause if known and known.fence == run.fence else 0.0
        at = self._desk.clock.seconds() + pause
        if not self._target.repeats:
            at = max(at, self._seconds_until(may_look(run, listing_lag=self._lag)))
        grown = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._doubts[run.key] = Doubt(key=run.key, fence=run.fence, at=at, pause=grown)

    def settle(self) -> list[Run]:
        """Look into doubts whose time has come; the runs whose attempt is to be sent again."""
        again: list[Run] = []
        for key, doubt in list(self._doubts.items()):
            run = self._desk.held.get(key)
            if run is None or run.fence != doubt.fence or run.state != "sending":
                self._doubts.pop(key)  # lost to another, or known by now
            elif doubt.at <= self._desk.clock.seconds() and key not in self._asked:
                if self._target.repeats:
                    # It stays noted: should the next answer be lost too, the wait grows. Known answers end it.
                    self._doubts[key] = replace(doubt, at=float("inf"))
                    again.append(run)
                else:
                    self._asked.add(key)
                    self._pool.submit(self._list, run)
        return [*again, *self._judge()]

    def _judge(self) -> list[Run]:
        again: list[Run] = []
        while True:
            try:
                key, fence, listed = self._listed.get_nowait()
            except queue.Empty:
                return again
            self._asked.discard(key)
            run = self._desk.held.get(key)
            if run is None or run.fence != fence or run.state != "sending":
                continue
            if listed is None:
                self.doubt(run)
                continue
            taken = self._desk.ledger.owners_of_chats(self._desk.space, [chat.id for chat in listed])
            step = recover(
                run, listed, taken, now=self._desk.clock.now(), listing_lag=self._lag,
                on_unknown=self._desk.options.on_unknown,
            )  # fmt: skip
            if isinstance(step, Wait):
                self._doubts[key] = Doubt(key=key, fence=fence, at=self._seconds_until(step.until))
            elif isinstance(step, Again):
                again.append(run)
            else:
                self._doubts.pop(key, None)
                self._desk.move([step])

    def _list(self, run: Run) -> None:
        listed: tuple[SeenChat, ...] | None = None
        try:
            assert run.remote_job is not None  # the intent has it
            assert run.sent_at is not None
            since = run.sent_at - CLOCKS_APART
            listed = tuple(self._target.chats(run.remote_job, since=since).values())
        except TargetSilent:
            listed = None
        except BaseException as bug:
            self.bugs.append(bug)
            raise
        finally:
            self._listed.put((run.key, run.fence, listed))

    @property
    def _lag(self) -> timedelta:
        return timedelta(seconds=self._desk.options.listing_lag)

    def _seconds_until(self, when: datetime) -> float:
        return self._desk.clock.seconds() + max(0.0, (when - self._desk.clock.now()) / timedelta(seconds=1))
