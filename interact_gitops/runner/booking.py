"""A run that is sent by whoever asked for it, and written down in the ledger step by step, as a runner would.

The intent is in the ledger before the request goes out. Whoever dies in between leaves a run that a runner recovers;
once its chats are known, a runner follows it, or whoever looks next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interact_gitops.errors import Refused, RunSkipped
from interact_gitops.ledger.keys import idempotency_key
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Cancelled, Hold, Intent, Move
from interact_gitops.ledger.states import OWNED
from interact_gitops.runner import events
from interact_gitops.runner.asked import once_more
from interact_gitops.runner.following import chats_to_cancel, step_for
from interact_gitops.runner.outcomes import step_after
from interact_gitops.runner.sending import payload_text
from interact_gitops.runner.target import Answer, Request, SeenChat, Target, TargetSilent
from interact_gitops.runner.watching import BEFORE, FOLLOWED

LEASE = 180.0  # seconds: longer than a request with every repetition, which the ledger's key makes harmless
REQUEST = 150.0
MOST_LOOKED_AT = 20  # jobs
TRIES = 10  # to claim a run whose way is free, before it is left to a runner
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks at a run that a runner sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Who acts on which ledger, and the time of day."""

    ledger: FullLedger
    space: str
    by: str
    now: Callable[[], datetime]

    def claim(self, key: str, target: Target, *, sleep: Callable[[float], object] = time.sleep) -> Run | None:
        """The run, claimed; None when a runner was faster, and sends it (see `sent_by_a_runner`).

        Raises RunSkipped when another run of its job is in the way; it is recorded as skipped, or, where it was sent
        before, goes on waiting.
        """
        self.ledger.lift(self.space)
        for number in range(TRIES):
            run = self._claimed(key)
            if run is not None:
                return run
            run = self._read(key)
            if run is None or run.state != "planned":
                return None
            if number == 0:
                self.look(target)  # what is in the way may be over
                continue
            self._demand_way(run)
            sleep(FIRST_PAUSE)  # somebody else holds its row just now
        raise RunSkipped(f"the run {key} waits in line", remedy="a runner starts it, or `run` it again later")

    def intend(self, run: Run, remote_job: str) -> Request | None:
        """The request, whose intent is in the ledger now; None when somebody cancelled the run, or took it."""
        payload = run.payload or payload_text(run)
        intent = Intent(payload=payload, sent_at=self.now(), seconds=REQUEST, remote_job=remote_job)
        if not self._move(Move(key=run.key, was=run.state, fence=run.fence, to="sending", intent=intent)):
            return None
        key = idempotency_key(run.key, run.attempt)
        return Request(remote_job=remote_job, payload=payload, idempotency_key=key, seconds=REQUEST)

    def sent_by_a_runner(self, key: str, *, sleep: Callable[[float], object] = time.sleep) -> Run:
        """A run that a runner took, once it was sent.

        Raises RunSkipped for one that does not start, Refused for one that cannot, or of which nobody knows yet.
        """
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            run = self._read(key)
            if run is None or run.state in {"cancelled", "skipped_overlap", "missed"}:
                raise RunSkipped(f"the run {key} does not start: {(run and run.reason) or 'it was removed'}")
            if run.state in {"failed", "needs_operator"} and not any(part.chat for part in run.parts):
                remedy = f"see `interact-gitops ledger show {key}`"
                raise Refused(f"the run {key} did not start: {run.reason}", remedy=remedy)
            if run.state not in {"planned", "claimed", "sending"}:
                return run
            if waited > REQUEST:
                said = f"the run {key} is {run.state}, in the hands of a runner: {run.owner or 'none just now'}"
                raise Refused(said, remedy="see `interact-gitops history` for what becomes of it")
            sleep(pause)
            pause, waited = min(pause * 1.5, LONGEST_PAUSE), waited + pause

    def answered(self, key: str, answer: Answer) -> None:
        """What became of the request. Nobody waits for one that certainly did not start: it is over."""
        run = self._read(key)
        if run is None or run.state != "sending":
            return
        if answer.verdict in {"later", "denied", "gone"}:
            answer = Answer(verdict="refused", said=answer.said)
        if answer.verdict == "busy" and run.attempt > 1:
            answer = Answer(verdict="refused", said=answer.said)  # a retry has failed once more, and can be retried
        if answer.verdict == "busy":
            # Whether the ledger or the target saw what is in the way: a first run by hand does not stand in line.
            run, answer = replace(run, line_up="skip"), replace(answer, in_the_way=self._run_of(answer.in_the_way))
        step = step_after(run, answer, now=self.now())
        after = self._move(step) if step is not None else run
        if after is not None and after.state in OWNED:
            self.ledger.release(self.space, [Hold.of(after)], owner=self.by)

    def unknown(self, key: str, why: str) -> None:
        """Nobody can say whether it started, and it was looked for: somebody has to look."""
        run = self._read(key)
        if run is not None and run.state == "sending":
            notices = (events.needs_operator(run, why),)
            self._move(Move(key=key, was="sending", fence=run.fence, to="needs_operator", reason=why, notices=notices))

    def seen(
        self, key: str, chats: Mapping[str, SeenChat], *, overdue: bool = False, cancelled: bool = False
    ) -> Run | None:
        """Its chats, as somebody just saw them; a runner that follows the run is left to it. The run as it is now."""
        run = self._read(key)
        if run is None or run.state not in FOLLOWED or run.owner is not None:
            return run
        step = step_for(run, chats, now=self.now(), overdue=overdue, cancelled=cancelled)
        return run if step is None else self._move(step) or self._read(key)

    def look(self, target: Target) -> None:
        """Look at what nobody follows: one request for each of its jobs."""
        self.look_at(self.ledger.open_runs(self.space), target)

    def look_at(self, runs: Iterable[Run], target: Target) -> None:
        """Look at those of the runs that nobody follows. What takes longer than it may is ended, as a runner would."""
        left: dict[str, list[Run]] = {}
        for run in runs:
            if run.state in FOLLOWED and run.owner is None and run.remote_job is not None:
                left.setdefault(run.remote_job, []).append(run)
        for remote_job, some in list(left.items())[:MOST_LOOKED_AT]:
            try:
                chats = target.chats(remote_job, since=min(run.created_at for run in some) - BEFORE)
                for run in some:
                    overdue = self._overdue(run)
                    cancelled = overdue and self._stop(chats_to_cancel(run, chats), target)
                    self.seen(run.key, chats, overdue=overdue, cancelled=cancelled)
            except TargetSilent:
                return

    def cancel(self, run: Run, target: Target, *, by: str) -> Cancelled:
        """End a run: in the ledger, and at the target where no runner holds it, who would see to that.

        Raises TargetSilent; the wish is in the ledger by then, and a runner sees to it.
        """
        (said,) = self.ledger.cancel(self.space, [run.key], by=by, reason=f"cancelled by {by}", now=self.now())
        asked = self._read(run.key)
        if said.outcome != "asked" or asked is None or (asked.owner is not None and not self._expired(asked)):
            return said
        self._stop((part.chat for part in asked.open_parts if part.chat is not None), target)
        self.look_at([asked], target)
        return said

    def again(self, run: Run, *, by: str) -> Run:
        """The run, planned for its next attempt. Raises Refused where there is nothing to try again."""
        done = self.ledger.move(self.space, [once_more(run, now=self.now())], by=by, now=self.now()).done
        if not done:
            raise Refused(f"the run {run.key} was changed by somebody else just now", remedy="look at it again")
        return done[0]

    def _claimed(self, key: str) -> Run | None:
        runs = self.ledger.claim(
            self.space, owner=self.by, lease_seconds=LEASE, limit=1, now=self.now(), keys=[key]
        )  # fmt: skip
        return runs[0] if runs else None

    def _demand_way(self, run: Run) -> None:
        standing = self.ledger.jobs(self.space, [run.job]).get(run.job)
        if run.kind == "schedule" and standing is not None and standing.pause is not None:
            said = f"the run {run.key} waits: its job is paused ({standing.pause.reason})"
            raise RunSkipped(said, remedy="it is started after `interact-gitops resume`")
        blocked = self.ledger.blocked(self.space, limit=500, now=self.now())
        way = next((one.in_the_way for one in blocked if one.run.key == run.key), None)
        if way is None:
            return
        said = f"a run of this job is in progress: {way}"
        if run.attempt == 1:
            self._move(
                Move(key=run.key, was="planned", fence=run.fence, to="skipped_overlap", in_the_way=way, reason=said)
            )
            raise RunSkipped(said, remedy=self._way_out(way))
        remedy = "a runner starts it when the way is free; `interact-gitops cancel` takes it back"
        raise RunSkipped(f"the run {run.key} waits: {said}", remedy=remedy)

    def _way_out(self, key: str) -> str:
        way = self._read(key)
        if way is not None and way.state == "sending" and (way.owner is None or self._expired(way)):
            return "whether that one started nobody knows yet: `interact-gitops runner --once` finds out"
        return "wait for it, or stop it with `interact-gitops cancel`"

    def _run_of(self, chat: str | None) -> str | None:
        """The run that a chat belongs to, else the chat."""
        return chat and self.ledger.owners_of_chats(self.space, [chat]).get(chat, chat)

    def _overdue(self, run: Run) -> bool:
        return run.triggered_at is not None and self.now() > run.triggered_at + timedelta(seconds=run.timeout)

    def _expired(self, run: Run) -> bool:
        """Whether the lease is over, by the time of day: nothing is written on the strength of this."""
        return run.leased_until is not None and run.leased_until < self.now()

    def _stop(self, chats: Iterable[str], target: Target) -> bool:
        for chat in chats:
            target.cancel(chat)
        return True

    def _move(self, step: Move) -> Run | None:
        done: Sequence[Run] = self.ledger.move(self.space, [step], by=self.by, now=self.now()).done
        return done[0] if done else None

    def _read(self, key: str) -> Run | None:
        runs = self.ledger.runs(self.space, [key])
        return runs[0] if runs else None
