"""What differs between the definitions and a target. Pure: no reading, no writing, no clock.

Both sides are brought into one form with every default filled, and compared as canonical JSON, so that a
server's own defaults or the order of a map never show as a change, and 2 and 2.0 or true and 1 always do.
Jobs that are not ours are never read.
"""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interact_gitops.errors import Failure, did_you_mean
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.wire import FIELDS, UNORDERED, canonical_json, definition_hash, job_to_wire, unordered
from interact_gitops.planning.plan import Change, FieldChange, Plan, in_order
from interact_gitops.planning.remote import read_definition

SCHEDULE_ENABLED = "scheduleEnabled"
_COMPARED = (*FIELDS.values(), SCHEDULE_ENABLED)
_ABSENT = object()
_PLAIN_MARSHAL = 0  # the version that writes each text out, whether or not it is shared


def diff(
    definitions: Sequence[Definition],
    remote: Iterable[RemoteJob],
    *,
    managed_by: str,
    commit: str | None,
    target: str,
    schedule_enabled: bool = True,
    prune: bool = True,
    adopt: frozenset[str] = frozenset(),
    agents: frozenset[str] | None = None,
) -> Plan:
    """The plan that brings `remote` in line with `definitions`.

    `managed_by` is our ownership mark: jobs with another, or none, are never changed, except that a
    definition whose key is in `adopt` takes over a job that nobody manages. `schedule_enabled`: whether the
    target evaluates schedules itself. `agents`: the slugs that the target knows, where it said; a definition with
    another one is refused. `commit` and the files' paths travel with writes, and are no reason for one.

    Raises UnexpectedAnswer for a job of ours on the target whose definition cannot be read, Failure where
    several jobs there have one key.
    """
    there = sorted(remote, key=lambda job: job.key)
    ours = {job.key: job for job in there if job.managed_by == managed_by}
    mark = _Mark(
        managed_by=managed_by, commit=commit, schedule_enabled=schedule_enabled, adopt=adopt, agents=agents
    )  # fmt: skip
    _demand_one_each(there, {*ours, *(definition.job.key for definition in definitions)})
    matched: set[str] = set()
    changes: list[Change] = []
    for definition, found in _matches(definitions, {job.key: job for job in there}, ours):
        change = _with_known_agent(_change(definition, found, mark), mark.agents)
        if found is not None:
            matched.add(found.key)
        if change is not None:
            changes.append(change)
            if change.action == "refused":
                matched.update(definition.job.moved_from)  # what it was to replace stays
    unchanged = len(definitions) - len(changes)
    if prune:
        changes += [_removal(job) for key, job in ours.items() if key not in matched]
    return Plan(
        target=target,
        managed_by=managed_by,
        changes=in_order(changes),
        unchanged=unchanged,
        managed=len(ours),
        unmanaged=len([job for job in there if job.key not in ours and job.key not in matched]),
        definitions=len(definitions),
        prune=prune,
    )


def wire_definition(job: RemoteJob) -> dict[str, Any]:
    """A remote job's definition in the one form that both sides are compared in. Raises UnexpectedAnswer."""
    return {**read_definition(job), SCHEDULE_ENABLED: job.schedule_enabled}


def _demand_one_each(there: Sequence[RemoteJob], wanted: set[str]) -> None:
    """Keys are unique in an organisation; where they are not, nobody can say which job is meant."""
    twice = sorted(key for key, count in Counter(job.key for job in there).items() if count > 1 and key in wanted)
    if twice:
        raise Failure(f"the target has several jobs with the key {twice[0]}", remedy="delete all but one of them there")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What every job that we write gets beside its definition, and which foreign ones we may take over."""

    managed_by: str
    commit: str | None
    schedule_enabled: bool
    adopt: frozenset[str]
    agents: frozenset[str] | None


def _matches(
    definitions: Sequence[Definition], by_key: Mapping[str, RemoteJob], ours: Mapping[str, RemoteJob]
) -> list[tuple[Definition, RemoteJob | None]]:
    """Each definition, by key, with the remote job that it means: the one with its key, else one of ours under
    an earlier key. No remote job is meant twice, and a job's own key counts before another's earlier one."""
    taken = {definition.job.key for definition in definitions}
    matches: list[tuple[Definition, RemoteJob | None]] = []
    for definition in sorted(definitions, key=lambda d: d.job.key):
        found = by_key.get(definition.job.key)
        if found is None:
            earlier = next((k for k in definition.job.moved_from if k in ours and k not in taken), None)
            if earlier is not None:
                taken.add(earlier)
                found = ours[earlier]
        matches.append((definition, found))
    return matches


def _change(definition: Definition, found: RemoteJob | None, mark: _Mark) -> Change | None:
    job = definition.job
    place: dict[str, Any] = {
        "key": job.key, "name": job.name, "path": definition.path, "line": definition.position.line
    }  # fmt: skip
    after = {**job_to_wire(job), SCHEDULE_ENABLED: mark.schedule_enabled}
    if found is None:
        return Change(action="create", after=after, body=_body(after, definition, mark), **place)
    adopted = found.managed_by is None and job.key in mark.adopt
    if found.managed_by != mark.managed_by and not adopted:
        reason, remedy = _not_ours(found, mark.managed_by)
        return Change(action="refused", remote_id=found.id, after=after, reason=reason, remedy=remedy, **place)
    if not adopted and _is_plainly(found, after):
        return None
    before = wire_definition(found)
    for name in job.ignore_changes:
        after[FIELDS[name]] = before[FIELDS[name]]
    fields = changed_fields(before, after)
    if not adopted and not fields:
        return None
    return Change(
        action="adopt" if adopted else "update" if found.key == job.key else "move",
        remote_id=found.id, etag=found.etag, before=before, after=after,
        body=_body(after, definition, mark), fields=fields, **place,
    )  # fmt: skip


def _with_known_agent(change: Change | None, agents: frozenset[str] | None) -> Change | None:
    """The change, refused when it names an agent that the target does not have."""
    if change is None or change.after is None or change.action == "refused" or agents is None:
        return change
    slug = str(change.after["agent"]["slug"])
    if slug in agents:
        return change
    remedy = did_you_mean(slug, sorted(agents)) or f"the agents there: {', '.join(sorted(agents)) or 'none'}"
    return replace(
        change, action="refused", body=None, fields=(), reason=f"the target has no agent {slug!r}", remedy=remedy
    )  # fmt: skip


def changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Iterable[str] = _COMPARED
) -> tuple[FieldChange, ...]:
    """The fields, of those named, in which two wire definitions differ."""
    return tuple(
        FieldChange(field=name, before=before[name], after=after[name])
        for name in names
        if not _same(name, before[name], after[name])
    )


def _is_plainly(job: RemoteJob, after: dict[str, Any]) -> bool:
    """Whether a body says word for word what we say, which spares nearly every job the long way."""
    said = {name: job.raw.get(name, _ABSENT) for name in after}
    said |= {"agent": {"slug": job.raw["agent"].get("slug")}, SCHEDULE_ENABLED: job.schedule_enabled}
    # Equality takes 1, 1.0 and true for one; marshal does not, at a third of what repr costs.
    return said == after and marshal.dumps(said, _PLAIN_MARSHAL) == marshal.dumps(after, _PLAIN_MARSHAL)


def _exactly(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; true is not 1, and 1 is not 1.0."""
    return one == other and (repr(one) == repr(other) or canonical_json(one) == canonical_json(other))


def _same(name: str, before: Any, after: Any) -> bool:
    if name in UNORDERED:
        before, after = unordered(before), unordered(after)
    return _exactly(before, after)


def _body(after: Mapping[str, Any], definition: Definition, mark: _Mark) -> dict[str, Any]:
    """What is sent: the definition, who manages it, and where it comes from."""
    return {
        **after,
        "managedBy": mark.managed_by,
        "commit": mark.commit,
        "sourcePath": definition.path,
        "appliedHash": definition_hash(after),
    }


def _not_ours(found: RemoteJob, ours: str) -> tuple[str, str]:
    if found.managed_by is None:
        return "a job with this key is there already, and nobody manages it", f"take it over with --adopt {found.key}"
    return f"it is managed by {found.managed_by!r}, not by {ours!r}", "choose another key, or remove it there first"


def _removal(job: RemoteJob) -> Change:
    before = wire_definition(job)
    if job.protect:
        return Change(
            action="refused", key=job.key, name=job.name, remote_id=job.id, before=before,
            reason="its file is gone, but the job is protected",
            remedy="bring the file back; to delete it, apply it once with `protect: false`",
        )  # fmt: skip
    return Change(action="delete", key=job.key, name=job.name, remote_id=job.id, etag=job.etag, before=before)
