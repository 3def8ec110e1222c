"""The runner: due → claim → intent → request → follow → end, over and over, in one thread with a pool beside it.

It may be killed, doubled, stalled or cut off anywhere: what it has not written to the ledger did not happen, and
what it wrote as an intent is recovered by whoever comes next. It keeps nothing that a restart would need.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta

from interact_gitops.ledger.errors import LedgerUnavailable
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.requests import Blocked
from interact_gitops.runner import events
from interact_gitops.runner.catalogue import Catalogue
from interact_gitops.runner.deciding import Decider
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.dispatch import Dispatch
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import Clock, RunnerOptions, SystemClock
from interact_gitops.runner.outcomes import step_aside
from interact_gitops.runner.standing import Standing, startable
from interact_gitops.runner.target import Target
from interact_gitops.runner.watching import FOLLOWED

LONGEST_NAP = 1.0  # seconds; what others write to the ledger is seen this soon
WHILE_AWAY = 5.0  # seconds between attempts on a ledger that is away
ONCE_PATIENCE = 60.0  # seconds for which `once` waits to learn what became of a request
ROWS = 500


class Runner:
    """One runner on one target. Use it from one thread; `stop` may be called from any."""

    def __init__(
        self,
        *,
        target: Target,
        ledger: FullLedger,
        catalogue: Catalogue,
        space: str,
        owner: str,
        options: RunnerOptions,
        journal: Journal,
        clock: Clock | None = None,
        pool: Executor | None = None,
        tick: Callable[[Standing], object] = lambda _standing: None,
    ) -> None:
        """`tick` is called after every round of `run` and `once`."""
        self._clock = clock or SystemClock()
        self._options = options
        self._journal = journal
        self._ledger = ledger
        self._desk = Desk(ledger, space, owner, self._clock, options)
        self._decider = Decider(self._desk, catalogue, target_retries=target.retries)
        self._dispatch = Dispatch(self._desk, target, journal, pool)
        self._swept = float("-inf")
        self._down: LedgerUnavailable | None = None
        self._held: str | None = None
        self._tick = tick
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Claim nothing new; `run` returns once what was sent is answered."""
        self._stopping.set()
        self._desk.news.set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    @property
    def left_behind(self) -> bool:
        """Whether a thread still waits for an answer."""
        return bool(self._dispatch.sender.under_way)

    def run(self, *, drain_seconds: float = 30.0, until_idle: bool = False) -> bool:
        """Work until told to stop (or until nothing is left), then drain: see `drain`."""
        self._lift_hold()
        while not self._stopping.is_set():
            self.step()
            self._tick(self.standing)
            if until_idle and self.idle:
                break
            self._nap()
        return self.drain(drain_seconds)

    def once(self, *, follow: bool, drain_seconds: float = 30.0) -> bool:
        """One pass: follow what runs, decide, send everything that may start; with `follow` wait for the ends.

        Raises LedgerUnavailable when the ledger stays away, and the failure that keeps the jobs from being read.
        """
        self._lift_hold()
        first, patience = True, self._clock.seconds() + ONCE_PATIENCE
        while not self._stopping.is_set():
            sent = self.step(at_once=first, decide=first)
            self._tick(self.standing)
            if self._decider.unreadable is not None and not self._decider.jobs:
                raise self._decider.unreadable
            if sent:
                patience = self._clock.seconds() + ONCE_PATIENCE
            first = first and self._down is not None
            impatient = self._clock.seconds() > patience
            if self._down is not None and impatient:
                raise self._down
            unsure = (self._down is not None or self._dispatch.recoverer.waiting) and not impatient
            if not (sent or unsure or self._dispatch.busy or self._sendable or (follow and not self.idle)):
                break
            self._nap()
        return self.drain(drain_seconds)

    def step(self, *, at_once: bool = False, decide: bool = True) -> int:
        """One round; how many requests went out. A ledger that is away stops claims, not what is under way."""
        self._desk.news.clear()
        try:
            if self._down is not None:
                self._desk.refresh()  # what failed to be written may have been
            sent = self._step(at_once=at_once, decide=decide)
        except LedgerUnavailable as down:
            if self._down is None:
                self._journal.ledger_down(down)
            self._down = down
            return 0
        finally:
            self._dispatch.raise_bugs()
        if self._down is not None:
            self._down = None
            self._journal.ledger_back()
        return sent

    def drain(self, seconds: float) -> bool:
        """Wait for answers to what was sent, at most `seconds`; then give everything back. Whether all was answered;
        what was not is recovered by whoever comes next."""
        return self._dispatch.finish(seconds)

    @property
    def idle(self) -> bool:
        """Whether nothing runs anywhere on this target, nothing is under way, and nothing waits that may start."""
        if self._down is not None or self._desk.held or self._dispatch.busy:
            return False
        try:
            if self._ledger.open_runs(self._desk.space):
                return False
            none = not self._decider.jobs and self._decider.unreadable is None
            return none or not startable(self._ledger, self._desk.space)
        except LedgerUnavailable:
            return False

    @property
    def rest(self) -> float:
        """Seconds until there will be something to do, as far as is known here; infinite when nothing is in sight."""
        if self._dispatch.busy:
            return 0.02
        if self._down is not None:
            return WHILE_AWAY
        seconds = self._clock.seconds()
        coming = self._decider.next
        waits = [LONGEST_NAP] if self._desk.held else []
        if coming is not None:
            waits.append((coming - self._clock.now()) / timedelta(seconds=1))
        looks = (self._dispatch.watcher.next, self._dispatch.recoverer.next)
        waits += [at - seconds for at in looks if at is not None]
        return max(0.0, min(waits, default=float("inf")))

    def hint(self, remote_job: str) -> None:
        """Something happened to a job at the target: the next step looks at it. From the runner's own thread."""
        self._dispatch.watcher.hint(remote_job)

    def pauses_changed(self) -> None:
        """Pauses were written to the ledger beside this runner. From the runner's own thread."""
        self._decider.pauses_changed()

    @property
    def standing(self) -> Standing:
        """How it stands now, from memory alone."""
        return Standing(
            jobs=len(self._decider.jobs),
            active=len(self._desk.held),
            sending=len(self._dispatch.sender.under_way),
            unknown=len(self._dispatch.recoverer.waiting),
            next_due=self._decider.next,
            held=self._held,
            ledger_down=self._down.message if self._down else None,
        )

    def _step(self, *, at_once: bool, decide: bool) -> int:
        self._decider.refresh()
        self._journal.catalogue(self._decider.unreadable)
        self._desk.renew()
        self._dispatch.collect()
        if self._clock.seconds() - self._swept >= self._options.sweep:
            self._sweep()
            self._swept = self._clock.seconds()
        self._dispatch.follow(self._decider.jobs, at_once=at_once)
        if decide:
            self._journal.decided(self._decider.decide())
        # As long as no job could be read, none of them is "no longer defined": what is planned waits.
        sent = self._dispatch.tidy(self._decider.jobs) + self._claim() if self._decider.jobs else 0
        self._pause_failing()
        return sent

    def _sweep(self) -> None:
        """What others left behind, asked for, or should know."""
        self._desk.refresh()
        since, now = self._clock.seconds(), self._clock.now()
        room = max(0, min(self._options.most_active - len(self._desk.held), ROWS))
        taken = self._ledger.take_over(
            self._desk.space, owner=self._desk.owner, lease_seconds=self._options.lease, limit=room, now=now
        )
        self._desk.take(taken, since=since)
        self._journal.taken_over(taken)
        held = self._ledger.held(self._desk.space)
        if held is not None and not timedelta(0) <= now - held.at < timedelta(seconds=self._options.hold):
            self._ledger.lift(self._desk.space)  # somebody may have mended the key; one request will tell
            held = None
        self._held = held.reason if held else None
        self._alarms(now)

    def _claim(self) -> int:
        now, free = self._clock.now(), self._dispatch.sender.free
        free = min(free, self._options.most_active - len(self._desk.held))
        if self._stopping.is_set() or self._dispatch.quiet or free <= 0:
            return 0
        since = self._clock.seconds()
        claimed = self._ledger.claim(
            self._desk.space, owner=self._desk.owner, lease_seconds=self._options.lease, limit=free, now=now
        )
        self._journal.claimed(claimed, seconds=self._clock.seconds() - since)
        self._desk.take(claimed, since=since)
        if claimed:
            self._dispatch.send(list(claimed), self._decider.jobs)
        if len(claimed) < free:
            self._let_go(now)
        return len(claimed)

    def _let_go(self, now: datetime) -> None:
        """Due runs that will not start: too late, or in the way of others."""
        blocked = self._ledger.blocked(self._desk.space, limit=ROWS, now=now)
        blocked = tuple(one for one in blocked if one.run.attempt == 1)  # what was tried before waits for its turn
        moves = [step_aside(one) for one in blocked if one.why != "in_progress" or self._still_in_the_way(one)]
        if moves:
            self._dispatch.note_ended(self._desk.move(moves))

    def _still_in_the_way(self, blocked: Blocked) -> bool:
        """Judged by what the target shows after the run became due: what the ledger knows may be a look old."""
        way = self._desk.held.get(blocked.in_the_way or "")
        if way is None or way.state not in FOLLOWED or way.remote_job is None:
            return True
        return self._dispatch.watcher.looked_since(way.remote_job, blocked.run.due_at)

    def _pause_failing(self) -> None:
        failed = {run.job for run in self._dispatch.ended() if run.state in {"failed", "timed_out"}}
        now = self._clock.now()
        for job, failures in self._decider.failures(failed).items():
            most = self._decider.jobs[job].job.pause_after_failures
            if failures >= most:
                reason = f"{failures} failures in a row (pause_after_failures: {most})"
                notice = events.paused(job, failures, now)
                if self._ledger.pause(self._desk.space, job, by="runner", reason=reason, now=now, notices=(notice,)):
                    self._decider.pauses_changed()

    def _lift_hold(self) -> None:
        """A start is what people do after they mended a key: try once more. It is held again if that was not it."""
        try:
            self._ledger.lift(self._desk.space)
        except LedgerUnavailable as down:
            self._journal.ledger_down(down)
            self._down = down

    def _alarms(self, now: datetime) -> None:
        lines = self._ledger.alarms(self._desk.space, limit=ROWS, now=now)
        if lines:
            notices = [events.overdue(line) for line in lines]
            self._ledger.ring(self._desk.space, [line.key for line in lines], notices, now=now)
        self._journal.tell(self._ledger, self._desk.space, self._desk.owner, now=now)

    @property
    def _sendable(self) -> bool:
        """Whether something due was left for the next step, because as much as may be is under way."""
        if self._down is not None or self._dispatch.quiet or self._held is not None:
            return False
        claimed = any(run.state == "claimed" for run in self._desk.held.values())
        return claimed or self._dispatch.sender.free == 0

    def _nap(self) -> None:
        """Sleep until there may be something to do: news from the target's side, or from the ledger's."""
        if self._dispatch.busy or self._down is not None:
            self._desk.news.wait(LONGEST_NAP if self._dispatch.busy else WHILE_AWAY)
            return
        seconds = min(LONGEST_NAP, self.rest)
        if seconds <= 0:
            return
        try:
            self._ledger.wait_for_work(seconds)
        except LedgerUnavailable:
            self._stopping.wait(seconds)  # the next step says so
