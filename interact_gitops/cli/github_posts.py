"""`github comment`, `issue` and `status`: what a workflow tells people, each once and edited in place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say
from interact_gitops.errors import ExitCode, Failure, Refused

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST_PLAN = 20 << 20  # bytes


@command("comment", examples="interact-gitops github comment")
def comment(workspace: Workspace) -> int:
    """Put the plan that a pull request's workflow left into one comment under it.

    The run is that of the event `workflow_run` (GITHUB_EVENT_PATH). What it left is read as data: its shape is checked,
    and every text in it is shown as code.
    """
    from interact_gitops.cli.times import now
    from interact_gitops.github.api import github_of
    from interact_gitops.github.posts import artifact_of, keep_comment, pull_request_of
    from interact_gitops.planning.reading import plan_from_json
    from interact_gitops.planning.rendering.markdown import render_markdown

    github = github_of(workspace.environ)
    run, sha = _event(workspace.environ)
    number = pull_request_of(github, sha)
    if number is None:
        say("no open pull request has this commit as its head any more: nothing is said")
        return ExitCode.DONE
    packed = artifact_of(github, run, "interact-plan")
    if packed is None:
        say("the run left no plan: its definitions cannot be read, and its annotations say why")
        return ExitCode.DONE
    plan = plan_from_json(_unpacked(packed), what="what the run left", between=True)
    body = render_markdown(plan, now=now(), identity="base")
    say(f"the comment under #{number} is {keep_comment(github, number, body.splitlines()[0], body)}")
    return ExitCode.DONE


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
    from interact_gitops.github.posts import say_status, status_of

    github, environ = github_of(workspace.environ), workspace.environ
    sha = environ.get("GITHUB_SHA", "")
    if not _SHA.fullmatch(sha):
        raise Refused("GITHUB_SHA is not a commit", remedy="run this in a workflow of GitHub")
    state, said = status_of(_object(environ.get("NEEDS", ""), "NEEDS"))
    server, run = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_RUN_ID", "")
    url = f"{server}/{github.repository}/actions/runs/{run}" if server and run.isdigit() else None
    say_status(github, sha, context=context, state=state, description=said, url=url)
    say(f"{sha[:7]}: {state}, {said}")
    return ExitCode.DONE


def _event(environ: Mapping[str, str]) -> tuple[int, str]:
    """(run, head) of the workflow run that started this one."""
    place = environ.get("GITHUB_EVENT_PATH", "")
    try:
        text = Path(place).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused("GITHUB_EVENT_PATH names no file", remedy="run this on the event workflow_run") from error
    found = _object(text, "the event").get("workflow_run")
    if not isinstance(found, dict) or not isinstance(found.get("id"), int):
        raise Refused("the event is not that of a workflow run", remedy="run this on the event workflow_run")
    sha = str(found.get("head_sha", ""))
    if not _SHA.fullmatch(sha):
        raise Refused("the event names no commit", remedy="run this on the event workflow_run")
    return found["id"], sha


def _unpacked(packed: bytes) -> Any:
    """The one JSON file in an artifact. Raises Failure."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > _MOST_PLAN:
                raise Failure("the plan that the run left is larger than 20 MiB")
            with archive.open(entry) as file:
                raw = file.read(_MOST_PLAN + 1)
        if len(raw) > _MOST_PLAN:
            raise Failure("the plan that the run left is larger than 20 MiB")
        return json.loads(raw)
    except (ValueError, RecursionError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise Failure("what the run left is no plan", remedy="see the run of validate") from error


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is not JSON", remedy="run this in a workflow of GitHub") from error
    if not isinstance(value, dict):
        raise Refused(f"{what} is not a JSON object", remedy="run this in a workflow of GitHub")
    return value
