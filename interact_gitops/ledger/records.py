"""What a ledger keeps, as values. Times are aware and UTC, kept to the millisecond; durations are seconds.

Texts that come from elsewhere (reasons, errors) are kept as they came but for what no database takes, cut to
`LONGEST_TEXT` characters; whoever prints them makes them visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from interact_gitops.jobs.model import Combination
from interact_gitops.ledger.states import ENDED, OPEN_PARTS, PartState, State

RunKind: TypeAlias = Literal["schedule", "manual", "api", "backfill"]
LineUp: TypeAlias = Literal["skip", "queue_one", "allow", "serial"]
"""How a run stands to others of its job: the job's `overlap`, or `serial`, one after the other, for backfills and
`catch_up: all` whatever the job's overlap says."""

PRIORITIES: Mapping[RunKind, int] = {"schedule": 0, "manual": 1, "api": 1, "backfill": 2}
"""Lower goes first: nobody's manual run delays a scheduled one."""
LONGEST_TEXT = 2_000


def stored_text(text: str) -> str:
    """A text as every database takes it: no NUL, no half of a surrogate pair, not longer than LONGEST_TEXT."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    return clean if len(clean) <= LONGEST_TEXT else clean[: LONGEST_TEXT - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell, kept until told. `id` is its identity: the same notice written twice is one.

    `channel` and `body` (JSON text) are the sender's business.
    """

    id: str
    channel: str
    topic: str
    body: str
    run_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One chat of a run: its parameters, and the chat of the newest attempt that it was part of."""

    ordinal: int
    parameters: Combination
    state: PartState = "planned"
    attempt: int = 1
    chat: str | None = None
    error: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger has it. `seq` is the order of adding.

    `attempt` is the one being made, or to be made next; `payload` its frozen request, from the first intent on.
    `retrying`: between two attempts, and still in the way of others. `exclusive`: never beside another of its job.
    `fence` grows with every claim and take-over; only its newest holder, `owner`, may write while the run is owned.
    `sent_at` and `send_by` frame the request that is or was under way; `leased_until` is for people to read.
    """

    seq: int
    key: str
    job: str
    kind: RunKind
    occurrence: datetime | None
    scheduled_at: datetime
    due_at: datetime
    start_by: datetime | None
    alarm_at: datetime | None
    priority: int
    line_up: LineUp
    exclusive: bool
    fan_out: bool
    max_parallel: int | None
    timeout: int
    max_attempts: int
    backoff: int
    definition_hash: str
    git_commit: str | None
    requested_by: str | None
    created_at: datetime
    state: State
    attempt: int
    retrying: bool
    fence: int
    owner: str | None
    leased_until: datetime | None
    payload: str | None = field(repr=False)
    remote_job: str | None
    sent_at: datetime | None
    send_by: datetime | None
    triggered_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    in_the_way: str | None
    cancel_at: datetime | None
    cancel_by: str | None
    cancel_reason: str | None
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in ENDED

    @property
    def open_parts(self) -> tuple[Part, ...]:
        """The chats that have not ended: what an attempt sends, and a follower looks at."""
        return tuple(part for part in self.parts if part.state in OPEN_PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step that a run made: when, by whom (a runner, or a person), and why."""

    at: datetime
    was: State | None
    state: State
    attempt: int
    fence: int
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Occurrences of `schedule` (its text, opaque here) are decided up to and including `until`."""

    schedule: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why a job's schedule, or a whole target, stands still; by whom and since when."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """What the ledger knows of a job. `failures` counts failed and timed-out runs since the last success or resume;
    `succeeded_at` is when its newest successful run ended. Of occurrences up to `pruned_until` nobody knows any more
    whether they ran."""

    job: str
    watermark: Watermark | None
    pause: Pause | None
    failures: int
    succeeded_at: datetime | None
    pruned_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list. `chats` counts its parts by state; `chat` is the only or the first one's id."""

    seq: int
    key: str
    job: str
    kind: RunKind
    state: State
    attempt: int
    scheduled_at: datetime
    created_at: datetime
    triggered_at: datetime | None
    ended_at: datetime | None
    owner: str | None
    definition_hash: str
    git_commit: str | None
    requested_by: str | None
    reason: str | None
    in_the_way: str | None
    chat: str | None
    chats: Mapping[str, int]
