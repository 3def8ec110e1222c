"""A plan → the target. The package's one edge: every write goes out here, each guarded by an etag or a key.

Creates first, then updates and moves, deletes last, several at a time within a stage. After a failure
nothing more is started (unless told to go on); what was done stays done, and running apply again finishes.
A Ctrl-C is the same as a failure: what is under way ends, nothing more is started, and it is all reported.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, Literal

from interact_gitops.errors import Failure, Refused
from interact_gitops.interact.channels import Channels
from interact_gitops.interact.client import Client
from interact_gitops.planning.plan import Action, Change, Kind, Plan

Result = Literal["done", "failed", "not tried"]
# What others name comes first and goes last: channels are there before the jobs that notify them.
STAGES: tuple[tuple[Kind, tuple[Action, ...]], ...] = (
    ("channel", ("create", "update", "adopt")),
    ("job", ("create",)),
    ("job", ("update", "move", "adopt")),
    ("job", ("delete",)),
    ("channel", ("delete",)),
)
Secrets = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change; `said` is the failure's message and remedy."""

    change: Change
    result: Result
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a plan, in the plan's order; `interrupted` when somebody pressed Ctrl-C.

    `bug` is what escaped a write and is no Failure: raise it once the report is out.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False
    bug: BaseException | None = field(default=None, compare=False)

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
    secrets: Secrets | None = None,
) -> Applied:
    """Write every change of `plan`, at most `parallelism` at a time. Expected failures become outcomes.

    `secrets`: the write-only fields of each channel by its name; no plan has them.

    A create's idempotency key holds for this call alone: repeating a lost request makes nothing twice, and
    a job deleted by hand can be created again by the next apply.
    """
    run = uuid.uuid4().hex
    outcomes: dict[tuple[Kind, str], Outcome] = {}
    send = partial(_send, client=client, run=run, secrets=secrets or {})
    bugs: list[BaseException] = []
    with _heard_interrupts(client.give_up) as interrupted:
        for kind, actions in STAGES:
            changes = [change for change in plan.changes if change.kind == kind and change.action in actions]
            for change, error in _stage(changes, send, interrupted, parallelism=parallelism, on_error=on_error):
                outcomes[kind, change.key] = outcome = _outcome(change, error)
                if error is not None and not isinstance(error, Failure):
                    bugs.append(error)
                if progress is not None:
                    progress(outcome)
            stop = on_error == "stop" and any(outcome.result == "failed" for outcome in outcomes.values())
            if stop or bugs or interrupted.is_set():
                break
        ended = tuple(outcomes.get((c.kind, c.key)) or Outcome(change=c, result="not tried") for c in plan.writes)
        return Applied(plan=plan, outcomes=ended, interrupted=interrupted.is_set(), bug=bugs[0] if bugs else None)


def _stage(
    changes: Sequence[Change],
    send: Callable[[Change], None],
    interrupted: threading.Event,
    *,
    parallelism: int,
    on_error: str,
) -> Iterator[tuple[Change, BaseException | None]]:
    """Write one stage: each change that was tried, with what went wrong. What is under way is waited for."""
    waiting = list(reversed(changes))
    running: dict[Future[None], Change] = {}
    with ThreadPoolExecutor(max_workers=parallelism, thread_name_prefix="apply") as pool:
        while running or waiting:
            while waiting and len(running) < parallelism:
                change = waiting.pop()
                running[pool.submit(send, change)] = change
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is not None and (on_error == "stop" or not isinstance(error, Failure)):
                    waiting.clear()
                yield running.pop(future), error
            if interrupted.is_set():
                waiting.clear()


def _outcome(change: Change, error: BaseException | None) -> Outcome:
    if error is None:
        return Outcome(change=change, result="done")
    said = str(error) if isinstance(error, Failure) else f"this is a bug: {type(error).__name__}: {error}"
    return Outcome(change=change, result="failed", said=said)


@contextmanager
def _heard_interrupts(also: Callable[[], None]) -> Iterator[threading.Event]:
    """An event that a Ctrl-C sets, instead of breaking off whatever line is being executed just then.

    `also` is called with it: a target that is down would hold people up for as long as it is asked.
    Only the main thread can listen to signals; elsewhere the event is never set.
    """
    heard = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def hear(_number: int, _frame: FrameType | None) -> None:
        heard.set()
        also()

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _send(change: Change, *, client: Client, run: str, secrets: Secrets) -> None:
    if change.kind == "channel":
        _send_channel(change, client.channels, {**(change.body or {}), **secrets.get(change.key, {})}, run)
        return
    if change.action == "create":
        client.create_job(change.body or {}, idempotency_key=f"apply-{run}-{change.key}")
        return
    remote_id, etag = _place(change)
    if change.action == "delete":
        client.delete_job(remote_id, etag=etag, applied=True)
    else:
        client.replace_job(remote_id, change.body or {}, etag=etag)


def _send_channel(change: Change, channels: Channels, body: Mapping[str, Any], run: str) -> None:
    if change.action == "create":
        channels.create(body, idempotency_key=f"apply-{run}-channel-{uuid.uuid5(uuid.NAMESPACE_URL, change.key)}")
        return
    remote_id, etag = _place(change)
    if change.action == "delete":
        channels.delete(remote_id, etag=etag)
    else:
        channels.replace(remote_id, body, etag=etag)


def _place(change: Change) -> tuple[str, str]:
    """(id, etag) of what is written over. Raises Refused where the target gave no etag."""
    if change.remote_id is None or change.etag is None:
        said = f"the target gave the {change.kind} {change.key} no etag: writing it could undo somebody else's change"
        raise Refused(said, remedy="check the target's version")
    return change.remote_id, change.etag
