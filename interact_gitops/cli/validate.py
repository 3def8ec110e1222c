"""`validate`: everything that can be known offline."""

from __future__ import annotations

from typing import Any

import click

from interact_gitops.cli.annotating import annotate, annotate_failure
from interact_gitops.cli.checking import load_for_targets, problems_of
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import NEWLINE, say, say_json, visible
from interact_gitops.errors import ExitCode, Failure, Problem

_FOR_PROGRAMS = ("github", "sarif")


@command(
    "validate",
    examples="""
interact-gitops validate
interact-gitops validate jobs.d/marketing
interact-gitops validate --format json
interact-gitops validate --format sarif > problems.sarif
""",
)
@click.argument("paths", nargs=-1)
@json_format("github", "sarif")
def validate(workspace: Workspace, paths: tuple[str, ...], form: str) -> int:
    """Check the definitions, offline: every problem with its file, line and column, in one go.

    PATHS show only the problems of these files or folders; the whole tree is always read, because a job
    can clash with another. `--format github` annotates the lines of a pull request, in GitHub Actions.
    """
    try:
        loads = load_for_targets(workspace)
    except Failure as failure:
        if form in _FOR_PROGRAMS:
            annotate_failure(workspace, failure, form)
        raise
    problems = _below(problems_of(loads), paths, workspace)
    errors = sum(problem.severity == "error" for problem in problems)
    jobs = len(loads[0][1].definitions)
    if form == "json":
        say_json({"valid": errors == 0, "jobs": jobs, "problems": [_as_json(problem) for problem in problems]})
    elif form in _FOR_PROGRAMS:
        annotate(workspace, problems, form, folder=workspace.settings.folder)
        if form == "github":  # a step that says nothing leaves people wondering what it did
            _summarise(jobs, errors, len(problems) - errors, workspace)
    else:
        for problem in problems:
            say(visible(str(problem), keep=NEWLINE))
        _summarise(jobs, errors, len(problems) - errors, workspace)
    return ExitCode.FAILED if errors else ExitCode.DONE


def _below(problems: Any, paths: tuple[str, ...], workspace: Workspace) -> list[Problem]:
    from interact_gitops.errors import SelectionInvalid

    wanted = [path.removeprefix("./").rstrip("/") for path in paths]
    for path in wanted:
        if not (workspace.settings.folder / path).exists():
            raise SelectionInvalid(f"there is no file or folder {path!r}", remedy="paths start where you are")
    ordered = sorted(problems, key=lambda p: (p.position, p.code, p.message))
    return [
        p
        for p in ordered
        if not wanted or any(p.position.file == w or p.position.file.startswith(w + "/") for w in wanted)
    ]


def _as_json(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.position.file,
        "line": problem.position.line,
        "column": problem.position.column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _summarise(jobs: int, errors: int, warnings: int, workspace: Workspace) -> None:
    if workspace.quiet and not errors:
        return
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    said = ", ".join(parts) if parts else "no problem found"
    if errors:
        say(click.style(f"{said} in {workspace.settings.definitions}.", fg="red"))
        return
    colour = "green"
    say(
        click.style(
            f"{jobs} valid job{'' if jobs == 1 else 's'} in {workspace.settings.definitions}: {said}.", fg=colour
        )
    )
