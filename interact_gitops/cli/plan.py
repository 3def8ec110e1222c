"""`plan`: what apply would do, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note
from interact_gitops.cli.planned import make_plan, say_lines
from interact_gitops.errors import ExitCode

if TYPE_CHECKING:
    from interact_gitops.planning.plan import Plan


@command(
    "plan",
    examples="""
interact-gitops plan
interact-gitops plan --select label:team=paid-search --full
interact-gitops plan --format json --detailed-exitcode
interact-gitops plan --out plan.json
""",
)
@click.option("--select", multiple=True, metavar="SELECTOR", help="Only these jobs: key, glob, label:, agent:, path:.")
@click.option("--adopt", multiple=True, metavar="SELECTOR", help="Take over these jobs, which nobody manages yet.")
@click.option(
    "--prune/--no-prune", default=None, help="Delete managed jobs that are not in the tree.  [default: prune]"
)
@click.option("--full", is_flag=True, help="Show every field of what is created and deleted.")
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@json_format()
def plan(
    workspace: Workspace,
    select: tuple[str, ...],
    adopt: tuple[str, ...],
    prune: bool | None,
    full: bool,
    detailed_exitcode: bool,
    out: Path | None,
    form: str,
) -> int:
    """Show what apply would create, update and delete on the target. Changes nothing."""
    from interact_gitops.cli.inputs import write_text
    from interact_gitops.cli.output import say_document
    from interact_gitops.planning.rendering.json import plan_to_json
    from interact_gitops.planning.rendering.text import render_plan
    from interact_gitops.planning.saved import save_plan

    with workspace.client() as client:
        made = make_plan(workspace, client, select=select, adopt=adopt, prune=prune)
    if out is not None:
        write_text(out, json.dumps(save_plan(made, select=select, adopt=adopt), indent=2, ensure_ascii=False) + "\n")
    if form == "json":
        say_document(plan_to_json(made))
    else:
        say_lines(render_plan(made, full=full, quiet=workspace.quiet))
        _say_guards(workspace, made)
    return ExitCode.CHANGES_PENDING if detailed_exitcode and made.changes else ExitCode.DONE


def _say_guards(workspace: Workspace, made: Plan) -> None:
    """What apply would refuse is better known before."""
    from interact_gitops.errors import GuardHeld
    from interact_gitops.planning.guards import Guards, check_guards

    try:
        check_guards(
            made, Guards(max_deletes=workspace.settings.max_deletes, max_changes=workspace.settings.max_changes)
        )
    except GuardHeld as held:
        note(f"apply would refuse this: {held}")
