"""What jobs of one tree must agree on: unique keys, and renames that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from interact_gitops.errors import Position, Problem
from interact_gitops.jobs.faults import Path
from interact_gitops.jobs.positions import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The key that a document gives its job, and the earlier keys that it takes over, each with its index in the
    list. Where they stand is looked up when there is something to say of them."""

    key: str
    document: Document
    moved_from: tuple[tuple[int, str], ...] = ()

    @property
    def position(self) -> Position:
        """Where the key stands."""
        return self.place(("key",))

    def place(self, path: Path) -> Position:
        """Where a part of the document stands; where the document begins, for a part that it does not have."""
        return self.document.position(path) or self.document.start


def claim(document: Document) -> Claim | None:
    """What a document says of its identity, whatever else is wrong with it; None when it says nothing."""
    key, names = document.value.get("key"), document.value.get("moved_from")
    if not isinstance(key, str):
        return None
    listed = names if isinstance(names, list) else []
    earlier = [(index, name) for index, name in enumerate(listed) if isinstance(name, str)]
    return Claim(key=key, document=document, moved_from=tuple(earlier))


def reference_problems(claims: Iterable[Claim]) -> list[Problem]:
    """Keys used twice, and `moved_from` that names a living job or is claimed by two."""
    problems: list[Problem] = []
    by_key: dict[str, Claim] = {}
    ordered = sorted(claims, key=lambda claim: claim.document.start)  # in which order their keys stand too
    for claim in ordered:
        first = by_key.setdefault(claim.key, claim)
        if first is not claim:
            problems += [_used_twice(claim, first), _used_twice(first, claim)]
    taken: dict[str, tuple[Claim, Position]] = {}
    for claim in ordered:
        for index, earlier in claim.moved_from:
            where = claim.place(("moved_from", index))
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
        if any(name == claim.key for _, name in other.moved_from):
            said = f"{claim.key!r} and {earlier!r} are each moved from the other, at {other.position}"
            return said, "remove moved_from from the job that kept its key"
        said = f"moved_from names {earlier!r}, which is still a job, at {other.position}"
        return said, "remove the name here, or the other job"
    if earlier in taken and taken[earlier][0] is not claim:
        other, where = taken[earlier]
        return f"moved_from names {earlier!r}, which {other.key!r} claims too, at {where}", "keep it in one of the two"
    return None
