"""Requests to the target: an intent in the ledger first, then the request, in a bounded pool of threads.

A stall between intent and request is the one window that no client can close on a target without idempotency keys;
it is narrowed by looking at a clock that nobody can set, right before the request (ledger.md, rule 3).
"""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.ledger.keys import idempotency_key
from interact_gitops.ledger.records import Run
from interact_gitops.ledger.requests import Intent, Move
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.desk import Desk
from interact_gitops.runner.target import Answer, Request, Target, TargetSilent, payload_of

START_WITHIN = 5.0  # seconds from the intent to the first byte of the request


class Sender:
    """Sends claimed runs. `answers` gives what came back, in the runner's own thread."""

    def __init__(self, desk: Desk, target: Target, pool: ThreadPoolExecutor) -> None:
        self._desk = desk
        self._target = target
        self._pool = pool
        self._answers: queue.SimpleQueue[tuple[str, int, Answer]] = queue.SimpleQueue()
        self.under_way: dict[str, int] = {}  # run key → fence
        self.bugs: list[BaseException] = []

    @property
    def free(self) -> int:
        """How many more requests may go out now."""
        return max(0, self._desk.options.parallelism - len(self.under_way))

    def send(self, runs: Sequence[Run], jobs: Mapping[str, RunnableJob]) -> None:
        """Send claimed runs, or runs in `sending` whose attempt is repeated; what cannot be sent says why."""
        now = self._desk.clock.now()
        moves = [self._intent(run, jobs.get(run.job), now) for run in runs]
        began = self._desk.clock.seconds()
        for run in self._desk.move(moves):
            if run.state == "sending":
                self.under_way[run.key] = run.fence
                self._pool.submit(self._request, run, began)

    def answers(self) -> list[tuple[Run, Answer]]:
        """What came back since the last call, of runs that are still ours."""
        found: list[tuple[Run, Answer]] = []
        while True:
            try:
                key, fence, answer = self._answers.get_nowait()
            except queue.Empty:
                return found
            self.under_way.pop(key, None)
            run = self._desk.held.get(key)
            if run is not None and run.fence == fence:
                found.append((run, answer))

    def _intent(self, run: Run, runnable: RunnableJob | None, now: datetime) -> Move:
        place: dict[str, Any] = {"key": run.key, "was": run.state, "fence": run.fence}
        remote_job = run.remote_job or (runnable.remote_id if runnable else None)
        if run.state == "claimed":
            if runnable is None:
                return Move(**place, to="cancelled", reason="its job is no longer defined")
            if runnable.refused:
                return Move(**place, to="failed", reason=runnable.refused)
        if remote_job is None:
            return Move(**place, to="failed", reason="the target has no such job; apply it, or bind it by its id")
        payload = run.payload or canonical_json(_payload(run))
        seconds = START_WITHIN + self._desk.options.request
        intent = Intent(payload=payload, sent_at=now, seconds=seconds, remote_job=remote_job)
        return Move(**place, to="sending", intent=intent)

    def _request(self, run: Run, began: float) -> None:
        try:
            answer = self._ask(run, began)
        except BaseException as bug:
            self.bugs.append(bug)
            answer = Answer(verdict="unknown", said=f"this is a bug: {type(bug).__name__}")
            raise
        finally:
            self._answers.put((run.key, run.fence, answer))

    def _ask(self, run: Run, began: float) -> Answer:
        assert run.remote_job is not None  # the intent has it
        assert run.payload is not None
        if not self._target.repeats and run.line_up != "allow":
            answer = self._in_the_way(run, run.remote_job)
            if answer is not None:
                return answer
        if self._desk.clock.seconds() - began > START_WITHIN:
            return Answer(verdict="later", said="stalled before it was sent", retry_after=0.0)
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
        since = self._desk.clock.now() - timedelta(seconds=run.timeout)
        try:
            chats = self._target.chats(remote_job, since=since)
        except TargetSilent as silent:
            return Answer(verdict="later", said=silent.message, retry_after=silent.retry_after)
        busy = next((chat for chat in chats.values() if chat.state in {"active", "unknown"}), None)
        if busy is None:
            return None
        said = f"the target has a run of the job in progress: {busy.id} is {busy.status}"
        return Answer(verdict="busy", said=said, in_the_way=busy.id)


def _payload(run: Run) -> dict[str, Any]:
    parts = [dict(part.parameters) for part in run.open_parts]
    body: dict[str, Any] = {"combinations": parts} if run.fan_out else {"parameters": parts[0]} if parts[0] else {}
    if run.fan_out and run.max_parallel is not None:
        body["maxParallel"] = run.max_parallel
    return payload_of(run.kind, run.scheduled_at, body)
