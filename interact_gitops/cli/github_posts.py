"""`github issue` and `status`: what a workflow tells people, each once and edited in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say
from interact_gitops.errors import ExitCode, Failure, Refused


@command("issue", examples="interact-gitops github issue drift.md --needed true")
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--needed", type=click.Choice(["true", "false"]), required=True, help="Whether anything is wrong.")
@click.option("--title", default="The target was changed by hand", show_default=True, help="The issue's title.")
def issue(workspace: Workspace, report: Path, needed: str, title: str) -> int:
    """Keep one issue that says what REPORT says: made, edited in place, and closed when nothing is wrong."""
    from interact_gitops.github.api import github_of
    from interact_gitops.github.posts import Report, keep_issue

    try:
        body = report.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{report} cannot be read") from error
    marker = body.partition("\n")[0]
    if not marker.startswith("<!-- interact-gitops:"):
        raise Refused(f"{report} is no report", remedy="write it with `interact-gitops drift --format markdown`")
    github = github_of(workspace.environ)
    say(f"the issue is {keep_issue(github, marker, Report(title=title, body=body, needed=needed == 'true'))}")
    return ExitCode.DONE


@command("status", examples="interact-gitops github status --context interact-gitops/apply")
@click.option("--context", required=True, metavar="NAME", help="What the status is about.")
def status(workspace: Workspace, context: str) -> int:
    """Say on the commit (GITHUB_SHA) what became of the jobs that NEEDS names, which is GitHub's `toJSON(needs)`."""
    from interact_gitops.github.api import github_of
    from interact_gitops.github.posts import SHA, say_status, status_of

    github, environ = github_of(workspace.environ), workspace.environ
    sha = environ.get("GITHUB_SHA", "")
    if not SHA.fullmatch(sha):
        raise Refused("GITHUB_SHA is not a commit", remedy="run this in a workflow of GitHub")
    state, said = status_of(read_object(environ.get("NEEDS", ""), "NEEDS"))
    server, run = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_RUN_ID", "")
    url = f"{server}/{github.repository}/actions/runs/{run}" if server and run.isdigit() else None
    say_status(github, sha, context=context, state=state, description=said, url=url)
    say(f"{sha[:7]}: {state}, {said}")
    return ExitCode.DONE


def read_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object that GitHub gave. Raises Refused for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is not JSON", remedy="run this in a workflow of GitHub") from error
    if not isinstance(value, dict):
        raise Refused(f"{what} is not a JSON object", remedy="run this in a workflow of GitHub")
    return value
