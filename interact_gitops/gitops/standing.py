"""How the loop stands, as data: what it saw, what it did, what holds it, and when it looks again.

Sync says whether the target is what git says, health whether the loop can do its work; each with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from interact_gitops.gitops.proposal import Fight, Name
from interact_gitops.gitops.source import Commit
from interact_gitops.planning.plan import Kind

Sync = Literal["Synced", "OutOfSync", "Unknown"]
Health = Literal["Healthy", "Progressing", "Degraded", "Suspended"]
ItemState = Literal["pending", "drifted", "fighting", "failed", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that is not what git says: its value on the target and in git, as short texts; None where there is
    none."""

    field: str
    target: str | None
    git: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A job or channel that is not what git says, and why it is left so. `mark` is the identity of a difference that
    people made, `fields` the first of what differs."""

    kind: Kind = "job"
    key: str
    state: ItemState
    reason: str
    mark: str = ""
    fields: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Writes that wait for somebody: `release` is the command that lets them through. `digest` is the plan's, where a
    plan is what waits."""

    reason: str
    release: str
    digest: str | None = None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that the loop knows of itself. Times are in UTC.

    `head` is what the branch was at, `good` the last commit that could be used: the runner works from it. `applied`
    is the last commit that was written whole. `counts` are the writes of the last pass that wrote, by action.
    `told` are the identities of what was told already, newest last.
    """

    repository: str
    branch: str
    target: str
    managed_by: str
    head: Commit | None = None
    signature: str | None = None
    good: Commit | None = None
    applied: str | None = None
    sync: Sync = "Unknown"
    sync_reason: str = "it has not been looked at yet"
    health: Health = "Progressing"
    health_reason: str = "the first pass is under way"
    jobs: int = 0
    items: tuple[Item, ...] = ()
    hold: Hold | None = None
    problems: tuple[str, ...] = ()
    passed_at: datetime | None = None
    succeeded_at: datetime | None = None
    wrote_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    compared_at: datetime | None = None
    seconds: float = 0.0
    failures: int = 0
    next_at: datetime | None = None
    fights: Mapping[Name, Fight] = field(default_factory=dict)
    told: tuple[str, ...] = ()
