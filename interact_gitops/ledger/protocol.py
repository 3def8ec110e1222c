"""The `Ledger` seam: what a runner asks of a ledger, and what it may rely on.

Every backend promises:
1. A key is added once. Of any number of runners that add it, one is told that it is new; nothing removes it but
   pruning, and what was pruned is not added again.
2. A call is one or several transactions, and what belongs together is in one: a decision with its watermark and
   runs, a step with its history and notices, a run with its parts. After a failure with `committed == "maybe"`
   every call may be made again, or its effect read: a repetition does nothing a second time.
3. A claim gives a run to one owner, with a fence that is higher than any before. Whoever holds an older fence can
   write nothing to that run any more, whatever it thinks of its lease. The lease runs on the ledger's own clock
   (PostgreSQL: the database's; SQLite: the machine's time since boot), never on a runner's idea of the time of day.
4. No two runs of a job are in the way of each other unless the later one's `line_up` is `allow`; this is judged
   where the claim is made, so that two runners cannot both find the way free.
5. When a move to `sending` returns, it survives a crash of everything: no request before that.
6. Nothing is read from a runner's clock but what is passed as `now`: occurrences, due times and history are in that
   time, leases are not.

A target is a text (`keys.target_name`), and nothing crosses from one to another: staging never suppresses production.
`Ledger` is what every backend offers; `Outbox` and `Archive` are apart because a backend without queries (git)
cannot give them cheaply. The SQL backends are a `FullLedger`. Any method may raise `LedgerFailure`
(`ledger/errors.py`); methods may be called from several threads. No call should carry more than about 1,000 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from interact_gitops.ledger.records import JobStanding, Notice, Pause, Run, RunLine, Transition
from interact_gitops.ledger.requests import (
    Added,
    Blocked,
    Cancelled,
    Decided,
    Decision,
    Delivered,
    Delivery,
    Hold,
    Move,
    Moved,
    NewRun,
    RunFilter,
)
from interact_gitops.ledger.states import State


class Ledger(Protocol):
    """What a runner needs. `by` and `owner` name who acts: a runner's own id, or a person."""

    # Deciding

    def jobs(self, target: str, keys: Sequence[str] | None = None) -> Mapping[str, JobStanding]:
        """Every job that the ledger knows (or those of `keys` that it knows): watermark, pause, failures in a row."""
        ...

    def decide(self, target: str, decisions: Sequence[Decision], *, by: str, now: datetime) -> Decided:
        """Moves watermarks, each if it is still the one that was read, and adds the runs decided with it.

        A run that is there already, under its key or as the same occurrence of the job, stays as it is.
        """
        ...

    def add(
        self, target: str, runs: Sequence[NewRun], *, by: str, now: datetime, reopen: bool = False
    ) -> tuple[Added, ...]:
        """Adds manual, API and backfill runs; in the order given. With `reopen`, one that is there as missed or
        skipped is planned again; anything that was sent stays as it is."""
        ...

    # Claiming

    def claim(
        self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime,
        keys: Sequence[str] | None = None,
    ) -> tuple[Run, ...]:  # fmt: skip
        """Up to `limit` due runs (of `keys` alone, when given) that may start, scheduled first; claimed for `owner`.

        None while the target is held; none that is past its `start_by`, of a paused job's schedule, or whose way
        is not free. Count the lease from before the call.
        """
        ...

    def blocked(self, target: str, *, limit: int, now: datetime) -> tuple[Blocked, ...]:
        """Due runs that will not start, each with the reason: the runner moves them to missed or skipped."""
        ...

    def take_over(self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime) -> tuple[Run, ...]:
        """Up to `limit` runs whose lease ended or was given back, in whatever state they are; now `owner`'s."""
        ...

    def renew(self, target: str, holds: Sequence[Hold], *, owner: str, lease_seconds: float) -> tuple[str, ...]:
        """The keys whose lease now lasts `lease_seconds` longer from here; what is missing is lost to another."""
        ...

    def release(self, target: str, holds: Sequence[Hold], *, owner: str) -> None:
        """Ends leases now, for others to take over; the runs' states stay."""
        ...

    # Moving on

    def move(self, target: str, moves: Sequence[Move], *, by: str, now: datetime) -> Moved:
        """Makes steps, each by itself; a second step of one run in the same call follows the first.

        To `sending` also needs a lease that outlasts the request. A success ends the job's failures in a row; a
        failed or timed-out run is one more. Raises `moves.IllegalMove` for a step that no run may make.
        """
        ...

    def cancel(self, target: str, keys: Sequence[str], *, by: str, reason: str, now: datetime) -> tuple[Cancelled, ...]:
        """Cancels what was not sent; asks the runner of what was (`Run.cancel_at`)."""
        ...

    def open_runs(self, target: str, *, owner: str | None = None) -> tuple[Run, ...]:
        """Runs that somebody answers for or must (claimed to running), oldest first; `owner`'s only, when given."""
        ...

    def runs(self, target: str, keys: Sequence[str]) -> tuple[Run, ...]:
        """Runs by key; unknown ones are left out."""
        ...

    def owners_of_chats(self, target: str, chats: Sequence[str]) -> Mapping[str, str]:
        """Which of these chats belong to which run (its key): the others may be adopted."""
        ...

    # Standing still

    def pause(
        self, target: str, job: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice] = ()
    ) -> bool:
        """Stops a job's schedule; false, and nothing written, when it was paused already."""
        ...

    def resume(self, target: str, job: str) -> bool:
        """Lets a job's schedule go on and forgets its failures in a row; false when it was not paused."""
        ...

    def hold(self, target: str, *, by: str, reason: str, now: datetime, notices: Sequence[Notice] = ()) -> bool:
        """Stops all claims for a target that refuses us; false, and nothing written, when it was held already."""
        ...

    def lift(self, target: str) -> bool:
        """Ends the hold; false when there was none."""
        ...

    def held(self, target: str) -> Pause | None:
        """The target's hold, if there is one."""
        ...

    # Jobs that come and go

    def rename(self, target: str, was: str, becomes: str, *, now: datetime) -> bool:
        """Carries watermark, pause, failures and every run over to a job's new key; run keys stay.

        False when nothing is known of `was`. The later watermark counts if both have one.
        """
        ...

    def forget(self, target: str, job: str, *, by: str, reason: str, now: datetime) -> tuple[str, ...]:
        """Of a deleted job: cancels what was not sent, whose keys it returns, and drops watermark and pause.

        What was sent is followed to its end, and its history stays. A job of that key begins anew.
        """
        ...

    # Waiting and leaving

    def wait_for_work(self, seconds: float) -> bool:
        """Waits until another process may have added work, at most `seconds`; whether it may have."""
        ...

    def close(self) -> None:
        """Lets go of files and connections; leases stay until they end."""
        ...


class Outbox(Protocol):
    """Notices on their way: written with what they tell of, told at least once."""

    def alarms(self, target: str, *, limit: int, now: datetime) -> tuple[RunLine, ...]:
        """Runs whose `alarm_at` has come without a success and whose alarm was not rung."""
        ...

    def ring(self, target: str, keys: Sequence[str], notices: Sequence[Notice], *, now: datetime) -> tuple[str, ...]:
        """Marks alarms as rung and writes the notices of those (by `run_key`) that were not: their keys."""
        ...

    def notify(self, target: str, notices: Sequence[Notice], *, now: datetime) -> tuple[str, ...]:
        """Writes notices that belong to no run; the ids of those that are new."""
        ...

    def take_notices(
        self, target: str, *, owner: str, lease_seconds: float, limit: int, now: datetime
    ) -> tuple[Delivery, ...]:
        """Notices to be sent now, oldest first; nobody else gets them before the lease ends."""
        ...

    def settle_notices(self, target: str, results: Sequence[Delivered], *, owner: str, now: datetime) -> None:
        """What became of notices that were taken."""
        ...


class Archive(Protocol):
    """The ledger as people and tools read it."""

    def find(self, target: str, text: str, *, limit: int = 10) -> tuple[RunLine, ...]:
        """The run with this key, part key or chat id; else those whose key or chat id begins so, newest first."""
        ...

    def history(self, target: str, wanted: RunFilter) -> tuple[RunLine, ...]:
        """Runs of a target, newest occurrence first."""
        ...

    def transitions(self, target: str, key: str) -> tuple[Transition, ...]:
        """The steps of a run, oldest first."""
        ...

    def counts(self, target: str) -> Mapping[State, int]:
        """How many runs are in which state; states without a run are left out."""
        ...

    def late(self, target: str, *, now: datetime) -> tuple[int, datetime | None]:
        """How many runs are due and planned, and since when the oldest of them is due."""
        ...

    def targets(self) -> tuple[str, ...]:
        """Every target that the ledger knows."""
        ...

    def prune(self, target: str, *, older_than: timedelta, keep: timedelta, now: datetime, limit: int = 1_000) -> int:
        """Removes up to `limit` ended runs that are older than both durations, with their history; how many.

        `keep` is the longest catch-up window (`start_deadline`) of any job: a younger key could be decided again.
        Nothing goes that its job's watermark has not passed, and no watermark moves. Older occurrences of the job
        cannot be backfilled from then on: nobody knows any more whether they ran.
        """
        ...

    def prunable(self, target: str, *, older_than: timedelta, keep: timedelta, now: datetime) -> int:
        """How many runs `prune` would remove, called as often as it has to be."""
        ...

    def export(self, write: Callable[[str], object]) -> int:
        """Everything, as JSON lines of one moment, each given to `write` without its line end; how many."""
        ...

    def check(self) -> tuple[str, ...]:
        """What is wrong with the ledger, in plain lines; none when it is sound."""
        ...

    def describe(self) -> str:
        """Where the ledger is, without a password."""
        ...


class FullLedger(Ledger, Outbox, Archive, Protocol):
    """A ledger with queries: SQLite and PostgreSQL."""
