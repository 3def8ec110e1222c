"""What jobs of one tree must agree on: unique keys, and renames that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable

from interact_gitops.errors import Problem
from interact_gitops.jobs.model import Definition


def reference_problems(definitions: Iterable[Definition]) -> list[Problem]:
    """Keys used twice, and `moved_from` that names a living job or is claimed by two."""
    problems: list[Problem] = []
    by_key: dict[str, Definition] = {}
    for definition in sorted(definitions, key=lambda d: d.position):
        first = by_key.setdefault(definition.job.key, definition)
        if first is not definition:
            for here, there in ((definition, first), (first, definition)):
                said = f"the key {here.job.key!r} is used twice, also at {there.position}"
                problems.append(
                    Problem(
                        position=here.position,
                        message=said,
                        code="duplicate-job",
                        remedy="give one another key",
                    )
                )
    claimed: dict[str, Definition] = {}
    for definition in by_key.values():
        for earlier in definition.job.moved_from:
            problem = _move_problem(definition, earlier, by_key, claimed)
            if problem:
                problems.append(problem)
            claimed.setdefault(earlier, definition)
    return problems


def _move_problem(
    definition: Definition, earlier: str, by_key: dict[str, Definition], claimed: dict[str, Definition]
) -> Problem | None:
    job = definition.job
    if earlier == job.key:
        said = f"moved_from names the job's own key {earlier!r}"
        return Problem(position=definition.position, message=said, code="moved-from", remedy="remove it")
    if earlier in by_key:
        other = by_key[earlier]
        cycle = job.key in other.job.moved_from
        said = (
            f"{job.key!r} and {earlier!r} are each moved from the other (at {other.position})"
            if cycle
            else f"moved_from names {earlier!r}, which is still a job, at {other.position}"
        )
        return Problem(
            position=definition.position,
            message=said,
            code="moved-from",
            remedy="remove the name, or the job",
        )
    if earlier in claimed:
        other = claimed[earlier]
        said = f"moved_from names {earlier!r}, which {other.job.key!r} claims too, at {other.position}"
        return Problem(
            position=definition.position, message=said, code="moved-from", remedy="keep it in one of the two"
        )
    return None
