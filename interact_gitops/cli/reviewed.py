"""What apply asks for before it writes: a reviewed plan, or a person's yes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.planning.plan import Plan
    from interact_gitops.planning.saved import Wanted


def read_plan(
    workspace: Workspace, file: Path | None, yes: bool, options: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The plan file, where one is given; a protected target takes nothing else. Raises Refused."""
    from interact_gitops.cli.inputs import read_json
    from interact_gitops.planning.saved import check_saved

    if workspace.target.protected and (file is None or not yes):
        said = f"the target {workspace.target.name!r} is protected: apply needs a plan file and --yes"
        raise Refused(said, remedy="`interact-gitops plan --out FILE`, have it read, then `apply FILE --yes`")
    if file is None:
        return None
    if options["select"] or options["adopt"] or options["prune"] is not None:
        raise Refused("a plan file says itself what it selects, adopts and prunes", remedy="leave these options out")
    return check_saved(read_json(file), str(file))


def wanted(workspace: Workspace) -> Wanted:
    """What the definitions say, as changes would write it; secrets and what is left to people apart."""
    from interact_gitops.jobs.channels import FINGERPRINTS, channel_definition
    from interact_gitops.jobs.wire import FIELDS, job_to_wire

    enabled = workspace.target.schedules != "runner"
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for definition in workspace.definitions():
        job = definition.job
        left = {FIELDS[name] for name in job.ignore_changes}
        wire = {**job_to_wire(job), "scheduleEnabled": enabled}
        found["job", job.key] = {name: value for name, value in wire.items() if name not in left}
    for channel in workspace.channels:
        own = {name: getattr(channel, name) for name in ("name", "type", "level", "topics", "to")}
        form = channel_definition({**own, **dict.fromkeys(FINGERPRINTS.values())})
        found["channel", channel.name] = {name: form[name] for name in own}
    return found


def confirm(workspace: Workspace, made: Plan, yes: bool) -> None:
    """Ask, unless there is nothing to do or it was answered beforehand. Raises Refused."""
    if yes or not made.changes:
        return
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Refused("apply asks before it writes, and there is no terminal here", remedy="pass --yes")
    if not click.confirm(f"Apply this to {workspace.target.name} ({workspace.target.url})?"):
        raise Refused("nothing was changed")
