"""What differs between the declared channels and a target's: the second kind of resource in a plan. Pure.

Secrets are compared by fingerprint. They stand in no change and no plan: apply adds them when it sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interact_gitops.interact.channels import RemoteChannel
from interact_gitops.jobs.channels import CHANNEL_FIELDS, FINGERPRINTS, Channel, channel_definition, channel_hash
from interact_gitops.planning.plan import Change, FieldChange, Plan, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDiff:
    """The channels' part of a plan. `managed` counts those on the target that carry our mark; `notes` say which secrets
    of channels that do not change could not be compared."""

    changes: tuple[Change, ...]
    unchanged: int
    managed: int
    notes: tuple[str, ...] = ()


def diff_channels(
    declared: Sequence[Channel],
    remote: Sequence[RemoteChannel],
    *,
    managed_by: str,
    fingerprints: Mapping[str, str],
    prune: bool = True,
    adopt: frozenset[str] = frozenset(),
) -> ChannelDiff:
    """What brings `remote` in line with `declared`. `fingerprints`: what the target shows for each secret there is.

    A secret that could not be resolved is not compared, and the change's notes say so. Channels with another mark
    than `managed_by`, or none, are never changed, but for those nobody manages whose names are in `adopt`.
    """
    there = {channel.name: channel for channel in remote}
    changes: list[Change] = []
    notes: list[str] = []
    for channel in sorted(declared, key=lambda c: c.name):
        change = _change(channel, there.get(channel.name), managed_by, fingerprints, adopt)
        if change is not None:
            changes.append(change)
        else:
            notes += [f"channel {channel.name}: {note}" for note in _notes(channel)]
    unchanged = len(declared) - len(changes)
    ours = [channel for channel in remote if channel.managed_by == managed_by]
    if prune:
        names = {channel.name for channel in declared}
        changes += [
            Change(action="delete", kind="channel", key=c.name, name=c.name, remote_id=c.id, etag=c.etag,
                   before=c.definition)
            for c in ours if c.name not in names
        ]  # fmt: skip
    return ChannelDiff(changes=tuple(changes), unchanged=unchanged, managed=len(ours), notes=tuple(notes))


def with_channels(plan: Plan, found: ChannelDiff) -> Plan:
    """A plan of jobs with its channels beside them."""
    return replace(
        plan,
        changes=in_order((*plan.changes, *found.changes)),
        unchanged=plan.unchanged + found.unchanged,
        managed_channels=found.managed,
        notes=(*plan.notes, *found.notes),
    )


def _change(
    channel: Channel,
    found: RemoteChannel | None,
    managed_by: str,
    fingerprints: Mapping[str, str],
    adopt: frozenset[str],
) -> Change | None:
    before = None if found is None else found.definition
    after = _after(channel, before, fingerprints)
    # Whoever approves it sees whose the new address is.
    led = channel.leads_to if before is None or before["urlFingerprint"] != after["urlFingerprint"] else None
    place: dict[str, Any] = {
        "kind": "channel", "key": channel.name, "name": channel.name, "path": channel.path, "line": channel.line,
        "after": after, "notes": (*([f"leads to {led}"] if led else []), *_notes(channel)),
    }  # fmt: skip
    if found is None:
        return Change(action="create", body=_body(channel, after, None, managed_by), **place)
    adopted = found.managed_by is None and channel.name in adopt
    if found.managed_by != managed_by and not adopted:
        reason, remedy = _not_ours(found, managed_by)
        return Change(action="refused", remote_id=found.id, reason=reason, remedy=remedy, **place)
    assert before is not None
    fields = tuple(
        FieldChange(field=name, before=before[name], after=after[name])
        for name in CHANNEL_FIELDS
        if before[name] != after[name]
    )
    if not adopted and not fields:
        return None
    return Change(
        action="adopt" if adopted else "update", remote_id=found.id, etag=found.etag, before=before, fields=fields,
        body=_body(channel, after, before, managed_by), **place,
    )  # fmt: skip


def _notes(channel: Channel) -> tuple[str, ...]:
    return tuple(f"{name} is not compared: {why}" for name, why in channel.missing.items())


def _after(channel: Channel, before: Mapping[str, Any] | None, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    marks = {
        shown: fingerprints[channel.secrets[name]]
        if name in channel.secrets
        else before[shown] if before is not None and name in channel.missing else None
        for name, shown in FINGERPRINTS.items()
    }  # fmt: skip
    own = {"name": channel.name, "type": channel.type, "level": channel.level, "topics": channel.topics}
    return channel_definition({**own, "to": channel.to, **marks})


def _body(
    channel: Channel, after: Mapping[str, Any], before: Mapping[str, Any] | None, managed_by: str
) -> dict[str, Any]:
    """What is sent, secrets apart: one that is declared no more is removed by name, since leaving it out keeps it."""
    declared = {*channel.secrets, *channel.missing}
    removed = {name: None for name, shown in FINGERPRINTS.items() if before and before[shown] and name not in declared}
    fields = {name: after[name] for name in CHANNEL_FIELDS if name not in FINGERPRINTS.values()}
    return {**fields, **removed, "managedBy": managed_by, "appliedHash": channel_hash(after)}


def _not_ours(found: RemoteChannel, ours: str) -> tuple[str, str]:
    if found.managed_by is None:
        said = "a channel with this name is there already, and nobody manages it"
        return said, f"take it over with --adopt channel:{found.name}"
    return f"it is managed by {found.managed_by!r}, not by {ours!r}", "choose another name, or remove it there first"
