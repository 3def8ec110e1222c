"""A plan → the target. The package's one edge: every write goes out here, each guarded by an etag or a key.

Creates first, then updates and moves, deletes last, several at a time within a stage. After a failure
nothing more is started (unless told to go on); what was done stays done, and running apply again finishes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal

from interact_gitops.errors import Failure
from interact_gitops.interact.client import Client
from interact_gitops.planning.plan import Action, Change, Plan

Result = Literal["done", "failed", "not tried"]
STAGES: tuple[tuple[Action, ...], ...] = (("create",), ("update", "move", "adopt"), ("delete",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change; `said` is the failure's message and remedy."""

    change: Change
    result: Result
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a plan, in the plan's order; `interrupted` when somebody pressed Ctrl-C."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything in the plan is now true: nothing failed, left out or refused."""
        return all(outcome.result == "done" for outcome in self.outcomes) and not self.plan.count("refused")

    def count(self, result: Result) -> int:
        """How many changes ended so."""
        return sum(outcome.result == result for outcome in self.outcomes)


def apply(
    plan: Plan,
    client: Client,
    *,
    parallelism: int = 8,
    on_error: Literal["stop", "continue"] = "stop",
    progress: Callable[[Outcome], None] | None = None,
) -> Applied:
    """Write every change of `plan`, at most `parallelism` at a time. Expected failures become outcomes.

    A create's idempotency key holds for this call alone: repeating a lost request makes nothing twice, and
    a job deleted by hand can be created again by the next apply.
    """
    run = uuid.uuid4().hex
    outcomes: dict[str, Outcome] = {}
    stopped = interrupted = False
    for stage in STAGES:
        changes = [change for change in plan.changes if change.action in stage]
        if stopped or interrupted or not changes:
            continue
        interrupted = _stage(changes, client, run, outcomes, progress, parallelism=parallelism, on_error=on_error)
        failed = any(outcomes[c.key].result != "done" for c in changes if c.key in outcomes)
        stopped = failed and on_error == "stop"
    ended = tuple(outcomes.get(c.key) or Outcome(change=c, result="not tried") for c in plan.writes)
    return Applied(plan=plan, outcomes=ended, interrupted=interrupted)


def _stage(
    changes: Sequence[Change],
    client: Client,
    run: str,
    outcomes: dict[str, Outcome],
    progress: Callable[[Outcome], None] | None,
    *,
    parallelism: int,
    on_error: str,
) -> bool:
    """Write one stage; returns whether it was interrupted. What is under way is always waited for."""
    waiting = list(reversed(changes))
    running: dict[Future[Outcome], Change] = {}
    interrupted = False
    with ThreadPoolExecutor(max_workers=parallelism, thread_name_prefix="apply") as pool:
        while running or (waiting and not interrupted):
            try:
                while waiting and not interrupted and len(running) < parallelism:
                    change = waiting.pop()
                    running[pool.submit(_write, change, client, run)] = change
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    outcomes[running.pop(future).key] = outcome
                    if progress is not None:
                        progress(outcome)
                    if outcome.result == "failed" and on_error == "stop":
                        waiting.clear()
            except KeyboardInterrupt:
                interrupted = True  # nothing new is started; a second Ctrl-C is the same
    return interrupted


def _write(change: Change, client: Client, run: str) -> Outcome:
    try:
        _send(change, client, run)
    except Failure as failure:
        return Outcome(change=change, result="failed", said=str(failure))
    return Outcome(change=change, result="done")


def _send(change: Change, client: Client, run: str) -> None:
    if change.action == "create":
        assert change.body is not None
        client.create_job(change.body, idempotency_key=f"apply-{run}-{change.key}")
        return
    assert change.remote_id is not None
    assert change.etag is not None, "the definitions API gives every job an etag"
    if change.action == "delete":
        client.delete_job(change.remote_id, etag=change.etag)
    else:
        assert change.body is not None
        client.replace_job(change.remote_id, change.body, etag=change.etag)
