"""A plan as data: it can be compared, printed, and saved; nothing in it does anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from interact_gitops.jobs.wire import canonical_json

Action = Literal["delete", "update", "move", "adopt", "create", "refused"]
Kind = Literal["job", "channel"]
WRITES: tuple[Action, ...] = ("create", "update", "move", "adopt", "delete")
# Grouped as people read a plan: what is lost first, and what needs them last.
ORDER: tuple[Action, ...] = ("delete", "update", "move", "adopt", "create", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One wire field of a job, before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One job's change. `before` and `after` are wire definitions with `scheduleEnabled`; `body` is what is sent.

    `key` is the job's key after the change (before it, for a delete), and names at most one change of a plan;
    `path` and `line` say where its file is. `etag` is what the write must match: the job as it was read.
    A refused change is never sent: `reason` says why, `remedy` what to do. `notes` are what a reader must know
    beside it, such as that a secret could not be compared.
    """

    action: Action
    kind: Kind = "job"
    key: str
    name: str
    path: str | None = None
    line: int | None = None
    remote_id: str | None = None
    etag: str | None = None
    before: Mapping[str, Any] | None = field(default=None, repr=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str | None = None
    remedy: str | None = None

    @property
    def place(self) -> str:
        """`jobs.d/a.yaml:3`, or where a job without a file comes from."""
        return f"{self.path}:{self.line}" if self.path else "(no file)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that apply would do to one target, in a stable order, and what it would leave alone.

    `managed` counts the jobs there that carry our mark now, `unmanaged` those that no change concerns and that
    carry none, or another. `definitions` counts the jobs in the files; `prune` says whether jobs whose file is
    gone are deleted. Channels count in `changes` and `unchanged`, and those that carry our mark in
    `managed_channels`. `notes` say what was not compared. `between`: two trees were compared, and
    `target` names them.
    """

    target: str
    managed_by: str
    changes: tuple[Change, ...]
    unchanged: int
    managed: int
    unmanaged: int
    definitions: int
    prune: bool
    managed_channels: int = 0
    notes: tuple[str, ...] = ()
    between: bool = False

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that are sent: all but the refused ones."""
        return tuple(change for change in self.changes if change.action != "refused")

    def count(self, *actions: Action, kind: Kind | None = None) -> int:
        """How many changes, of one kind or all, have one of these actions."""
        return sum(change.action in actions and kind in {None, change.kind} for change in self.changes)

    @property
    def digest(self) -> str:
        """64 hex digits over the target and the changes: the same plan has the same digest, whatever the names of
        its files, the commit or the time (cli.md, Apply)."""
        return digest(self.target, ((c.kind, c.key, c.action, c.before, c.after) for c in self.changes))


def digest(
    target: str, changes: Iterable[tuple[str, str, str, Mapping[str, Any] | None, Mapping[str, Any] | None]]
) -> str:
    """A plan's digest, of its target and each change's kind, key, action, before and after."""
    rows = sorted([kind, key, action, _hash(before), _hash(after)] for kind, key, action, before, after in changes)
    return hashlib.sha256(canonical_json([target, rows]).encode()).hexdigest()


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The one order in which changes are shown and saved: by action, channels before jobs, by key."""
    return tuple(sorted(changes, key=lambda change: (ORDER.index(change.action), change.kind, change.key)))


def _hash(definition: Mapping[str, Any] | None) -> str:
    return "" if definition is None else hashlib.sha256(canonical_json(definition).encode()).hexdigest()
