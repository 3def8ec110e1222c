"""What of a plan the loop may do by itself. Pure.

A commit's own changes are always done: whoever merged them meant them. What people changed on the target by hand is
put back only where the loop heals, and not where somebody keeps changing it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.planning.drift import Drift
from interact_gitops.planning.plan import Change, Kind, Plan

MOST_HEALS = 3  # times that the same difference may come back after it was put back
Name = tuple[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """The same difference, put back `times` times: `mark` is its hash."""

    mark: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A plan of what is to be written now. `healing` are the drifted resources in it, each with its difference's mark;
    `drifted` are left as people made them, with what would put them back, and `fighting` since they were put back too
    often."""

    plan: Plan
    healing: Mapping[Name, str]
    drifted: Mapping[Name, Change] = field(default_factory=dict)
    fighting: tuple[Name, ...] = ()


def propose(
    plan: Plan, drift: Drift, *, changed: Collection[Name], heal: bool, fights: Mapping[Name, Fight]
) -> Proposal:
    """The part of `plan` that the loop may write. `changed` are the resources that git changed since the last apply:
    these are git's, whatever was done to them by hand."""
    by_hand = {(one.kind, one.key) for one in drift.drifted}
    kept: list[Change] = []
    healing: dict[Name, str] = {}
    left: dict[Name, Change] = {}
    fought: list[Name] = []
    for change in plan.changes:
        name = (change.kind, change.key)
        if change.action == "refused" or name in changed or not _touched(change, by_hand):
            kept.append(change)
            continue
        fight = fights.get(name)
        mark = mark_of(change)
        if not heal:
            left[name] = change
        elif fight is not None and fight.mark == mark and fight.times >= MOST_HEALS:
            fought.append(name)
        else:
            kept.append(change)
            healing[name] = mark
    return Proposal(plan=replace(plan, changes=tuple(kept)), healing=healing, drifted=left, fighting=tuple(fought))


def count_fights(
    fights: Mapping[Name, Fight], proposal: Proposal, done: Collection[Name], changed: Collection[Name]
) -> dict[Name, Fight]:
    """The fights after a pass that wrote `done`. One that git decided is over; so is one whose difference is gone, but
    not at once: who fights needs a while to come back."""
    after = {name: fight for name, fight in fights.items() if name not in changed}
    for name, mark in proposal.healing.items():
        if name in done:
            before = after.get(name)
            times = before.times + 1 if before is not None and before.mark == mark else 1
            after[name] = Fight(mark=mark, times=times)
    return after


def mark_of(change: Change) -> str:
    """The identity of a difference: the fields that differ, from what to what."""
    fields = [[one.field, one.before, one.after] for one in change.fields]
    return hashlib.sha256(canonical_json([change.action, fields]).encode()).hexdigest()[:32]


def _touched(change: Change, by_hand: Collection[Name]) -> bool:
    """Whether people changed what a change is about: a moved job drifted under its earlier key."""
    names = {change.key}
    if change.action == "move" and change.before is not None:
        names.add(str(change.before.get("key", change.key)))
    return any((change.kind, name) in by_hand for name in names)
