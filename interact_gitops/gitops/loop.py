"""The loop: fetch → verify → load → plan → guard → apply → record, one pass at a time.

It may be killed between any two steps: what it remembers makes the next pass cheaper, and is not needed to be right.
Nothing is written to the target but what a verified, valid commit says, and that only under the guards.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interact_gitops.errors import Failure, GuardHeld
from interact_gitops.gitops.commits import Commits
from interact_gitops.gitops.controls import Controls, read_controls, use_approval
from interact_gitops.gitops.desired import Desired, changed_between
from interact_gitops.gitops.memory import still_at_work, write_standing
from interact_gitops.gitops.network import GitTrouble
from interact_gitops.gitops.outcomes import after_writing, left_over, waiting
from interact_gitops.gitops.place import Place, Seen
from interact_gitops.gitops.proposal import Name, Proposal, propose
from interact_gitops.gitops.standing import Hold, Standing, Sync
from interact_gitops.gitops.telling import Audience, Teller
from interact_gitops.gitops.windows import Window, closed
from interact_gitops.interact.errors import Locked, TargetFailure
from interact_gitops.planning.guards import check_guards

FIRST_RETRY, LONGEST_RETRY = 5.0, 600.0  # seconds


class Waiting(Failure):
    """Nothing is wrong but that somebody else is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """How the loop works; times in seconds. `compare` is how often the whole target is looked at: what people change
    there is found so soon. `mark_given`: the operator said whose the jobs are. `where` is what
    commands must be told to reach this loop."""

    interval: float = 60.0
    compare: float = 300.0
    heal: bool = False
    protected: bool = False
    mark_given: bool = False
    where: str = ""


@dataclass(slots=True)
class Loop:
    """One branch on one target. `folder` keeps what is remembered; use it from one thread."""

    commits: Commits
    place: Place
    options: LoopOptions
    folder: Path
    standing: Standing
    teller: Teller | None = None
    audience: Audience | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seconds: Callable[[], float] = time.monotonic
    _seen: Seen | None = None
    _pending: set[Name] = field(default_factory=set)

    def once(self) -> Standing:
        """One pass. What goes wrong is in the standing, and nothing is raised but bugs and interrupts."""
        began = self.seconds()
        before = self.standing
        try:
            self._pass()
            self.standing = replace(self.standing, failures=0)
        except Failure as failure:
            failures = before.failures + 1
            sync, reason = self._unsynced(failure)
            self.standing = replace(
                self.standing, failures=failures, health="Degraded", health_reason=_line(failure), sync=sync,
                sync_reason=reason,
            )  # fmt: skip
        at = self.now()
        took = self.seconds() - began
        self.standing = replace(
            self.standing, passed_at=at, seconds=took, next_at=at + timedelta(seconds=self._pause())
        )
        if self.audience is not None:
            self.standing = replace(self.standing, told=self.audience.tell(self.standing))
        changed = _differs(before, self.standing)
        if changed:
            write_standing(self.folder, self.standing)
        else:
            still_at_work(self.folder)
        if self.teller is not None:
            self.teller.tell(self.standing, changed=changed)
        return self.standing

    def _unsynced(self, failure: Failure) -> tuple[Sync, str]:
        """What a failed pass says of the target: it is as old as the last good commit, or nobody knows."""
        standing = self.standing
        if isinstance(failure, Waiting):
            return "OutOfSync", "the changes wait until somebody else has applied theirs"
        known = not isinstance(failure, GitTrouble | TargetFailure)
        if known and standing.head is not None and standing.head.sha != standing.applied:
            return "OutOfSync", f"the commit {standing.head.short} cannot be used"
        return "Unknown", "the last pass could not look at everything"

    def _pass(self) -> None:
        controls = read_controls(self.folder)
        if controls.suspend is not None:
            self._stand("Suspended", f"{controls.suspend.reason} ({controls.suspend.by}, {controls.suspend.at})")
            self.standing = replace(self.standing, sync="Unknown", sync_reason="nobody looks while it is suspended")
            return
        sha = controls.pin.value if controls.pin is not None else self.commits.source.head()
        if self._nothing_to_do(sha, controls):
            return
        desired = self._commit(sha)
        self._stand("Progressing", f"{sha[:7]} is being compared")
        self._bring(desired, controls)

    def _nothing_to_do(self, sha: str, controls: Controls) -> bool:
        """Whether all that can be done for a commit is done, the target was looked at lately, and nobody said anything
        new."""
        standing = self.standing
        if standing.health == "Suspended" or standing.failures or not self.commits.is_current(sha):
            return False
        if standing.hold is not None:
            if self._released(standing.hold, controls):
                return False
        elif standing.applied != sha or self._pending:
            return False
        looked = standing.compared_at
        return looked is not None and timedelta(0) <= self.now() - looked < timedelta(seconds=self.options.compare)

    def _released(self, hold: Hold, controls: Controls) -> bool:
        if hold.digest is not None:
            return hold.digest in controls.approvals
        return controls.override_until(self.now()) is not None or closed(self._windows, self.now()) is None

    @property
    def _windows(self) -> Sequence[Window]:
        return self.commits.desired.windows if self.commits.desired is not None else ()

    def _commit(self, sha: str) -> Desired:
        commits, before = self.commits, self.standing
        try:
            # Only a loop that has written nothing yet has a mark to choose, and the operator's word counts.
            free = bool(before.managed_by) or self.options.mark_given
            taken = {} if free else self.place.kept_by_others(before.repository)
            earlier, desired = commits.take(sha, applied=before.applied, managed_by=before.managed_by, taken=taken)
        finally:
            self.standing = replace(
                before, head=commits.head or before.head, signature=commits.signature, problems=commits.problems
            )
        if earlier is not None and earlier is not desired:
            self._pending |= changed_between(earlier, desired)
        self.standing = replace(
            self.standing, good=commits.head, jobs=len(desired.definitions), managed_by=desired.managed_by
        )
        return desired

    def _bring(self, desired: Desired, controls: Controls) -> None:
        """Compare, and write what may be written."""
        seen = self._compare(desired)
        proposal = propose(
            seen.plan, seen.drift, changed=self._pending, heal=self.options.heal, fights=self.standing.fights
        )
        now = self.now()
        self.standing = replace(
            self.standing, items=left_over(proposal), compared_at=now if seen.whole else self.standing.compared_at
        )
        if not proposal.plan.writes:
            self._settled(desired, proposal)
            return
        hold = self._hold(proposal, desired, controls, now)
        if hold is not None:
            since = self.standing.hold.since if self.standing.hold and self.standing.hold.digest == hold.digest else now
            self.standing = replace(
                self.standing, hold=replace(hold, since=since), sync="OutOfSync", sync_reason=hold.reason,
                health="Healthy", health_reason="it waits for somebody",
                items=(*waiting(proposal), *self.standing.items),
            )  # fmt: skip
            self._seen = None
            return
        self._write(proposal, desired)

    def _compare(self, desired: Desired) -> Seen:
        seen = self._seen
        looked = self.standing.compared_at
        lately = looked is not None and self.now() - looked < timedelta(seconds=self.options.compare)
        if seen is not None and lately and self._pending:
            some = self.place.compare_some(desired, self._pending, seen)
            if some is not None:
                return some
        self._seen = None
        self._seen = self.place.compare(desired)
        return self._seen

    def _hold(self, proposal: Proposal, desired: Desired, controls: Controls, now: datetime) -> Hold | None:
        """What keeps the proposal from being written. An approval is used up here."""
        plan = proposal.plan
        shut = closed(desired.windows, now) if controls.override_until(now) is None else None
        if shut is not None:
            until = f" until {shut.until:%Y-%m-%dT%H:%MZ}" if shut.until else ""
            return Hold(reason=f"{shut.reason}{until}", since=now,
                        release=f"interact-gitops sync override --for 1h --reason WHY{self.options.where}")  # fmt: skip
        release = f"interact-gitops sync approve {plan.digest}{self.options.where}"
        reason = "the target is protected: every plan is approved first" if self.options.protected else None
        try:
            check_guards(plan, desired.guards)
        except GuardHeld as held:
            reason = held.message
        if reason is None or use_approval(self.folder, plan.digest):
            return None
        return Hold(reason=reason, release=release, digest=plan.digest, since=now)

    def _write(self, proposal: Proposal, desired: Desired) -> None:
        self._stand("Progressing", f"{len(proposal.plan.writes)} changes are being written")
        try:
            applied = self.place.write(proposal.plan, desired)
        except Locked as locked:
            raise Waiting(f"somebody else is applying: {locked.message}", remedy="it is tried again") from locked
        if applied.bug is not None:
            raise applied.bug
        if any(o.change.action in {"create", "move"} for o in applied.outcomes):
            self._seen = None  # what was made has ids there that we have not seen
        self.standing, self._pending = after_writing(
            self.standing, proposal, applied, pending=self._pending, commit=desired.commit, now=self.now()
        )

    def _settled(self, desired: Desired, proposal: Proposal) -> None:
        """Nothing is left to write: the target is what git says, but for what is left as people made it."""
        self._pending = set()
        left = len(self.standing.items)
        self.standing = replace(
            self.standing, applied=desired.commit, hold=None, sync="OutOfSync" if left else "Synced",
            sync_reason=f"{left} differ, and are left so" if left else f"everything is as {desired.commit[:7]} says",
            health="Degraded" if proposal.fighting or proposal.plan.count("refused") else "Healthy",
            health_reason=_worst(self.standing), succeeded_at=self.now(),
        )  # fmt: skip

    def _stand(self, health: str, reason: str) -> None:
        self.standing = replace(self.standing, health=health, health_reason=reason)  # type: ignore[arg-type]  # a Health

    def _pause(self) -> float:
        """Until the next pass: jittered, so that many loops do not come at once; longer after each failure."""
        if self.standing.failures and not self.commits.refused:
            capped: float = min(
                FIRST_RETRY * 2 ** (self.standing.failures - 1), LONGEST_RETRY, max(self.options.interval, 60.0)
            )
            return capped * random.uniform(0.8, 1.2)  # noqa: S311  # no secret depends on it
        return self.options.interval * random.uniform(0.9, 1.1)  # noqa: S311  # no secret depends on it


def _line(failure: Failure) -> str:
    return f"{failure.message}; {failure.remedy}" if failure.remedy else failure.message


def _worst(standing: Standing) -> str:
    worst = next((item for item in standing.items if item.state in {"refused", "fighting"}), None)
    return f"{worst.key}: {worst.reason}" if worst else "all is well"


def _differs(before: Standing, after: Standing) -> bool:
    """Whether anything but times changed: an unchanged pass writes nothing to the disk."""
    one, other = (replace(each, passed_at=None, next_at=None, seconds=0.0) for each in (before, after))
    return one != other
