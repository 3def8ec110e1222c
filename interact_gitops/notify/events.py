"""What happened, as values: a run that ended, or a remark of the machinery itself. Pure.

An event's `id` is the identity of what happened, not of a text: whoever tells of it keeps at most one message per id
and channel. Texts are as they came, from definitions, warehouses and models: nothing here is escaped yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from interact_gitops.jobs.model import Scalar

Level: TypeAlias = Literal["info", "warning", "error"]
Result: TypeAlias = Literal["completed", "failed", "cancelled"]
LEVELS: tuple[Level, ...] = ("info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An anomaly that the answer raised."""

    level: Level
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One chat of a run. `answer` in the marks of chats (`**bold**`, `- `, blank lines); `seconds` None: never ran."""

    chat_id: str
    result: Result
    parameters: Mapping[str, Scalar]
    answer: str = ""
    error: str | None = None
    remedy: str | None = None
    findings: tuple[Finding, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run is over. A fan-out is one run, and its combinations are `parts`: the first ones, those that need somebody
    before the others. `total` counts every chat by its result, `findings` every anomaly.

    `failures` in a row end with this run; `recovered_after` so many this run completed. Times are RFC 3339 in UTC,
    `seconds` go from the first start to the last end.
    """

    id: str
    time: str
    job_key: str
    job_name: str
    agent: str
    run_key: str
    trigger: str
    initiator: str
    scheduled_at: str
    fan_out: bool
    parts: tuple[Part, ...]
    total: Mapping[Result, int]
    findings: int = 0
    worst_finding: Level | None = None
    seconds: float
    failures: int = 0
    recovered_after: int = 0

    @property
    def result(self) -> Result:
        """The run's as a whole: one failed chat fails it, one cancelled chat cancels it."""
        return next((one for one in ("failed", "cancelled") if self.total.get(one)), "completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What is to be said beside runs: a test message, or that the machinery needs somebody. `title` is one line."""

    id: str
    time: str
    topic: str
    level: Level
    title: str
    text: str
    job_key: str | None = None
    run_key: str | None = None


Event: TypeAlias = RunEnded | Remark


def topics(result: Result, worst_finding: Level | None) -> dict[str, Level]:
    """What the end of a run is news of, each topic with its level. A cancelled run was somebody's wish and is no news,
    but for what it had found."""
    found: dict[str, Level] = {}
    if result == "failed":
        found["failed_run"] = "error"
    if worst_finding is not None:
        found["anomaly"] = worst_finding
    if result == "completed":
        found["completed_run"] = "info"
    return found
