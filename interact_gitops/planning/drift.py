"""What was changed on a target since the last apply there. Pure: no reading, no writing, no clock.

Apply leaves the hash of what it wrote beside each job (`appliedHash`), and none on the tombstone of a job that it
deletes. So drift needs no memory of ours: a job that is no longer what its applied hash says, or a tombstone that
still has one. The hash is computed here from the job's own body; the target's word for it counts for nothing.
Git is asked for two things only: which fields they are, where git still says what was applied, and whether
anybody still wants it: what git says too by now, or no longer has, is nobody's concern.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from interact_gitops.errors import SelectionInvalid, did_you_mean
from interact_gitops.interact.channels import RemoteChannel
from interact_gitops.interact.records import RemoteJob, read_time
from interact_gitops.jobs.channels import channel_hash
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.selectors import Selector, parse_selectors
from interact_gitops.jobs.wire import FIELDS, definition_hash, job_to_wire
from interact_gitops.planning.diff import changed_fields
from interact_gitops.planning.plan import FieldChange, Kind
from interact_gitops.planning.remote import read_definition

What = Literal["changed", "deleted", "unapplied"]
ORDER: tuple[What, ...] = ("deleted", "changed", "unapplied")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One resource that is no longer as apply left it; `unapplied`: it has our mark, and apply never wrote it.

    `at` is when it was changed last or deleted, as the target tells; `commit` the one that was applied. `fields` go
    from what was applied to what is there now; None where that cannot be told, because git has moved on.
    """

    what: What
    kind: Kind = "job"
    key: str
    name: str
    remote_id: str
    at: datetime | None = None
    commit: str | None = None
    path: str | None = None
    line: int | None = None
    fields: tuple[FieldChange, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmanaged:
    """A job there that nobody manages."""

    key: str
    name: str
    remote_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """All that is to be said of a target: `drifted` counts, the rest is for information.

    `converged` are keys of jobs that were changed there into what git says by now. `as_applied` counts our jobs that
    are untouched, `foreign` those with another mark. `definitions_known` is false when there was no whole, valid tree:
    deletions count then even where git agrees.
    """

    target: str
    managed_by: str
    drifted: tuple[Drifted, ...]
    converged: tuple[str, ...]
    unmanaged: tuple[Unmanaged, ...]
    as_applied: int
    foreign: int
    definitions_known: bool

    def count(self, what: What) -> int:
        """How many drifted in this way."""
        return sum(one.what == what for one in self.drifted)


def find_drift(
    remote: Iterable[RemoteJob],
    tombstones: Iterable[RemoteJob],
    *,
    managed_by: str,
    target: str,
    definitions: Sequence[Definition] | None = None,
    whole: bool = True,
    select: Sequence[str] = (),
) -> Drift:
    """The drift of the jobs that carry the mark `managed_by`. `definitions` is None when the tree cannot be used, and
    not `whole` when they are a part of it; `select` narrows the answer to keys.

    Raises UnexpectedAnswer for a job of ours that cannot be read, SelectionInvalid for selectors that name no key.
    """
    there, stones = sorted(remote, key=lambda job: job.key), list(tombstones)
    git = _Git.of(definitions, whole=whole)
    known = {*(job.key for job in (*there, *stones)), *git.by_name}
    chosen = _chooser(select, known)
    there = [job for job in there if chosen(job.key)]
    ours = [job for job in there if job.managed_by == managed_by]
    live = {job.key for job in ours}
    drifted = list(_deleted((s for s in stones if s.managed_by == managed_by and chosen(s.key)), live, git))
    converged: list[str] = []
    for job in ours:
        if _is_plainly_applied(job):
            continue
        wire = read_definition(job)
        now = definition_hash(wire)
        if now in git.by_hash:
            converged += [job.key] if now != job.applied_hash else []
        elif now != job.applied_hash:
            drifted.append(_changed(job, wire, git))
    return Drift(
        target=target,
        managed_by=managed_by,
        drifted=_in_order(drifted),
        converged=tuple(converged),
        unmanaged=tuple(
            Unmanaged(key=job.key, name=job.name, remote_id=job.id) for job in there if job.managed_by is None
        ),
        as_applied=len(ours) - len(converged) - sum(one.what != "deleted" for one in drifted),
        foreign=sum(job.managed_by not in {None, managed_by} for job in there),
        definitions_known=git.known,
    )


def with_channels(
    drift: Drift, remote: Iterable[RemoteChannel], differing: Container[str], declared: Container[str]
) -> Drift:
    """The drift with its channels: those of ours that are no longer as applied, and that apply would mend (their
    names are in `differing`) or that are not `declared` any more. What git says too by now is nobody's concern."""
    found = [
        Drifted(
            what="changed" if channel.applied_hash else "unapplied",
            kind="channel",
            key=channel.name,
            name=channel.name,
            remote_id=channel.id,
        )
        for channel in remote
        if channel.managed_by == drift.managed_by
        and channel_hash(channel.definition) != channel.applied_hash
        and (channel.name in differing or channel.name not in declared)
    ]
    return replace(drift, drifted=_in_order([*drift.drifted, *found]))


def _in_order(drifted: Iterable[Drifted]) -> tuple[Drifted, ...]:
    return tuple(sorted(drifted, key=lambda one: (ORDER.index(one.what), one.kind, one.key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Git:
    """The definitions by what finds them: the hash of what they declare, and every name that they have or had."""

    known: bool
    by_hash: Mapping[str, Definition]
    by_name: Mapping[str, Definition]

    @staticmethod
    def of(definitions: Sequence[Definition] | None, *, whole: bool) -> _Git:
        found = definitions or ()
        earlier = {name: one for one in found for name in one.job.moved_from}
        return _Git(
            known=definitions is not None and whole,
            by_hash={definition_hash(job_to_wire(one.job)): one for one in found},
            by_name={**earlier, **{one.job.key: one for one in found}},
        )


def _changed(job: RemoteJob, wire: Mapping[str, object], git: _Git) -> Drifted:
    applied = git.by_hash.get(job.applied_hash or "")
    fields = None
    if applied is not None:
        left = set(applied.job.ignore_changes)
        names = [wire_name for name, wire_name in FIELDS.items() if name not in left]
        fields = changed_fields(job_to_wire(applied.job), wire, names)
    file = applied or git.by_name.get(job.key)
    commit, source = job.raw.get("commit"), job.raw.get("sourcePath")
    return Drifted(
        what="unapplied" if job.applied_hash is None else "changed",
        key=job.key,
        name=job.name,
        remote_id=job.id,
        at=read_time(job.raw.get("updatedAt")),
        commit=commit if isinstance(commit, str) else None,
        path=file.path if file else source if isinstance(source, str) else None,
        line=file.position.line if file else None,
        fields=fields,
    )


def _deleted(stones: Iterable[RemoteJob], live: set[str], git: _Git) -> Iterable[Drifted]:
    """The jobs that somebody deleted and git still has. Of several deletions of one key the last one counts."""
    last: dict[str, RemoteJob] = {}
    for stone in sorted(stones, key=lambda stone: read_time(stone.raw.get("deletedAt")) or _LONG_AGO):
        last[stone.key] = stone
    for stone in last.values():
        wanted = git.by_name.get(stone.key)
        names = {stone.key, *((wanted.job.key, *wanted.job.moved_from) if wanted else ())}
        if stone.applied_hash is None or names & live or (git.known and wanted is None):
            continue
        yield Drifted(
            what="deleted",
            key=stone.key,
            name=stone.name,
            remote_id=stone.id,
            at=read_time(stone.raw.get("deletedAt")),
            path=wanted.path if wanted else None,
            line=wanted.position.line if wanted else None,
        )


def _is_plainly_applied(job: RemoteJob) -> bool:
    """Whether a body has every field, and is what was applied: nearly every job, and a quick look at it."""
    try:
        return definition_hash(job.raw) == job.applied_hash
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def _chooser(texts: Sequence[str], known: Iterable[str]) -> Callable[[str], bool]:
    """Which keys the selectors name. Drift is about the target, which knows keys and no files or labels of git."""
    selectors = parse_selectors(texts)
    keys = sorted(known)
    for selector in selectors:
        _demand_key(selector, keys)
    wanted = [selector for selector in selectors if not selector.exclude]
    return lambda key: (
        (not wanted or any(one.names(key) for one in wanted))
        and not any(one.exclude and one.names(key) for one in selectors)
    )


def _demand_key(selector: Selector, keys: Sequence[str]) -> None:
    if selector.kind != "key":
        said = f"drift selects by key, not by {selector.kind}: the target does not know what git says"
        raise SelectionInvalid(said, remedy="write keys or globs, such as weekly-*")
    if not selector.exclude and not any(selector.names(key) for key in keys):
        remedy = did_you_mean(selector.pattern, keys) or "leave out --select to see every job"
        raise SelectionInvalid(f"no job matches {selector.pattern!r}", remedy=remedy)
