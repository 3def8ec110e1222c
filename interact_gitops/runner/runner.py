"""The runner: due → claim → intent → request → follow → end, over and over, in one thread with a pool beside it.

It may be killed, doubled, stalled or cut off anywhere: what it has not written to the ledger did not happen, and
what it wrote as an intent is recovered by whoever comes next. It keeps nothing that a restart would need.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from interact_gitops.ledger.errors import LedgerUnavailable
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Notice, Run
from interact_gitops.ledger.requests import Blocked, Move
from interact_gitops.runner import events
from interact_gitops.runner.catalogue import Catalogue
from interact_gitops.runner.deciding import Decider
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.following import step_for
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import Clock, RunnerOptions, SystemClock
from interact_gitops.runner.outcomes import denial, step_after
from interact_gitops.runner.recovering import Recoverer
from interact_gitops.runner.sending import Sender
from interact_gitops.runner.target import Target
from interact_gitops.runner.watching import FOLLOWED, Watcher

LONGEST_NAP = 1.0  # seconds; what others write to the ledger is seen this soon


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a runner stands, for its status line and its metrics."""

    jobs: int
    active: int
    sending: int
    unknown: int
    next_due: datetime | None
    held: bool
    ledger_down: str | None


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
    ) -> None:
        self._clock = clock or SystemClock()
        self._options = options
        self._journal = journal
        self._ledger = ledger
        self._target = target
        self._pool = ThreadPoolExecutor(max_workers=options.parallelism * 2, thread_name_prefix="runner")
        self._desk = Desk(ledger, space, owner, self._clock, options)
        self._decider = Decider(self._desk, catalogue, target_retries=target.retries)
        self._sender = Sender(self._desk, target, self._pool)
        self._watcher = Watcher(self._desk, target, self._pool)
        self._recoverer = Recoverer(self._desk, target, self._pool)
        self._swept = float("-inf")
        self._quiet_until = float("-inf")
        self._down: str | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Claim nothing new; `run` returns once what was sent is answered."""
        self._stopping.set()

    def run(self, *, drain_seconds: float = 30.0, until_idle: bool = False) -> None:
        """Work until told to stop (or until nothing is left), then drain: finish what was sent, give back the rest."""
        while not self._stopping.is_set():
            self.step()
            if until_idle and self.idle:
                break
            self._nap()
        self.drain(drain_seconds)

    def once(self, *, follow: bool, drain_seconds: float = 30.0) -> None:
        """One pass: follow what runs, decide, send everything that may start; with `follow` wait for the ends."""
        self._lift_hold()
        first = True
        while not self._stopping.is_set():
            sent = self.step(at_once=first)
            first = False
            busy = self._sender.under_way or self._watcher.asking or self._recoverer.asking or sent
            if not busy and not (follow and self._desk.held):
                break
            self._stopping.wait(0.02)
        self.drain(drain_seconds)

    def step(self, *, at_once: bool = False) -> int:
        """One round; how many requests went out. A ledger that is away stops claims, not what is under way."""
        try:
            sent = self._step(at_once=at_once)
        except LedgerUnavailable as down:
            if self._down is None:
                self._journal.ledger_down(down)
            self._down = down.message
            self._stopping.wait(min(5.0, self._options.sweep))
            return 0
        finally:
            self._raise_bugs()
        if self._down is not None:
            self._down = None
            self._journal.ledger_back()
        return sent

    def drain(self, seconds: float) -> None:
        """Wait for answers to what was sent, at most `seconds`; then give everything back and close the pool."""
        until = self._clock.seconds() + seconds
        while self._sender.under_way and self._clock.seconds() < until:
            self._collect()
            threading.Event().wait(0.02)
        self._collect()
        try:
            self._desk.release()
        except LedgerUnavailable as down:
            self._journal.ledger_down(down)
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def idle(self) -> bool:
        """Whether nothing runs here, nothing is under way, and nothing waits in the ledger that is due."""
        if self._desk.held or self._sender.under_way or self._recoverer.asking:
            return False
        late, _ = self._ledger.late(self._desk.space, now=self._clock.now())
        return late == 0 and not self._ledger.open_runs(self._desk.space)

    @property
    def rest(self) -> float:
        """Seconds until there will be something to do, as far as is known here; infinite when nothing is in sight."""
        if self._sender.under_way or self._watcher.asking or self._recoverer.asking:
            return 0.02
        coming, looking = self._decider.next, self._watcher.next
        waits = [LONGEST_NAP] if self._desk.held else []
        if coming is not None:
            waits.append((coming - self._clock.now()) / timedelta(seconds=1))
        if looking is not None:
            waits.append(looking - self._clock.seconds())
        return max(0.0, min(waits, default=float("inf")))

    def hint(self, remote_job: str) -> None:
        """Something happened to a job at the target: the next step looks at it. From the runner's own thread."""
        self._watcher.hint(remote_job)

    def pauses_changed(self) -> None:
        """Pauses were written to the ledger beside this runner. From the runner's own thread."""
        self._decider.pauses_changed()

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        return Standing(
            jobs=len(self._decider.jobs),
            active=len(self._desk.held),
            sending=len(self._sender.under_way),
            unknown=len(self._recoverer.waiting),
            next_due=self._decider.next,
            held=self._ledger.held(self._desk.space) is not None if self._down is None else False,
            ledger_down=self._down,
        )

    def _step(self, *, at_once: bool) -> int:
        self._decider.refresh()
        self._journal.catalogue(self._decider.unreadable)
        self._desk.renew()
        self._collect()
        if self._clock.seconds() - self._swept >= self._options.sweep:
            self._swept = self._clock.seconds()
            self._sweep()
        self._follow(at_once=at_once)
        self._journal.decided(self._decider.decide())
        return self._claim()

    def _collect(self) -> None:
        moves: list[Move] = []
        for run, answer in self._sender.answers():
            self._journal.answered(run, answer)
            move = step_after(run, answer, now=self._clock.now())
            if answer.verdict == "denied":
                self._hold(denial(self._desk.space, answer), answer.said)
            if answer.retry_after is not None:
                self._quiet_until = max(self._quiet_until, self._clock.seconds() + answer.retry_after)
            if move is None:
                self._recoverer.doubt(run)
            else:
                moves.append(move)
        self._ended(self._desk.move(moves))

    def _follow(self, *, at_once: bool) -> None:
        self._watcher.look(most=self._options.parallelism, at_once=at_once)
        moves: list[Move] = []
        looks = self._watcher.looks()
        runs = self._watcher.by_job() if looks else {}
        for look in looks:
            for run in runs.get(look.remote_job, ()):
                move = step_for(run, look.chats or {}, now=self._clock.now()) if look.chats is not None else None
                if move is not None:
                    self._watcher.news(look.remote_job)
                    moves.append(move)
        self._ended(self._desk.move(moves))
        again = self._recoverer.settle()
        if again:
            self._sender.send(again, self._decider.jobs)

    def _sweep(self) -> None:
        """What others left behind, asked for, or should know."""
        self._desk.refresh()
        self._watcher.cancel_overdue()
        since = self._clock.seconds()
        room = self._options.most_active - len(self._desk.held)
        taken = self._ledger.take_over(
            self._desk.space, owner=self._desk.owner, lease_seconds=self._options.lease, limit=max(0, min(room, 500)),
            now=self._clock.now(),
        )  # fmt: skip
        self._desk.take(taken, since=since)
        claimed = [run for run in taken if run.state == "claimed"]
        for run in taken:
            if run.state == "sending":
                self._recoverer.doubt(run)
        if claimed:
            self._sender.send(claimed[: self._sender.free], self._decider.jobs)
        self._alarms()

    def _claim(self) -> int:
        now, free = self._clock.now(), self._sender.free
        if self._stopping.is_set() or self._clock.seconds() < self._quiet_until or not free:
            return 0
        free = min(free, self._options.most_active - len(self._desk.held))
        since = self._clock.seconds()
        claimed = self._ledger.claim(
            self._desk.space, owner=self._desk.owner, lease_seconds=self._options.lease, limit=free, now=now
        )
        self._desk.take(claimed, since=since)
        if claimed:
            self._sender.send(claimed, self._decider.jobs)
        if len(claimed) < free:
            self._let_go(now)
        return len(claimed)

    def _let_go(self, now: datetime) -> None:
        """Due runs that will not start: too late, or in the way of others."""
        moves = []
        for blocked in self._ledger.blocked(self._desk.space, limit=500, now=now):
            run = blocked.run
            if blocked.why == "too_late":
                notice = events.missed(run.job, run.scheduled_at, run.scheduled_at, 1, run_key=run.key)
                moves.append(Move(key=run.key, was=run.state, fence=run.fence, to="missed", notices=(notice,)))
            elif blocked.why == "superseded" or self._still_in_the_way(blocked):
                reason = "a newer run took its place" if blocked.why == "superseded" else None
                moves.append(
                    Move(key=run.key, was=run.state, fence=run.fence, to="skipped_overlap", reason=reason,
                         in_the_way=blocked.in_the_way)
                )  # fmt: skip
        if moves:
            self._ended(self._desk.move(moves))

    def _still_in_the_way(self, blocked: Blocked) -> bool:
        """Judged by what the target shows after the run became due: what the ledger knows may be a look old."""
        way = self._desk.held.get(blocked.in_the_way or "")
        if way is None or way.state not in FOLLOWED or way.remote_job is None:
            return True
        return self._watcher.looked_since(way.remote_job, blocked.run.due_at)

    def _ended(self, runs: list[Run]) -> None:
        over = [run for run in runs if run.ended]
        self._journal.ended(over)
        failed = {run.job for run in over if run.state in {"failed", "timed_out"}}
        now = self._clock.now()
        for job, failures in self._decider.failures(failed).items():
            most = self._decider.jobs[job].job.pause_after_failures
            if failures >= most:
                reason = f"{failures} failures in a row (pause_after_failures: {most})"
                notice = events.paused(job, failures, now)
                if self._ledger.pause(self._desk.space, job, by="runner", reason=reason, now=now, notices=(notice,)):
                    self._decider.pauses_changed()

    def _hold(self, notice: Notice, said: str | None) -> None:
        reason = said or "the target refused the key"
        self._ledger.hold(
            self._desk.space, by=self._desk.owner, reason=reason, now=self._clock.now(), notices=(notice,)
        )  # fmt: skip

    def _lift_hold(self) -> None:
        """A start is what people do after they mended a key: try once more. It is held again if that was not it."""
        self._ledger.lift(self._desk.space)

    def _alarms(self) -> None:
        now = self._clock.now()
        lines = self._ledger.alarms(self._desk.space, limit=500, now=now)
        if lines:
            notices = [events.overdue(line) for line in lines]
            self._ledger.ring(self._desk.space, [line.key for line in lines], notices, now=now)
        self._journal.tell(self._ledger, self._desk.space, self._desk.owner, now=now)

    def _nap(self) -> None:
        self._stopping.wait(min(LONGEST_NAP, max(0.01, self.rest)))

    def _raise_bugs(self) -> None:
        for found in (self._sender.bugs, self._watcher.bugs, self._recoverer.bugs):
            if found:
                raise found[0]
