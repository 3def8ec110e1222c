"""What changes between two trees of definitions, no target asked. Pure.

The earlier tree is taken for a target that holds exactly what applying it would have left there. So everything
that a plan says of a target holds here too: renames, protection, and fields that are left to people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interact_gitops.interact.channels import RemoteChannel
from interact_gitops.interact.records import RemoteJob, read_job
from interact_gitops.jobs.channels import FINGERPRINTS, Channel, channel_definition
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.channels import diff_channels, with_channels
from interact_gitops.planning.diff import diff
from interact_gitops.planning.plan import Plan

_MARK = "this repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One side: its jobs and its channels, whose secrets are references, as written."""

    definitions: Sequence[Definition]
    channels: Sequence[Channel] = ()


def diff_trees(before: Tree, after: Tree, *, names: str, prune: bool = True) -> Plan:
    """The plan from one tree to the other; `names` says which they are, as in `git 1a2b3c4 → working tree`.

    Without `prune` nothing of `before` is deleted: `after` is a part only. Jobs that both trees share as one object
    are not looked at: nearly all, where `jobs.sharing` loaded one beside the other.
    """
    earlier = {definition.job.key: definition.job for definition in before.definitions}
    shared = {d.job.key for d in after.definitions if d.job is earlier.get(d.job.key)}
    jobs = diff(
        [definition for definition in after.definitions if definition.job.key not in shared],
        [_applied(definition) for definition in before.definitions if definition.job.key not in shared],
        managed_by=_MARK,
        commit=None,
        target=names,
        prune=prune,
    )
    jobs = replace(
        jobs,
        unchanged=jobs.unchanged + len(shared),
        managed=jobs.managed + len(shared),
        definitions=jobs.definitions + len(shared),
    )
    marks = {
        text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        for channel in (*before.channels, *after.channels)
        for text in channel.secrets.values()
    }
    channels = diff_channels(
        after.channels,
        [_declared(channel, marks) for channel in before.channels],
        managed_by=_MARK,
        fingerprints=marks,
        prune=prune,
    )
    return replace(with_channels(jobs, channels), between=True)


def _applied(definition: Definition) -> RemoteJob:
    """The job that applying a definition would have left on a target."""
    job = definition.job
    identity = {"id": job.key, "etag": '"1"', "managedBy": _MARK, "scheduleEnabled": True}
    return read_job({**job_to_wire(job), **identity, "agent": {"id": job.agent, "slug": job.agent}})


def _declared(channel: Channel, marks: Mapping[str, str]) -> RemoteChannel:
    own = {name: getattr(channel, name) for name in ("name", "type", "level", "topics", "to")}
    prints = {shown: marks.get(channel.secrets.get(name, "")) for name, shown in FINGERPRINTS.items()}
    return RemoteChannel(
        id=channel.name, name=channel.name, etag='"1"', managed_by=_MARK, applied_hash=None,
        definition=channel_definition({**own, **prints}),
    )  # fmt: skip
