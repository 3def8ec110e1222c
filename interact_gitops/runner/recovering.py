"""Runs whose request may have gone out: asked for again, or looked for, until somebody knows.

A doubt begins when the request is over: its answer was lost here, or the lease of whoever sent it ran out, which no
request outlasts. All waiting is done on the clock that nobody sets.
"""

from __future__ import annotations

import queue
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

from interact_gitops.ledger.records import Run
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.recovery import CLOCKS_APART, Again, recover
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

    def __init__(self, desk: Desk, target: Target, pool: Executor) -> None:
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
        """Whether an answer is awaited."""
        return bool(self._asked)

    @property
    def next(self) -> float | None:
        """When a doubt is looked into next, on the clock of seconds."""
        return min((doubt.at for doubt in self._doubts.values()), default=None)

    def knows(self, run: Run) -> bool:
        """Whether the run is among the doubtful ones."""
        doubt = self._doubts.get(run.key)
        return doubt is not None and doubt.fence == run.fence

    def doubt(self, run: Run, *, retry_after: float | None = None) -> None:
        """Note a run in `sending` whose request is over, and nobody can say how; seconds the target asked for."""
        known = self._doubts.get(run.key)
        pause = known.pause if known and known.fence == run.fence else 0.0
        wait = max(pause, retry_after or 0.0, 0.0 if self._target.repeats else self._desk.options.listing_lag)
        grown = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        at = self._desk.clock.seconds() + wait
        self._doubts[run.key] = Doubt(key=run.key, fence=run.fence, at=at, pause=grown)

    def settle(self, *, most: int) -> list[Run]:
        """Look into doubts whose time has come; up to `most` runs whose attempt is to be sent again."""
        again = self._judge()
        now = self._desk.clock.seconds()
        for key, doubt in sorted(self._doubts.items(), key=lambda item: item[1].at):
            run = self._desk.held.get(key)
            if run is None or run.fence != doubt.fence or run.state != "sending":
                del self._doubts[key]  # lost to another, or known by now
            elif doubt.at > now or key in self._asked:
                continue
            elif not self._target.repeats:
                self._asked.add(key)
                self._pool.submit(self._list, run, self._desk.sent_at(run) - CLOCKS_APART)
            elif len(again) < most:
                self._handed_over(doubt)
                again.append(run)
        return again

    def _handed_over(self, doubt: Doubt) -> None:
        """It stays noted, for a while that its request does not outlast: should nothing be heard, it is asked again."""
        wait = self._desk.options.lease + doubt.pause
        self._doubts[doubt.key] = replace(doubt, at=self._desk.clock.seconds() + wait)

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
                run, listed, taken, sent_at=self._desk.sent_at(run), on_unknown=self._desk.options.on_unknown
            )
            if isinstance(step, Again):
                self._handed_over(self._doubts[key])
                again.append(run)
            elif self._desk.move([step]):
                self._doubts.pop(key, None)

    def _list(self, run: Run, since: datetime) -> None:
        listed: tuple[SeenChat, ...] | None = None
        try:
            assert run.remote_job is not None  # the intent has it
            listed = tuple(self._target.chats(run.remote_job, since=since).values())
        except TargetSilent:
            listed = None
        except BaseException as bug:
            self.bugs.append(bug)
            raise
        finally:
            self._listed.put((run.key, run.fence, listed))
            self._desk.news.set()
