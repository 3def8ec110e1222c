"""What jobs of one tree must agree on: unique keys, and renames that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from interact_gitops.errors import Position, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The key that a document gives its job, the earlier keys that it takes over, and where each stands."""

    key: str
    position: Position
    moved_from: tuple[tuple[str, Position], ...] = ()


def reference_problems(claims: Iterable[Claim]) -> list[Problem]:
    """Keys used twice, and `moved_from` that names a living job or is claimed by two."""
    problems: list[Problem] = []
    by_key: dict[str, Claim] = {}
    ordered = sorted(claims, key=lambda claim: claim.position)
    for claim in ordered:
        first = by_key.setdefault(claim.key, claim)
        if first is not claim:
            problems += [_used_twice(claim, first), _used_twice(first, claim)]
    taken: dict[str, tuple[Claim, Position]] = {}
    for claim in ordered:
        for earlier, where in claim.moved_from:
            said = _move_fault(claim, earlier, by_key, taken)
            if said:
                message, remedy = said
                problems.append(Problem(position=where, message=message, code="moved-from", remedy=remedy))
            taken.setdefault(earlier, (claim, where))
    return problems


def _used_twice(here: Claim, there: Claim) -> Problem:
    said = f"the key {here.key!r} is used twice, also at {there.position}"
    return Problem(position=here.position, message=said, code="duplicate-job", remedy="give one of them another key")


def _move_fault(
    claim: Claim, earlier: str, by_key: dict[str, Claim], taken: dict[str, tuple[Claim, Position]]
) -> tuple[str, str] | None:
    """(what is wrong, the remedy) with one entry of `moved_from`."""
    if earlier == claim.key:
        return f"moved_from names the job's own key {earlier!r}", "remove it; the earlier key stands there"
    if earlier in by_key:
        other = by_key[earlier]
        if any(name == claim.key for name, _ in other.moved_from):
            said = f"{claim.key!r} and {earlier!r} are each moved from the other, at {other.position}"
            return said, "remove moved_from from the job that kept its key"
        said = f"moved_from names {earlier!r}, which is still a job, at {other.position}"
        return said, "remove the name here, or the other job"
    if earlier in taken and taken[earlier][0] is not claim:
        other, where = taken[earlier]
        return f"moved_from names {earlier!r}, which {other.key!r} claims too, at {where}", "keep it in one of the two"
    return None
