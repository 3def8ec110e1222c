"""`drift`: what was changed on the target since the last apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note
from interact_gitops.errors import ExitCode, Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.jobs.model import Definition
    from interact_gitops.planning.drift import Drift


@command(
    "drift",
    examples="""
interact-gitops drift
interact-gitops drift --target production --select 'weekly-*'
interact-gitops drift --format markdown > issue.md
""",
)
@click.option("--select", multiple=True, metavar="SELECTOR", help="Only these jobs: keys and globs.")
@json_format("markdown")
def drift(workspace: Workspace, select: tuple[str, ...], form: str) -> int:
    """Show what was changed or deleted on the target since the last apply, and exit with 2 when anything was.

    Changes in git that are not applied yet are no drift, nor are fields that a job's ignore_changes leaves to
    people. Jobs that nobody manages are listed and do not count.
    """
    from interact_gitops.cli.output import say, say_json
    from interact_gitops.cli.planned import say_lines
    from interact_gitops.planning.rendering.drift import drift_to_json, drift_to_markdown, render_drift

    found = _find(workspace, select)
    if form == "json":
        say_json(drift_to_json(found))
    elif form == "markdown":
        say(drift_to_markdown(found), nl=False)
    else:
        say_lines(render_drift(found, quiet=workspace.quiet))
    return ExitCode.CHANGES_PENDING if found.drifted else ExitCode.DONE


def _find(workspace: Workspace, select: tuple[str, ...]) -> Drift:
    from interact_gitops.config import owner
    from interact_gitops.planning.drift import find_drift

    target, managed_by = workspace.target, owner(workspace.settings)
    definitions = _definitions(workspace)
    with workspace.client() as client:
        if target.api == "public" or client.surface() == "public":
            said = f"the target {target.name!r} offers the public API only: what jobs it has cannot be read"
            raise Refused(said, remedy="look in Interact itself; `history` shows what ran")
        jobs = find_drift(
            client.jobs(),
            client.jobs(managed_by=managed_by, deleted=True),
            managed_by=managed_by,
            target=f"{target.url} {target.organization}",
            definitions=definitions,
            whole=workspace.definitions_named is None,
            select=select,
        )
        return jobs if select else _with_channels(workspace, client, jobs)


def _with_channels(workspace: Workspace, client: Client, jobs: Drift) -> Drift:
    from interact_gitops.cli.declared import plan_channels
    from interact_gitops.interact.errors import NotFound
    from interact_gitops.planning.drift import with_channels

    try:
        remote = client.channels.list()
    except NotFound:  # a target without channels
        return jobs
    beside = plan_channels(workspace, client, managed_by=jobs.managed_by, patterns=None, adopt=(), prune=False)
    differing = {change.key for change in beside.changes} if beside else set()
    return with_channels(jobs, remote, differing, {channel.name for channel in workspace.channels})


def _definitions(workspace: Workspace) -> tuple[Definition, ...] | None:
    """The tree, where it can be used: drift is about the target, and a broken file must not hide it."""
    try:
        return workspace.definitions()
    except Failure as failure:
        note(f"note: {failure.message}; so a job that git no longer has counts as deleted here, too")
    return None
