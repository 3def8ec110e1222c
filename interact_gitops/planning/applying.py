"""A plan → the target, in stages: creates first, then updates and moves, deletes last.

Within a stage several writes are under way at once. After a failure nothing more is started (unless told to go
on, and then nothing that depends on what failed); what was done stays done, and running apply again finishes.
A Ctrl-C, or a lock that was lost, is the same as a failure: what is under way ends, nothing more is started, and
it is all reported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Literal

from interact_gitops.errors import Failure
from interact_gitops.interact.client import Client
from interact_gitops.planning.interrupts import Interrupts, hear_interrupts
from interact_gitops.planning.plan import Action, Change, Kind, Plan
from interact_gitops.planning.sending import Secrets, Sender

Result = Literal["done", "failed", "not tried"]
# What others name comes first and goes last: channels are there before the jobs that notify them.
STAGES: tuple[tuple[Kind, tuple[Action, ...]], ...] = (
    ("channel", ("create", "update", "adopt")),
    ("job", ("create",)),
    ("job", ("update", "move", "adopt")),
    ("job", ("delete",)),
    ("channel", ("delete",)),
)
_LOOK_UP_SECONDS = 0.2  # how soon a second signal is noticed
Ended = tuple[Change, BaseException | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change; `said` is the failure's message and remedy, or why it was left out."""

    change: Change
    result: Result
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a plan, in the plan's order; `interrupted` when somebody pressed Ctrl-C, `lost` when the lock
    was lost on the way.

    `bug` is what escaped a write and is no Failure: raise it once the report is out.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False
    lost: bool = False
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
    held: Callable[[], bool] | None = None,
) -> Applied:
    """Write every change of `plan`, at most `parallelism` at a time. Expected failures become outcomes.

    `secrets`: the write-only fields of each channel by its name; no plan has them. `held` is asked before each
    write whether the lock is still ours.
    """
    sender = Sender(client=client, secrets=secrets or {})
    outcomes: dict[tuple[Kind, str], Outcome] = {}
    bugs: list[BaseException] = []
    with hear_interrupts(client.give_up) as interrupts:
        work = _Work(send=sender.send, interrupts=interrupts, parallelism=parallelism, held=held)
        for kind, actions in STAGES:
            changes = [change for change in plan.changes if change.kind == kind and change.action in actions]
            for outcome in _kept_back(changes, list(outcomes.values())):
                outcomes[kind, outcome.change.key] = outcome
            free = [change for change in changes if (kind, change.key) not in outcomes]
            for change, error in work.stage(free, stop_at_failure=on_error == "stop"):
                outcomes[kind, change.key] = outcome = _outcome(change, error)
                if error is not None and not isinstance(error, Failure):
                    bugs.append(error)
                if progress is not None:
                    progress(outcome)
            if work.over:
                break
        ended = tuple(outcomes.get((c.kind, c.key)) or Outcome(change=c, result="not tried") for c in plan.writes)
        return Applied(
            plan=plan, outcomes=ended, interrupted=interrupts.heard.is_set(), lost=work.lost,
            bug=bugs[0] if bugs else None,
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Work:
    """What is under way. `over`: no further stage begins."""

    send: Callable[[Change], None]
    interrupts: Interrupts
    parallelism: int
    held: Callable[[], bool] | None
    over: bool = False
    lost: bool = False

    def stage(self, changes: Sequence[Change], *, stop_at_failure: bool) -> Iterator[Ended]:
        """Write one stage: each change that was tried, with what went wrong. What is under way is waited for."""
        waiting = list(reversed(changes))
        running: dict[Future[None], Change] = {}
        while running or (waiting and not self.over):
            while waiting and len(running) < self.parallelism and self._may_start():
                change = waiting.pop()
                running[_started(self.send, change)] = change
            done, _ = wait(running, timeout=_LOOK_UP_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is not None and (stop_at_failure or not isinstance(error, Failure)):
                    self.over = True
                yield running.pop(future), error
            if self.interrupts.again.is_set():
                yield from ((change, _left()) for change in running.values())
                return

    def _may_start(self) -> bool:
        if self.interrupts.heard.is_set():
            self.over = True
        elif not self.over and self.held is not None and not self.held():
            self.over = self.lost = True
        return not self.over


def _started(send: Callable[[Change], None], change: Change) -> Future[None]:
    """A write under way, in a thread that does not keep the process from ending (as a pool's do)."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            send(change)
        except BaseException as error:  # noqa: BLE001  # carried to whoever waits, as concurrent.futures does
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name=f"apply {change.key}", daemon=True).start()
    return future


def _left() -> Failure:
    return Failure(
        "the target had not answered when this was interrupted again; it may have been carried out all the same",
        remedy="plan again to see",
    )


def _outcome(change: Change, error: BaseException | None) -> Outcome:
    if error is None:
        return Outcome(change=change, result="done")
    said = str(error) if isinstance(error, Failure) else f"this is a bug: {type(error).__name__}: {error}"
    return Outcome(change=change, result="failed", said=said)


def _kept_back(changes: Sequence[Change], ended: Sequence[Outcome]) -> Iterator[Outcome]:
    """What would leave a job without its channel, now that something failed: a job whose channel was not written,
    and the end of a channel that a job goes on to name because it was not written."""
    undone = [outcome.change for outcome in ended if outcome.result != "done"]
    missing = {change.key for change in undone if change.kind == "channel"}
    named = {name: change.key for change in undone if change.kind == "job" for name in _channels(change.before)}
    for change in changes:
        said = None
        if change.kind == "job" and change.action != "delete":
            first = next((name for name in _channels(change.after) if name in missing), None)
            said = None if first is None else f"its channel {first} was not written"
        elif change.kind == "channel" and change.action == "delete" and change.key in named:
            said = f"the job {named[change.key]}, which was not written, still names it"
        if said is not None:
            yield Outcome(change=change, result="not tried", said=said)


def _channels(definition: Mapping[str, Any] | None) -> list[str]:
    return [str(notification.get("channel")) for notification in (definition or {}).get("notifications") or ()]
