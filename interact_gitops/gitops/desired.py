"""What a commit says should be on the target: definitions and channels, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from interact_gitops.gitops.proposal import Name
from interact_gitops.gitops.revision import Revision
from interact_gitops.gitops.windows import Window
from interact_gitops.jobs.channels import Channel
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.sharing import Known
from interact_gitops.planning.guards import Guards


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A commit that can be used. `managed_by` is the mark of what it owns; `known` is its tree, with which the next
    commit's is compared."""

    commit: str
    managed_by: str
    definitions: Sequence[Definition]
    channels: Sequence[Channel] = field(repr=False)
    guards: Guards
    windows: Sequence[Window] = ()
    known: Known = field(repr=False)


# Reads a commit beside the one that was read before it. Raises Failure: DefinitionsInvalid, ConfigurationInvalid.
Read: TypeAlias = Callable[[Revision, Desired | None], Desired]


def changed_between(before: Desired, after: Desired) -> frozenset[Name]:
    """The jobs and channels that differ between two commits, removed ones included. Where a job's file is, and on
    which line, makes no difference."""
    found: set[Name] = set()
    was = {d.job.key: d.job for d in before.definitions}
    now = {d.job.key: d.job for d in after.definitions}
    found |= {("job", key) for key in was.keys() ^ now.keys()}
    # Most jobs of a commit are the very objects of the one before it.
    found |= {("job", key) for key in was.keys() & now.keys() if was[key] is not now[key] and was[key] != now[key]}
    had, has = _by_name(before.channels), _by_name(after.channels)
    found |= {("channel", name) for name in had.keys() | has.keys() if had.get(name) != has.get(name)}
    return frozenset(found)


def _by_name(channels: Sequence[Channel]) -> Mapping[str, tuple[object, ...]]:
    return {c.name: (c.type, c.level, c.topics, c.to, sorted(c.secrets.items())) for c in channels}
