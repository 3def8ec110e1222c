"""`apply`: bring a target in line with the definitions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.planned import make_plan, say_lines
from interact_gitops.errors import ExitCode, Refused

if TYPE_CHECKING:
    from interact_gitops.planning.plan import Plan


@command(
    "apply",
    examples="""
interact-gitops apply
interact-gitops apply --yes
interact-gitops apply --yes --select monday-briefing
interact-gitops apply --yes --allow-deletes 5
interact-gitops apply plan.json --yes
""",
)
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@click.option("--select", multiple=True, metavar="SELECTOR", help="Only these jobs: key, glob, label:, agent:, path:.")
@click.option("--adopt", multiple=True, metavar="SELECTOR", help="Take over these jobs, which nobody manages yet.")
@click.option(
    "--prune/--no-prune", default=None, help="Delete managed jobs that are not in the tree.  [default: prune]"
)
@click.option("--allow-deletes", metavar="N|N%", help="Delete up to this many, once.")
@click.option("--allow-changes", metavar="N|N%", help="Update up to this many, once.")
@click.option("--allow-empty", is_flag=True, help="Accept an empty tree, once.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=8, show_default=True, help="Writes at a time.")
@click.option("--on-error", type=click.Choice(["stop", "continue"]), default="stop", show_default=True)
@json_format()
def apply(workspace: Workspace, planfile: Path | None, yes: bool, form: str, **options: Any) -> int:
    """Create, update and delete jobs on the target until it matches the definitions.

    With a PLANFILE that `plan --out` wrote, every change must still be the one in it, or nothing is done.

    Only jobs with this repository's ownership mark are touched. Running it again finishes what a failure left.
    """
    from interact_gitops.cli.declared import channel_secrets
    from interact_gitops.cli.output import say_document
    from interact_gitops.planning.applying import apply as write
    from interact_gitops.planning.guards import Guards, check_guards
    from interact_gitops.planning.rendering.json import applied_to_json
    from interact_gitops.planning.rendering.text import render_applied, render_plan
    from interact_gitops.planning.saved import demand_unchanged

    with workspace.client() as client:
        saved = _read_plan(workspace, planfile, yes, options)
        chosen = saved["options"] if saved else options
        partial = bool(chosen["select"]) or workspace.definitions_named is not None
        prune = None if saved and partial else chosen["prune"]
        made = make_plan(workspace, client, select=chosen["select"], adopt=chosen["adopt"], prune=prune)
        if form == "text":
            say_lines(render_plan(made, quiet=workspace.quiet))
        if saved:
            demand_unchanged(saved, made)
        guards = Guards(max_deletes=workspace.settings.max_deletes, max_changes=workspace.settings.max_changes)
        check_guards(made, guards, **{n: options[n] for n in ("allow_deletes", "allow_changes", "allow_empty")})
        secrets = channel_secrets(workspace, chosen["select"])
        _confirm(workspace, made, yes)
        done = write(made, client, parallelism=options["parallelism"], on_error=options["on_error"],
                     secrets=secrets)  # fmt: skip
    if form == "json":
        say_document(applied_to_json(done))
    elif made.changes:
        say_lines(render_applied(done))
    if done.bug is not None:
        raise done.bug
    if done.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if done.complete else ExitCode.FAILED


def _read_plan(
    workspace: Workspace, file: Path | None, yes: bool, options: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The plan file, where one is given; a protected target takes nothing else."""
    from interact_gitops.cli.inputs import read_json
    from interact_gitops.planning.saved import check_saved

    if file is None or not yes:
        if workspace.target.protected:
            said = f"the target {workspace.target.name!r} is protected: apply needs a plan file and --yes"
            raise Refused(said, remedy="`interact-gitops plan --out FILE`, have it read, then `apply FILE --yes`")
        if file is None:
            return None
    if options["select"] or options["adopt"] or options["prune"] is not None:
        raise Refused("a plan file says itself what it selects, adopts and prunes", remedy="leave these options out")
    return check_saved(read_json(file), str(file))


def _confirm(workspace: Workspace, made: Plan, yes: bool) -> None:
    if yes or not made.changes:
        return
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Refused("apply asks before it writes, and there is no terminal here", remedy="pass --yes")
    if not click.confirm(f"Apply this to {workspace.target.name} ({workspace.target.url})?"):
        raise Refused("nothing was changed")
