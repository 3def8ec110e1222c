"""Runs on their way: sent, followed, recovered and ended; everything between a claim and an end.

An answer is kept until the ledger has taken what follows from it, so that a ledger that is away for a while costs
nothing but time. Used from one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor

from interact_gitops.ledger.errors import LedgerUnavailable
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Move
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.following import chats_to_cancel, step_for
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.outcomes import denial, step_after
from interact_gitops.runner.recovering import Recoverer
from interact_gitops.runner.sending import Heard, Sender
from interact_gitops.runner.target import Answer, Target
from interact_gitops.runner.watching import FOLLOWED, Look, Watcher


class Dispatch:
    """What is under way to and from the target. `pool` does the asking; by default threads of its own."""

    def __init__(self, desk: Desk, target: Target, journal: Journal, pool: Executor | None = None) -> None:
        self._desk = desk
        self._journal = journal
        # Sending has threads of its own: a request must not wait behind a thousand looks.
        size = desk.options.parallelism
        self._pools = [pool] if pool else [ThreadPoolExecutor(size, "send"), ThreadPoolExecutor(size, "look")]
        self.sender = Sender(desk, target, self._pools[0])
        self.watcher = Watcher(desk, target, self._pools[-1])
        self.recoverer = Recoverer(desk, target, self._pools[-1])
        self._heard: dict[str, Heard] = {}
        self._ended: list[Run] = []
        self._quiet_until = float("-inf")

    @property
    def quiet(self) -> bool:
        """Whether the target asked for patience: nothing is sent until it is over."""
        return self._desk.clock.seconds() < self._quiet_until

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited, or has not been taken by the ledger yet."""
        return bool(
            self.sender.under_way or self._heard or self.watcher.asking or self.recoverer.asking
        )  # fmt: skip

    @property
    def awaited(self) -> bool:
        """Whether a request is under way, or its answer is not in the ledger yet."""
        return bool(self.sender.under_way or self._heard)

    def ended(self) -> list[Run]:
        """The runs that ended since the last call."""
        found, self._ended = self._ended, []
        return found

    def note_ended(self, runs: list[Run]) -> None:
        """Runs that ended elsewhere in this runner: too late, or in the way of others."""
        over = [run for run in runs if run.ended]
        self._journal.ended(over)
        self._ended += over

    def send(self, runs: list[Run], jobs: Mapping[str, RunnableJob]) -> None:
        """Send claimed runs, or repeat the attempt of runs in `sending`."""
        self.note_ended(self.sender.send(runs, jobs))

    def collect(self) -> None:
        """Bring what was answered into the ledger."""
        fresh = self.sender.answers()
        self._heard |= {heard.key: heard for heard in fresh}
        for heard in fresh:
            self._note(heard)
        moves: list[Move] = []
        for heard in list(self._heard.values()):
            run = self._desk.held.get(heard.key)
            if run is None or run.fence != heard.fence or run.state != "sending":
                del self._heard[heard.key]  # lost to another, or written when the ledger seemed to fail
                continue
            if heard.answer.verdict == "denied":
                self._hold(heard.answer)
            step = step_after(run, heard.answer, now=self._desk.clock.now(), repeated=heard.repeated)
            if step is None:
                self.recoverer.doubt(run, retry_after=heard.answer.retry_after)
                del self._heard[heard.key]
            else:
                moves.append(step)
        self.note_ended(self._desk.move(moves))
        for step in moves:
            self._heard.pop(step.key, None)

    def follow(self, jobs: Mapping[str, RunnableJob], *, at_once: bool = False) -> None:
        """Look at what runs, end what ended, and look into what is doubtful."""
        self.watcher.cancel_wanted()
        self.watcher.look(most=self._desk.options.parallelism, at_once=at_once)
        moves: list[Move] = []
        runs = self.watcher.by_job()
        for look in self.watcher.looks():
            self._journal.silent(look.silent)
            for run in runs.get(look.remote_job, ()):
                step = self._step(run, look)
                if step is not None:
                    self.watcher.news(look.remote_job)
                    moves.append(step)
        self.note_ended(self._desk.move(moves))
        again = self.recoverer.settle(most=0 if self.quiet else self.sender.free)
        if again:
            self.send(again, jobs)

    def _step(self, run: Run, look: Look) -> Move | None:
        if look.chats is None:
            return None
        overdue = self._desk.overdue(run)
        if overdue:
            self.watcher.cancel(chats_to_cancel(run, look.chats))
        return step_for(
            run, look.chats, now=self._desk.clock.now(), overdue=overdue, cancelled=self.watcher.cancelled(run)
        )

    def tidy(self, jobs: Mapping[str, RunnableJob]) -> int:
        """What was taken over, or left behind by a ledger that failed, goes on from where it stands: how many were
        sent."""
        known = self.sender.under_way.keys() | self._heard.keys()
        claimed, back = [], []
        for run in self._desk.held.values():
            if run.state in FOLLOWED or run.key in known or self.recoverer.knows(run):
                continue
            if run.state == "claimed":
                claimed.append(run)
            elif (step := self.sender.give_back(run, "the ledger failed before it was sent")) is not None:
                back.append(step)
            else:
                self.recoverer.doubt(run)
        self.note_ended(self._desk.move(back))
        if claimed and not self.quiet:
            claimed = claimed[: self.sender.free]
            self.send(claimed, jobs)
            return len(claimed)
        return 0

    def finish(self, seconds: float) -> bool:
        """Wait for answers to what was sent, at most so long; then give everything back. Whether all was answered."""
        until = self._desk.clock.seconds() + seconds
        while True:
            self._desk.news.clear()
            try:
                self.collect()
            except LedgerUnavailable as down:
                self._journal.ledger_down(down)
            if not self.awaited or self._desk.clock.seconds() >= until:
                break
            self._desk.news.wait(0.2)
        try:
            self._desk.release(but=self.sender.under_way)
        except LedgerUnavailable as down:
            self._journal.ledger_down(down)
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        return not self.awaited

    def raise_bugs(self) -> None:
        """Raises what a thread met that nobody expected."""
        for found in (self.sender.bugs, self.watcher.bugs, self.recoverer.bugs):
            if found:
                raise found[0]

    def _note(self, heard: Heard) -> None:
        run, answer = self._desk.held.get(heard.key), heard.answer
        if run is not None and run.fence == heard.fence:
            self._journal.answered(run, answer)
        if answer.retry_after is not None:
            self._quiet_until = max(self._quiet_until, self._desk.clock.seconds() + answer.retry_after)

    def _hold(self, answer: Answer) -> None:
        desk, reason = self._desk, answer.said or "the target refused the key"
        notices = (denial(desk.space, answer),)
        desk.ledger.hold(desk.space, by=desk.owner, reason=reason, now=desk.clock.now(), notices=notices)
