"""What an import takes and gives, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from interact_gitops.jobs.model import Definition, Scalar
from interact_gitops.jobs.tree import SourceFile

Action = Literal["create", "update", "unchanged", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedJob:
    """What becomes of one job of the target.

    `path` is its file as people see it, `line` where its document begins there now. `fields` are those that are
    written, `unsaid` those that stay different because no file there can say them. A refused job is not written:
    `reason` and `remedy` say why. `ours`: it carries our mark.
    """

    key: str
    name: str
    action: Action
    ours: bool
    path: str | None = None
    line: int | None = None
    fields: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file to write: `path` is below the tree, `shown` as people see it; `before` is None for a new file."""

    path: PurePosixPath
    shown: str
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Everything that an import would write, and what it leaves alone.

    `missing` are the jobs that the files have and the target lacks; `foreign` (key, owner) those of other owners.
    """

    jobs: tuple[ImportedJob, ...]
    files: tuple[FileChange, ...]
    missing: tuple[Definition, ...]
    foreign: tuple[tuple[str, str | None], ...]

    def count(self, action: Action) -> int:
        """How many jobs end so."""
        return sum(job.action == action for job in self.jobs)

    @property
    def complete(self) -> bool:
        """Whether the files will say all that the target does."""
        return not any(job.action == "refused" or job.unsaid for job in self.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A valid tree of definitions as a target's variables make it; `shown` is its folder as people see it.

    `modeline` is the path of the job schema from a file at the top of the tree, where there is one.
    """

    files: Sequence[SourceFile]
    definitions: Sequence[Definition]
    variables: Mapping[str, Scalar]
    shown: str
    modeline: str | None = None
