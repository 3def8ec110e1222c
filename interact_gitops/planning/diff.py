"""What differs between the definitions and a target. Pure: no reading, no writing, no clock.

Both sides are brought into one form with every default filled, and compared field by field, so that a
server's own defaults or the order of a map never show as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.wire import FIELDS, canonical_json, definition_hash, job_from_wire, job_to_wire
from interact_gitops.planning.plan import ORDER, Change, FieldChange, Plan

SCHEDULE_ENABLED = "scheduleEnabled"


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
) -> Plan:
    """The plan that brings `remote` in line with `definitions`.

    `managed_by` is our ownership mark: jobs with another, or none, are never changed, except that a
    definition whose key is in `adopt` takes over a job that nobody manages. `schedule_enabled`: whether the
    target evaluates schedules itself.
    """
    there = sorted(remote, key=lambda job: job.key)
    by_key = {job.key: job for job in there}
    ours = {job.key: job for job in there if job.managed_by == managed_by}
    matched: set[str] = set()
    changes: list[Change] = []
    unchanged = 0
    for definition in sorted(definitions, key=lambda d: d.job.key):
        found, moved = _match(definition, by_key, ours)
        if found is not None:
            matched.add(found.key)
        change = _change(
            definition, found, moved=moved, managed_by=managed_by, commit=commit,
            schedule_enabled=schedule_enabled, adopt=adopt,
        )  # fmt: skip
        if change is None:
            unchanged += 1
        else:
            changes.append(change)
    if prune:
        changes += [_removal(job) for key, job in ours.items() if key not in matched]
    return Plan(
        target=target,
        managed_by=managed_by,
        changes=tuple(sorted(changes, key=lambda change: (ORDER.index(change.action), change.key))),
        unchanged=unchanged,
        managed=len(ours),
        unmanaged=len(there) - len(ours),
        definitions=len(definitions),
        prune=prune,
    )


def wire_definition(job: RemoteJob) -> dict[str, Any]:
    """A remote job's definition in the one form that both sides are compared in."""
    return job_to_wire(job_from_wire(job.raw))


def _match(
    definition: Definition, by_key: Mapping[str, RemoteJob], ours: Mapping[str, RemoteJob]
) -> tuple[RemoteJob | None, bool]:
    """The remote job that a definition means, and whether it is there under an earlier key."""
    if definition.job.key in by_key:
        return by_key[definition.job.key], False
    for earlier in definition.job.moved_from:
        if earlier in ours:
            return ours[earlier], True
    return None, False


def _change(
    definition: Definition,
    found: RemoteJob | None,
    *,
    moved: bool,
    managed_by: str,
    commit: str | None,
    schedule_enabled: bool,
    adopt: frozenset[str],
) -> Change | None:
    job = definition.job
    place: dict[str, Any] = {
        "key": job.key, "name": job.name, "path": definition.path, "line": definition.position.line
    }  # fmt: skip
    after = job_to_wire(job)
    if found is None:
        body = _body(after, definition, managed_by=managed_by, commit=commit, schedule_enabled=schedule_enabled)
        return Change(action="create", after=after, body=body, **place)
    before = wire_definition(found)
    if found.managed_by != managed_by and not (found.managed_by is None and job.key in adopt):
        reason, remedy = _not_ours(found)
        return Change(
            action="refused", remote_id=found.id, before=before, after=after, reason=reason, remedy=remedy, **place
        )
    for name in job.ignore_changes:
        after[FIELDS[name]] = before[FIELDS[name]]
    fields = _fields(before, after, found.schedule_enabled, schedule_enabled)
    adopted = found.managed_by is None
    if not fields and not adopted:
        return None
    body = _body(after, definition, managed_by=managed_by, commit=commit, schedule_enabled=schedule_enabled)
    return Change(
        action="adopt" if adopted else "move" if moved else "update",
        remote_id=found.id, etag=found.etag, before=before, after=after, body=body, fields=fields, **place,
    )  # fmt: skip


def _fields(
    before: Mapping[str, Any], after: Mapping[str, Any], enabled_there: bool, enabled: bool
) -> tuple[FieldChange, ...]:
    changed = [
        FieldChange(field=name, before=before[name], after=after[name])
        for name in FIELDS.values()
        if canonical_json(before[name]) != canonical_json(after[name])
    ]
    if enabled_there != enabled:
        changed.append(FieldChange(field=SCHEDULE_ENABLED, before=enabled_there, after=enabled))
    return tuple(changed)


def _body(
    wire: Mapping[str, Any], definition: Definition, *, managed_by: str, commit: str | None, schedule_enabled: bool
) -> dict[str, Any]:
    """What is sent: the definition, who manages it, and where it comes from."""
    return {
        **wire,
        SCHEDULE_ENABLED: schedule_enabled,
        "managedBy": managed_by,
        "commit": commit,
        "sourcePath": definition.path,
        "appliedHash": definition_hash(wire),
    }


def _not_ours(found: RemoteJob) -> tuple[str, str]:
    if found.managed_by is None:
        return "a job with this key is there already, and nobody manages it", f"take it over with --adopt {found.key}"
    return f"it is managed by {found.managed_by!r}", "choose another key, or remove it there first"


def _removal(job: RemoteJob) -> Change:
    before = wire_definition(job)
    if job.protect:
        return Change(
            action="refused", key=job.key, name=job.name, remote_id=job.id, before=before,
            reason="its file is gone, but the job is protected",
            remedy="bring the file back; to delete it, apply it once with `protect: false`",
        )  # fmt: skip
    return Change(action="delete", key=job.key, name=job.name, remote_id=job.id, etag=job.etag, before=before,
                  path=None, line=None)  # fmt: skip
