"""A run that is sent by whoever asked for it, and written down in the ledger step by step, as a runner would.

The intent is in the ledger before the request goes out. Whoever dies in between leaves a run that a runner recovers;
once its chats are known, a runner follows it, or whoever looks next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interact_gitops.errors import Failure, RunSkipped
from interact_gitops.ledger.keys import idempotency_key
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Hold, Intent, Move
from interact_gitops.ledger.states import OWNED
from interact_gitops.runner.following import step_for
from interact_gitops.runner.outcomes import step_after
from interact_gitops.runner.sending import payload_text
from interact_gitops.runner.target import Answer, Request, SeenChat, Target, TargetSilent
from interact_gitops.runner.watching import BEFORE, FOLLOWED

LEASE = 180.0  # seconds: longer than a request with every repetition, which the ledger's key makes harmless
REQUEST = 150.0
MOST_LOOKED_AT = 20  # jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Who acts on which ledger, and the time of day."""

    ledger: FullLedger
    space: str
    by: str
    now: Callable[[], datetime]

    def claim(self, key: str, target: Target) -> Run:
        """The run, claimed. Raises RunSkipped when another run of its job is in the way; it is recorded as skipped,
        or, where it was sent before, goes on waiting."""
        self.ledger.lift(self.space)
        run = self._claimed(key)
        if run is None:
            self.look(target)
            run = self._claimed(key)
        if run is not None:
            return run
        raise self._in_the_way(key)

    def intend(self, run: Run, remote_job: str) -> Request:
        """The request, whose intent is in the ledger now. Raises RunSkipped when somebody cancelled the run."""
        payload = run.payload or payload_text(run)
        intent = Intent(payload=payload, sent_at=self.now(), seconds=REQUEST, remote_job=remote_job)
        if not self._move(Move(key=run.key, was=run.state, fence=run.fence, to="sending", intent=intent)):
            raise RunSkipped(f"the run {run.key} was cancelled, or taken by another runner")
        key = idempotency_key(run.key, run.attempt)
        return Request(remote_job=remote_job, payload=payload, idempotency_key=key, seconds=REQUEST)

    def answered(self, key: str, answer: Answer) -> None:
        """What became of the request. Nobody waits for one that certainly did not start: it is over."""
        run = self._read(key)
        if run is None or run.state != "sending":
            return
        if answer.verdict in {"later", "denied", "gone"}:
            answer = Answer(verdict="refused", said=answer.said)
        if answer.verdict == "busy" and (run.line_up != "skip" or run.attempt > 1):
            answer = Answer(verdict="refused", said=answer.said)
        step = step_after(run, answer, now=self.now())
        after = self._move(step) if step is not None else run
        if after is not None and after.state in OWNED:
            self.ledger.release(self.space, [Hold.of(after)], owner=self.by)

    def unknown(self, key: str, why: str) -> None:
        """Nobody can say whether it started, and it was looked for: somebody has to look."""
        run = self._read(key)
        if run is not None and run.state == "sending":
            self._move(Move(key=key, was="sending", fence=run.fence, to="needs_operator", reason=why))

    def seen(self, key: str, chats: Mapping[str, SeenChat]) -> None:
        """Its chats, as somebody just saw them; a runner that follows the run is left to it."""
        run = self._read(key)
        if run is None or run.state not in FOLLOWED or run.owner is not None:
            return
        step = step_for(run, chats, now=self.now())
        if step is not None:
            self._move(step)

    def look(self, target: Target) -> None:
        """Look at what nobody follows: one request for each of its jobs."""
        left: dict[str, list[Run]] = {}
        for run in self.ledger.open_runs(self.space):
            if run.state in FOLLOWED and run.owner is None and run.remote_job is not None:
                left.setdefault(run.remote_job, []).append(run)
        for remote_job, runs in list(left.items())[:MOST_LOOKED_AT]:
            try:
                chats = target.chats(remote_job, since=min(run.created_at for run in runs) - BEFORE)
            except TargetSilent:
                return
            for run in runs:
                self.seen(run.key, chats)

    def _claimed(self, key: str) -> Run | None:
        runs = self.ledger.claim(
            self.space, owner=self.by, lease_seconds=LEASE, limit=1, now=self.now(), keys=[key]
        )  # fmt: skip
        return runs[0] if runs else None

    def _in_the_way(self, key: str) -> Failure:
        run = self._read(key)
        if run is None or run.state != "planned":
            return RunSkipped(f"the run {key} was taken by another runner, or cancelled")
        standing = self.ledger.jobs(self.space, [run.job]).get(run.job)
        if run.kind == "schedule" and standing is not None and standing.pause is not None:
            said = f"the run {key} waits: its job is paused ({standing.pause.reason})"
            return RunSkipped(said, remedy="it is started after `interact-gitops resume`")
        blocked = self.ledger.blocked(self.space, limit=500, now=self.now())
        way = next((one.in_the_way for one in blocked if one.run.key == key), None) or "another run of its job"
        if run.attempt == 1:
            self._move(Move(key=key, was="planned", fence=run.fence, to="skipped_overlap", in_the_way=way))
            said, remedy = f"a run of this job is in progress: {way}", "wait for it, or stop it with `cancel`"
            return RunSkipped(said, remedy=remedy)
        remedy = "a runner starts it when the way is free; `interact-gitops cancel` takes it back"
        return RunSkipped(f"the run {key} waits: {way} is in progress", remedy=remedy)

    def _move(self, step: Move) -> Run | None:
        done: Sequence[Run] = self.ledger.move(self.space, [step], by=self.by, now=self.now()).done
        return done[0] if done else None

    def _read(self, key: str) -> Run | None:
        runs = self.ledger.runs(self.space, [key])
        return runs[0] if runs else None
