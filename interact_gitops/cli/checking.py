"""The tree as each target's variables make it, and what is wrong with it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from interact_gitops.cli.options import Workspace

if TYPE_CHECKING:
    from interact_gitops.errors import Problem
    from interact_gitops.jobs.loading import Loaded


def load_for_targets(workspace: Workspace) -> list[tuple[str, Loaded]]:
    """The tree for the named target, else for every one, whatever the default is: a merge reaches them all.

    Each load goes by its targets' names. Targets with the same variables make the same of it, and share one.
    """
    settings = workspace.settings
    if workspace.target_named or len(settings.targets) < 2:
        return [("", workspace.load())]
    alike: dict[str, list[str]] = {}
    for target in settings.targets:
        alike.setdefault(repr(sorted(settings.variables(target).items())), []).append(target)
    return [(", ".join(targets), workspace.load(targets[0])) for targets in alike.values()]


def problems_of(loads: Sequence[tuple[str, Loaded]]) -> list[Problem]:
    """Every problem once; one that not every target has says which do."""
    named: dict[Problem, list[str]] = {}
    for targets, loaded in loads:
        for problem in dict.fromkeys(loaded.problems):
            named.setdefault(problem, []).append(targets)
    return [
        problem
        if len(where) == len(loads)
        else replace(problem, message=f"{problem.message} (target {', '.join(where)})")
        for problem, where in named.items()
    ]
