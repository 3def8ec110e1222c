"""The target as the loop sees it: what is there, and how a proposal is written to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from interact_gitops.errors import Refused
from interact_gitops.gitops.address import whereabouts
from interact_gitops.gitops.desired import Desired
from interact_gitops.gitops.proposal import Name
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import ApiRefusal, NotFound
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.model import Definition
from interact_gitops.planning.applying import Applied, apply
from interact_gitops.planning.channels import diff_channels, with_channels
from interact_gitops.planning.diff import diff
from interact_gitops.planning.drift import Drift, find_drift
from interact_gitops.planning.drift import with_channels as drift_with_channels
from interact_gitops.planning.plan import Plan

MOST_ASKED = 50  # jobs that are asked for one by one; more are cheaper read from the list


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A comparison of a commit with the target. `whole`: everything was compared. `ids` are our jobs' there."""

    plan: Plan
    drift: Drift
    whole: bool
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target with the definitions API, and what is written beside each definition."""

    client: Client
    shown: str
    schedule_enabled: bool
    prune: bool
    holder: str
    agents: dict[str, frozenset[str]] = field(default_factory=dict)

    def compare(self, desired: Desired) -> Seen:
        """Everything, by lists. Raises TargetFailure, Refused on a target with the public API alone."""
        if self.client.surface() == "public":
            said = "the target offers the public API only: definitions cannot be written to it"
            raise Refused(said, remedy="enter the jobs in Interact's own form; `runner` runs them from git")
        there = self.client.jobs()
        jobs = self._diff(desired, desired.definitions, there, prune=self.prune)
        stones = self.client.jobs(managed_by=desired.managed_by, deleted=True)
        drift = find_drift(
            there, stones, managed_by=desired.managed_by, target=self.shown, definitions=desired.definitions
        )
        plan, drift = self._channels(desired, jobs, drift)
        ids = {job.key: job.id for job in there if job.managed_by == desired.managed_by}
        return Seen(plan=plan, drift=drift, whole=True, ids=ids)

    def compare_some(self, desired: Desired, wanted: Collection[Name], known: Seen) -> Seen | None:
        """Only the jobs that are `wanted`, for the price of as many requests; None where that is not cheaper, or
        channels are among them. What is new is not looked for: a key that is taken is refused when it is made."""
        keys = {key for kind, key in wanted if kind == "job"}
        if len(keys) > MOST_ASKED or len(keys) != len(wanted):
            return None
        definitions = [d for d in desired.definitions if d.job.key in keys]
        named = keys | {earlier for d in definitions for earlier in d.job.moved_from}
        there = [job for key in sorted(named) if key in known.ids if (job := self._job(known.ids[key])) is not None]
        if any(job.managed_by != desired.managed_by for job in there):
            return None  # it was given away meanwhile
        plan = self._diff(desired, definitions, there, prune=self.prune)
        plan = replace(
            plan, unchanged=len(desired.definitions) - len(plan.changes), managed=len(known.ids),
            definitions=len(desired.definitions), unmanaged=known.plan.unmanaged,
        )  # fmt: skip
        drift = replace(known.drift, drifted=())
        return Seen(plan=plan, drift=drift, whole=False, ids=known.ids)

    def kept_by_others(self, repository: str) -> Mapping[str, str]:
        """The ownership marks that loops of other repositories keep, each with its repository. Where the target does
        not tell, none is known. Raises TargetFailure."""
        here = whereabouts(repository)
        try:
            known = self.client.loops.repositories()
        except ApiRefusal as refused:
            if refused.status in {403, 404, 405}:
                return {}
            raise
        return {mark: other for mark, other in known.items() if whereabouts(other) != here}

    def write(self, plan: Plan, desired: Desired) -> Applied:
        """Write it, under the target's lock. Raises Locked while somebody else applies, TargetFailure."""
        secrets = {channel.name: channel.secrets for channel in desired.channels}
        with self.client.locks.held(managed_by=desired.managed_by, holder=self.holder) as lease:
            return apply(plan, self.client, on_error="continue", secrets=secrets, held=lease.held if lease else None)

    def _diff(
        self, desired: Desired, definitions: Sequence[Definition], there: Sequence[RemoteJob], *, prune: bool
    ) -> Plan:
        if "known" not in self.agents or any(d.job.agent not in self.agents["known"] for d in definitions):
            self.agents["known"] = frozenset(agent.slug for agent in self.client.agents())
        return diff(
            definitions, there, managed_by=desired.managed_by, commit=desired.commit, target=self.shown,
            schedule_enabled=self.schedule_enabled, prune=prune, agents=self.agents["known"],
        )  # fmt: skip

    def _channels(self, desired: Desired, plan: Plan, drift: Drift) -> tuple[Plan, Drift]:
        try:
            remote = self.client.channels.list()
        except NotFound as missing:
            if not desired.channels:
                return plan, drift
            said = f"the target has no channels, and the configuration declares {len(desired.channels)}"
            raise Refused(said, remedy="remove `channels` from the configuration") from missing
        secrets = [secret for channel in desired.channels for secret in channel.secrets.values()]
        prints = self.client.channels.fingerprints(secrets)
        found = diff_channels(
            desired.channels, remote, managed_by=desired.managed_by, fingerprints=prints, prune=self.prune
        )
        differing = {change.key for change in found.changes}
        names = {channel.name for channel in desired.channels}
        return with_channels(plan, found), drift_with_channels(drift, remote, differing, names)

    def _job(self, job_id: str) -> RemoteJob | None:
        try:
            return self.client.job(job_id)
        except NotFound:
            return None
