"""Requests to the target: an intent in the ledger first, then the request, in a bounded pool of threads.

A stall between intent and request is the one window that no client can close on a target without idempotency keys;
it is narrowed by looking at a clock that nobody can set, right before the request (ledger.md, rule 3).
"""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.ledger.keys import idempotency_key
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Intent, Move
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.target import Answer, Request, SeenChat, Target, TargetSilent, payload_of

START_WITHIN = 5.0  # seconds from the intent to the first byte of the request
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back of a request. `repeated`: an earlier request of the same attempt may have gone out before it."""

    key: str
    fence: int
    repeated: bool
    answer: Answer


class Sender:
    """Sends claimed runs. `answers` gives what came back, in the runner's own thread."""

    def __init__(self, desk: Desk, target: Target, pool: Executor) -> None:
        self._desk = desk
        self._target = target
        self._pool = pool
        # Who has no idempotency keys is asked for its runs in progress first, and that takes a request of its own.
        self._within = START_WITHIN + (0.0 if target.repeats else desk.options.request)
        self._answers: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._unsent: dict[str, int] = {}  # run key → fence: intents that may be written, whose request was not made
        self.under_way: dict[str, int] = {}  # run key → fence
        self.bugs: list[BaseException] = []

    @property
    def free(self) -> int:
        """How many more requests may go out now."""
        return max(0, self._desk.options.parallelism - len(self.under_way))

    def send(self, runs: Sequence[Run], jobs: Mapping[str, RunnableJob]) -> list[Run]:
        """Send claimed runs, or runs in `sending` whose attempt is repeated; those that cannot be sent, ended.

        Raises LedgerFailure before any request; `unsent` then says what became of the intents.
        """
        now = self._desk.clock.now()
        repeated = {run.key for run in runs if run.state == "sending"}
        moves = [self._intent(run, jobs.get(run.job), now) for run in runs]
        began = self._desk.clock.seconds()
        self._unsent |= {run.key: run.fence for run in runs if run.state == "claimed"}
        moved = self._desk.move(moves)
        for run in moved:
            if run.state == "sending":
                self.under_way[run.key] = run.fence
                self._pool.submit(self._request, run, began, repeated=run.key in repeated)
        for run in runs:
            self._unsent.pop(run.key, None)
        return [run for run in moved if run.state != "sending"]

    def give_back(self, run: Run, reason: str) -> Move | None:
        """The step of a run in `sending` whose intent was written while the ledger failed: certainly not sent. None
        for any other."""
        if self._unsent.pop(run.key, None) != run.fence:
            return None
        return Move(key=run.key, was=run.state, fence=run.fence, to="planned", reason=reason)

    def answers(self) -> list[Heard]:
        """What came back since the last call."""
        found: list[Heard] = []
        while True:
            try:
                heard = self._answers.get_nowait()
            except queue.Empty:
                return found
            self.under_way.pop(heard.key, None)
            found.append(heard)

    def _intent(self, run: Run, runnable: RunnableJob | None, now: datetime) -> Move:
        place: dict[str, Any] = {"key": run.key, "was": run.state, "fence": run.fence}
        remote_job = run.remote_job
        if run.state == "claimed":
            if runnable is None:
                return Move(**place, to="cancelled", reason="its job is no longer defined")
            if runnable.refused:
                return Move(**place, to="failed", reason=runnable.refused)
            remote_job = runnable.remote_id
        if remote_job is None:
            return Move(**place, to="failed", reason="the target has no such job; apply it, or bind it by its id")
        payload = run.payload or payload_text(run)
        seconds = self._within + self._desk.options.request
        intent = Intent(payload=payload, sent_at=now, seconds=seconds, remote_job=remote_job)
        return Move(**place, to="sending", intent=intent)

    def _request(self, run: Run, began: float, *, repeated: bool) -> None:
        answer = Answer(verdict="unknown", said="its request met a bug of ours")
        try:
            answer = self._ask(run, began)
            if repeated and not self._target.repeats and answer.verdict == "busy":
                answer = replace(answer, verdict="unknown")  # it may be the chat of the earlier request
        except BaseException as bug:
            self.bugs.append(bug)
            raise
        finally:
            self._answers.put(Heard(key=run.key, fence=run.fence, repeated=repeated, answer=answer))
            self._desk.news.set()

    def _ask(self, run: Run, began: float) -> Answer:
        assert run.remote_job is not None  # the intent has it
        assert run.payload is not None
        if not self._target.repeats and run.line_up != "allow":
            answer = self._in_the_way(run, run.remote_job)
            if answer is not None:
                return answer
        if self._desk.clock.seconds() - began > self._within:
            return Answer(verdict="later", said="stalled before it was sent")
        return self._target.start(
            Request(
                remote_job=run.remote_job,
                payload=run.payload,
                idempotency_key=idempotency_key(run.key, run.attempt),
                seconds=self._desk.options.request,
            )
        )

    def _in_the_way(self, run: Run, remote_job: str) -> Answer | None:
        """A run of the job that the ledger does not know: somebody else started it."""
        try:
            chats = self._target.chats(remote_job, since=_ALWAYS)
        except TargetSilent as silent:
            return Answer(verdict="later", said=silent.message, retry_after=silent.retry_after)
        oldest = self._desk.clock.now() - timedelta(seconds=run.timeout)
        busy = next((chat for chat in chats.values() if _in_progress(chat, oldest)), None)
        if busy is None:
            return None
        said = f"the target has a run of the job in progress: {busy.id} is {busy.status}"
        return Answer(verdict="busy", said=said, in_the_way=busy.id)


def _in_progress(chat: SeenChat, oldest: datetime) -> bool:
    """A status that we do not know counts as in progress until the job's timeout has passed (ledger.md, rule 7)."""
    if chat.state == "unknown":
        return chat.created_at is None or chat.created_at > oldest
    return chat.state == "active"


def payload_text(run: Run) -> str:
    """The body of a run's present attempt, as it is frozen in the ledger."""
    parts = [dict(part.parameters) for part in run.open_parts]
    body: dict[str, Any] = {"combinations": parts} if run.fan_out else {"parameters": parts[0]} if parts[0] else {}
    if run.fan_out and run.max_parallel is not None:
        body["maxParallel"] = run.max_parallel
    return canonical_json(payload_of(run.kind, run.scheduled_at, body))
