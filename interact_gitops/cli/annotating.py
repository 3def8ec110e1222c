"""Problems for other programs, GitHub and code scanning: their paths start at the top of the repository."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.output import on_github, say_command, say_document
from interact_gitops.errors import Failure, Problem, ProblemsFound


def annotate(workspace: Workspace, problems: Sequence[Problem], form: str, *, folder: Path) -> None:
    """Print problems, whose positions start at `folder`, as `github` or `sarif`."""
    from interact_gitops.jobs.reports import github_lines, sarif

    start = folder.resolve()
    top = _top(workspace, start)
    placed = [
        replace(problem, position=replace(problem.position, file=_from_top(problem.position.file, start, top)))
        for problem in problems
    ]
    if form == "sarif":
        say_document(sarif(placed))
    else:
        for line in github_lines(placed):
            say_command(line)


def annotate_failure(workspace: Workspace, failure: Failure, form: str) -> None:
    """Print why nothing could be looked at; a configuration's problems with their places."""
    from interact_gitops.jobs.reports import github_failure, sarif

    if isinstance(failure, ProblemsFound):
        # A configuration that is named is shown by the name that was given, from here.
        annotate(workspace, failure.problems, form, folder=workspace.folder)
    elif form == "sarif":
        say_document(sarif([], failure=failure))
    elif not on_github():  # there, the end of every command is one
        say_command(github_failure(failure))


def _top(workspace: Workspace, start: Path) -> Path:
    """The top of the repository, whether or not there is a git program: a runner without one has the files alone."""
    from interact_gitops.gitops.program import top_of

    given = workspace.environ.get("GITHUB_WORKSPACE")
    there = Path(given).resolve() if given else None
    return top_of(start) or (there if there and start.is_relative_to(there) else start)


def _from_top(file: str, start: Path, top: Path) -> str:
    path = Path(os.path.normpath(start / file))
    return Path(os.path.relpath(path.parent.resolve() / path.name, top)).as_posix()
