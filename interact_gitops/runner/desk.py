"""The runs that this runner answers for, and its one way of writing to the ledger.

Everything here happens in the runner's own thread. What the ledger says counts: a run that is lost to another
runner is dropped at once, whatever was going on.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Hold, Move
from interact_gitops.ledger.states import OWNED
from interact_gitops.runner.options import Clock, RunnerOptions

BATCH = 500


class Desk:
    """What lies on this runner's desk. `space` is the target as the ledger names it."""

    def __init__(self, ledger: FullLedger, space: str, owner: str, clock: Clock, options: RunnerOptions) -> None:
        self.ledger = ledger
        self.space = space
        self.owner = owner
        self.clock = clock
        self.options = options
        self.held: dict[str, Run] = {}
        self.news = threading.Event()  # set by whatever happens outside the runner's own thread
        self._sent: dict[str, float] = {}  # when we sent a run, and when we saw it start, on the clock that nobody sets
        self._triggered: dict[str, float] = {}
        self._renewed: dict[str, float] = {}  # when each lease began at the latest, on the clock that nobody sets

    def take(self, runs: Iterable[Run], *, since: float) -> None:
        """Note runs as ours, whose lease began no earlier than `since`."""
        for run in runs:
            self.held[run.key] = run
            self._renewed[run.key] = since

    def lease_left(self, key: str) -> float:
        """Seconds for which nobody else may take the run; negative when they may."""
        return self._renewed.get(key, float("-inf")) + self.options.lease - self.clock.seconds()

    def move(self, moves: Sequence[Move]) -> list[Run]:
        """Make steps; the runs after them. What was lost to another is no longer ours."""
        after: list[Run] = []
        for start in range(0, len(moves), BATCH):
            moved = self.ledger.move(self.space, moves[start : start + BATCH], by=self.owner, now=self.clock.now())
            for run in moved.done:
                self._keep(run)
            for key in moved.lost:
                self._drop(key)
            after += moved.done
        return after

    def renew(self) -> None:
        """Renew every lease of which a third has passed; what cannot be renewed is lost."""
        wanted = [run for key, run in self.held.items() if self.lease_left(key) < self.options.lease * 2 / 3]
        for start in range(0, len(wanted), BATCH):
            holds = [Hold.of(run) for run in wanted[start : start + BATCH]]
            since = self.clock.seconds()
            kept = set(
                self.ledger.renew(self.space, holds, owner=self.owner, lease_seconds=self.options.lease)
            )  # fmt: skip
            for hold in holds:
                if hold.key in kept:
                    self._renewed[hold.key] = since
                else:
                    self._drop(hold.key)

    def release(self, *, but: Collection[str] = ()) -> None:
        """Give everything back for others to take over, its state as it is; `but` keeps a lease until it ends.

        A run whose request is under way must not change hands before that is over.
        """
        holds = [Hold.of(run) for key, run in self.held.items() if key not in but]
        for start in range(0, len(holds), BATCH):
            self.ledger.release(self.space, holds[start : start + BATCH], owner=self.owner)
        self.held.clear()
        for times in (self._renewed, self._sent, self._triggered):
            times.clear()

    def refresh(self) -> None:
        """Read our runs again: others may have asked for their end, and a write that failed may have been done."""
        found = {run.key: run for run in self.ledger.open_runs(self.space, owner=self.owner)}
        for key in self.held.keys() - found.keys():
            self._drop(key)
        self.held.update(found)

    def sent_at(self, run: Run) -> datetime:
        """When a run in `sending` was sent, by the present time of day: that may have been set since."""
        since = self._sent.get(run.key)
        if since is not None:
            return self.clock.now() - timedelta(seconds=self.clock.seconds() - since)
        assert run.sent_at is not None  # a run in `sending` has an intent
        return run.sent_at

    def overdue(self, run: Run) -> bool:
        """Whether a run takes longer than it may. Of one that we saw start, a clock that is set changes nothing."""
        since = self._triggered.get(run.key)
        if since is not None:
            return self.clock.seconds() - since > run.timeout
        return run.triggered_at is not None and self.clock.now() > run.triggered_at + timedelta(seconds=run.timeout)

    def _keep(self, run: Run) -> None:
        if run.state in OWNED and run.owner == self.owner:
            if run.state == "sending":
                self._sent.setdefault(run.key, self.clock.seconds())
            elif run.state == "triggered":
                self._triggered.setdefault(run.key, self.clock.seconds())
            self.held[run.key] = run
        else:
            self._drop(run.key)

    def _drop(self, key: str) -> None:
        self.held.pop(key, None)
        for times in (self._renewed, self._sent, self._triggered):
            times.pop(key, None)
