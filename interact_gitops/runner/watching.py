"""Runs in progress, followed with one request per job and not one per chat, ever more seldom while nothing happens."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

from interact_gitops.ledger.records import Run
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.target import SeenChat, Target, TargetSilent

AFTER_HINT = 1.0  # seconds between two looks that were asked for
FOLLOWED = frozenset({"triggered", "running"})
BEFORE = timedelta(hours=3)  # how far a clock may have been off when a run was noted, ours or the target's
CANCEL_AGAIN, CANCEL_IN_VAIN = 60.0, 300.0  # seconds from one wish to cancel to the next, and until none is answered


@dataclass(slots=True)
class _Watch:
    """One job at the target: when it is looked at next (seconds), and how long the wait after that will be; when the
    newest answered look began, by both clocks; the runs that it is looked at for."""

    at: float
    pause: float
    asked: bool = False
    began: float = float("-inf")
    seen: datetime | None = None
    runs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at one job's chats showed; `chats` is None when the target gave no answer."""

    remote_job: str
    chats: Mapping[str, SeenChat] | None
    began: datetime
    silent: TargetSilent | None = None


@dataclass(slots=True)
class _Wish:
    """A chat that is to end: when that was asked for first and last (seconds), and whether the target answered."""

    first: float
    last: float
    answered: bool = False


class Watcher:
    """Looks at the jobs of followed runs. `looks` gives what was seen, in the runner's own thread."""

    def __init__(self, desk: Desk, target: Target, pool: Executor) -> None:
        self._desk = desk
        self._target = target
        self._pool = pool
        self._watches: dict[str, _Watch] = {}
        self._looks: queue.SimpleQueue[Look] = queue.SimpleQueue()
        self._wishes: dict[str, _Wish] = {}
        self.bugs: list[BaseException] = []

    def by_job(self) -> dict[str, list[Run]]:
        """The followed runs by their job at the target."""
        found: dict[str, list[Run]] = {}
        for run in self._desk.held.values():
            if run.state in FOLLOWED and run.remote_job is not None:
                found.setdefault(run.remote_job, []).append(run)
        return found

    def look(self, *, most: int, at_once: bool = False) -> None:
        """Ask for the chats of jobs whose time has come (`at_once`: of all jobs), `most` at a time."""
        now = self._desk.clock.seconds()
        runs = self.by_job()
        for gone in self._watches.keys() - runs.keys():
            if not self._watches[gone].asked:
                del self._watches[gone]
        waiting = []
        for job in runs:
            watch = self._watches.setdefault(job, _Watch(at=now, pause=self._desk.options.poll_first))
            keys = frozenset(run.key for run in runs[job])
            if watch.runs and not keys <= watch.runs:  # a new one may be over soon
                self.hint(job)
            watch.runs = keys
            if not watch.asked and (at_once or watch.at <= now):
                waiting.append((watch.at, job))
        under_way = sum(watch.asked for watch in self._watches.values())
        for _, job in sorted(waiting)[: max(0, most - under_way)]:
            self._watches[job].asked, self._watches[job].began = True, now
            # Not from when it was sent: recovery sends again, and the chat is of the first time.
            since = min(run.created_at for run in runs[job]) - BEFORE
            self._pool.submit(self._ask, job, since)

    def looks(self) -> list[Look]:
        """What was seen since the last call."""
        found: list[Look] = []
        while True:
            try:
                look = self._looks.get_nowait()
            except queue.Empty:
                return found
            watch = self._watches.get(look.remote_job)
            if watch is not None:
                wait = watch.pause if look.silent is None else max(watch.pause, look.silent.retry_after or 0.0)
                watch.asked, watch.at = False, self._desk.clock.seconds() + wait
                watch.pause = min(watch.pause * 1.5, self._desk.options.poll_last)
                watch.seen = look.began
            found.append(look)

    def news(self, remote_job: str) -> None:
        """Something happened to this job: look again soon."""
        if watch := self._watches.get(remote_job):
            watch.pause = self._desk.options.poll_first

    def hint(self, remote_job: str) -> None:
        """Something happened there: look as soon as may be, but no more often than once in a while: it may happen to
        thousands of chats of one run."""
        if watch := self._watches.get(remote_job):
            watch.pause = self._desk.options.poll_first
            watch.at = min(watch.at, max(self._desk.clock.seconds(), watch.began + AFTER_HINT))

    def looked_since(self, remote_job: str, when: datetime) -> bool:
        """Whether a look that began at `when` or later was answered, if only by silence; if not, one is wanted now."""
        watch = self._watches.get(remote_job)
        if watch is None or (watch.seen is not None and watch.seen >= when):
            return True
        watch.at = min(watch.at, self._desk.clock.seconds())
        return False

    @property
    def next(self) -> float | None:
        """When the next look is due, on the clock of seconds."""
        return min((watch.at for watch in self._watches.values() if not watch.asked), default=None)

    @property
    def asking(self) -> bool:
        """Whether an answer is still awaited."""
        return any(watch.asked for watch in self._watches.values())

    def cancel_wanted(self) -> None:
        """Ask the target to end the runs that somebody cancelled."""
        open_chats: set[str] = set()
        for run in self._desk.held.values():
            if run.state in FOLLOWED:
                chats = {part.chat for part in run.open_parts if part.chat is not None}
                open_chats |= chats
                if run.cancel_at is not None:
                    self.cancel(chats)
        self._wishes = {chat: wish for chat, wish in self._wishes.items() if chat in open_chats}

    def cancel(self, chats: Iterable[str]) -> None:
        """Ask the target to end these chats; again every minute for as long as somebody wants that."""
        now = self._desk.clock.seconds()
        for chat in chats:
            wish = self._wishes.get(chat)
            if wish is None:
                self._wishes[chat] = _Wish(first=now, last=now)
            elif now - wish.last < CANCEL_AGAIN:
                continue
            self._wishes[chat].last = now
            self._pool.submit(self._cancel, chat)

    def cancelled(self, run: Run) -> bool:
        """Whether the target was asked to end what is left of a run, and answered, or will not answer any more."""
        since = self._desk.clock.seconds() - CANCEL_IN_VAIN
        wishes = [self._wishes.get(part.chat or "") for part in run.open_parts]
        return all(wish is not None and (wish.answered or wish.first <= since) for wish in wishes)

    def _ask(self, job: str, since: datetime) -> None:
        began = self._desk.clock.now()
        look = Look(remote_job=job, chats=None, began=began)
        try:
            look = Look(remote_job=job, chats=self._target.chats(job, since=since), began=began)
        except TargetSilent as silent:
            look = Look(remote_job=job, chats=None, began=began, silent=silent)
        except BaseException as bug:
            self.bugs.append(bug)
            raise
        finally:
            self._looks.put(look)
            self._desk.news.set()

    def _cancel(self, chat: str) -> None:
        try:
            self._target.cancel(chat)
        except TargetSilent:
            return  # asked again in a minute
        except BaseException as bug:
            self.bugs.append(bug)
            raise
        if wish := self._wishes.get(chat):
            wish.answered = True
        self._desk.news.set()
