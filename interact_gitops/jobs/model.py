"""A job and its parts, as values. Durations are whole seconds; defaults are filled.

The shape comes from `schema/job.schema.json`; `files.py` makes a Job of a checked file document,
`wire.py` of an API body. A test compares the defaults below with the schema's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from interact_gitops.errors import Position
from interact_gitops.schedule import Schedule

Scalar = str | int | float | bool
Combination = Mapping[str, Scalar]
Overlap = Literal["skip", "queue_one", "allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One question (a template) and, optionally, the verified query that answers it."""

    text: str
    query: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """What a plain run runs, as written; `fan_out.expand` gives the combinations."""

    matrix: Mapping[str, tuple[Scalar, ...]] | None = None
    exclude: tuple[Combination, ...] = ()
    include: tuple[Combination, ...] = ()
    combinations: tuple[Combination, ...] | None = None
    max_parallel: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Attempts in all, and the wait before the next in seconds."""

    max_attempts: int
    backoff: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One channel attached to a job, by name.

    Failed runs are told from the `after_failures`-th in a row on; with `on_recovery`, so is the first run that
    completes after failures that were told.
    """

    channel: str
    topics: tuple[str, ...] = ("failed_run", "anomaly")
    after_failures: int = 1
    on_recovery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. `parameters` maps a name to its JSON Schema (scalar type, plus `default`)."""

    key: str
    name: str
    agent: str
    prompts: tuple[Prompt, ...]
    description: str | None = None
    owner: str | None = None
    parameters: Mapping[str, Mapping[str, Any]]
    fan_out: FanOut | None = None
    schedule: Schedule | None = None
    overlap: Overlap = "skip"
    pause_after_failures: int = 0
    timeout: int = 1_800
    grace: int = 900
    retries: Retries | None = None
    notifications: tuple[Notification, ...] = ()
    enabled: bool = True
    labels: Mapping[str, str]
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    moved_from: tuple[str, ...] = ()
    id: str | Mapping[str, str] | None = None
    agent_id: str | Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A job as read from a tree: the job, its file (relative, with `/`) and where its document begins."""

    job: Job
    path: str
    position: Position
