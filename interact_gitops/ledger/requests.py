"""What a ledger is asked for, and what it answers, as values. Times and texts as in `records`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from interact_gitops.jobs.model import Combination
from interact_gitops.ledger.records import LineUp, Notice, Run, RunKind, Watermark
from interact_gitops.ledger.states import PartState, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notice taken for sending; `tries` counts earlier ones."""

    notice: Notice
    tries: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of sending a notice: told, given up, or to be tried again at `again_at`."""

    id: str
    outcome: Literal["told", "given_up", "again"]
    again_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be added, with everything that it needs later frozen in it: a job's file may change or go.

    `combinations` are the chats' parameters: exactly one without `fan_out`. `occurrence` is set for kinds schedule
    and backfill, and names the run beside its key: two rows of one job never share one. `start_by` is the last
    instant at which it may start, `alarm_at` when a run without success is worth an alarm; None for neither.
    A run that is decided against is added too, as `missed` or `skipped_overlap`, with the reason.
    `notices` are written only if the run is new.
    """

    key: str
    job: str
    kind: RunKind
    scheduled_at: datetime
    due_at: datetime
    combinations: tuple[Combination, ...]
    definition_hash: str
    git_commit: str | None = None
    line_up: LineUp = "skip"
    fan_out: bool = False
    max_parallel: int | None = None
    timeout: int = 1_800
    max_attempts: int = 1
    backoff: int = 300
    start_by: datetime | None = None
    alarm_at: datetime | None = None
    requested_by: str | None = None
    state: Literal["planned", "missed", "skipped_overlap"] = "planned"
    reason: str | None = None
    in_the_way: str | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def occurrence(self) -> datetime | None:
        """The instant of the schedule that this run is for."""
        return self.scheduled_at if self.kind in {"schedule", "backfill"} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """That a request is about to go out: its body, frozen, and its time.

    `seconds` is how long sending may take in all. The intent is refused when the lease does not last so much
    longer: whoever takes over must find no request still under way. `remote_job` is the job's id at the target.
    """

    payload: str
    sent_at: datetime
    seconds: float
    remote_job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """News of one chat of a run; what is None stays. A chat id alone makes the part `triggered`."""

    ordinal: int
    state: PartState | None = None
    chat: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of one run: done if the run is still as it was read (`was`, `fence`, its owner), else not at all.

    `reason` says why, for people; the table of `states` has a plain one. To `planned`: `next_attempt` makes it a
    retry of what failed, `keep_way` leaves it in the way of others until then, `due_at` is the earliest start, and
    a run that had ended takes `start_by` from here. To `sending`: `intent`. To `skipped_overlap`: `in_the_way`.
    `notices` are written with the step or not at all.
    """

    key: str
    was: State
    fence: int
    to: State
    reason: str | None = None
    intent: Intent | None = None
    parts: tuple[PartChange, ...] = ()
    next_attempt: bool = False
    keep_way: bool = False
    due_at: datetime | None = None
    start_by: datetime | None = None
    in_the_way: str | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`done`: the runs after their steps. `lost`: keys whose run was no longer as it had been read, or whose chat
    belongs to another run; nothing of theirs was written."""

    done: tuple[Run, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a tick decides for one job: from the watermark that was read to the next, and the runs between them.

    Done whole, if the watermark is still the one that was read, or not at all. `becomes` is never before `was`.
    """

    job: str
    was: Watermark | None
    becomes: Watermark
    runs: tuple[NewRun, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`jobs`: whose decision was taken. `beaten`: jobs whose watermark somebody else had moved: read it again.
    `added`: keys of the runs that are new; others were there already."""

    jobs: tuple[str, ...] = ()
    beaten: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a run to be added: `new`; `reopened`, from missed or skipped; `known`, it is there, in
    `state`; `pruned`, so old that the ledger no longer knows whether it ran."""

    key: str
    outcome: Literal["new", "reopened", "known", "pruned"]
    state: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A due run that will not start, and why: past its `start_by`, another run `in_the_way` of one that does not
    wait, or a newer one waiting in its place. To be moved to missed or skipped_overlap."""

    run: Run
    why: Literal["too_late", "in_progress", "superseded"]
    in_the_way: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A claim as its holder knows it."""

    key: str
    fence: int

    @classmethod
    def of(cls, run: Run) -> Self:
        """The claim on a run as read."""
        return cls(key=run.key, fence=run.fence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What became of a wish to cancel: `done`, it had not been sent; `asked`, its runner will see to it;
    `ended` before; `unknown`, no such run."""

    key: str
    outcome: Literal["done", "asked", "ended", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs of a target, newest occurrence first; `since` ≤ scheduled_at < `until`."""

    job: str | None = None
    states: tuple[State, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
