"""`plan`: what apply would do, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note, say, say_document
from interact_gitops.cli.planned import is_public, make_plan, say_lines
from interact_gitops.cli.times import now
from interact_gitops.errors import ExitCode, Refused

if TYPE_CHECKING:
    from interact_gitops.planning.plan import Plan


@command(
    "plan",
    examples="""
interact-gitops plan
interact-gitops plan --select label:team=paid-search --full
interact-gitops plan --format json --detailed-exitcode
interact-gitops plan --format markdown > comment.md
interact-gitops plan --out plan.json
interact-gitops plan --base origin/main
""",
)
@click.option("--base", metavar="REV", help="Compare with the definitions of this commit; no target, no secret.")
@click.option("--select", multiple=True, metavar="SELECTOR", help="Only these jobs: key, glob, label:, agent:, path:.")
@click.option("--adopt", multiple=True, metavar="SELECTOR", help="Take over these jobs, which nobody manages yet.")
@click.option(
    "--prune/--no-prune", default=None, help="Delete managed jobs that are not in the tree.  [default: prune]"
)
@click.option("--full", is_flag=True, help="Show every field, and cut nothing.")
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan, for `apply FILE`.")
@click.option("--allow-deletes", metavar="N|N%", help="Say whether apply would do it with this limit of deletes.")
@click.option("--allow-changes", metavar="N|N%", help="Say whether apply would do it with this limit of updates.")
@click.option("--allow-empty", is_flag=True, help="Say whether apply would do it when an empty tree is accepted.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to do.")
@json_format("markdown")
def plan(
    workspace: Workspace,
    base: str | None,
    select: tuple[str, ...],
    adopt: tuple[str, ...],
    prune: bool | None,
    full: bool,
    detailed_exitcode: bool,
    out: Path | None,
    form: str,
    **allowed: Any,
) -> int:
    """Show what apply would create, update and delete on the target. Changes nothing.

    On a target with the public API alone (hosted Interact), each job is bound to one there, unbound or ambiguous,
    and refused (!) when it needs what that API cannot do; fields cannot be compared. There --detailed-exitcode exits
    with 2 unless every job is bound and none refused.
    """
    if base is not None:
        from interact_gitops.cli.between import plan_between

        if out is not None or adopt:
            raise Refused("a plan between two trees cannot be applied", remedy="leave out --out and --adopt")
        between = plan_between(workspace, base, select=select, prune=prune)
        identity = f"base {workspace.target_named or ''}"
        _say_plan(workspace, between, form, full=full, held=_held(workspace, between, **allowed), identity=identity)
        return ExitCode.CHANGES_PENDING if detailed_exitcode and between.changes else ExitCode.DONE
    with workspace.client() as client:
        if is_public(workspace, client):
            from interact_gitops.cli.hosted import plan_there

            return plan_there(workspace, client, full=full, form=form, select=select, adopt=adopt, prune=prune,
                              out=out, detailed_exitcode=detailed_exitcode)  # fmt: skip
        made = make_plan(workspace, client, select=select, adopt=adopt, prune=prune)
    held = _held(workspace, made, **allowed)
    if out is not None:
        from interact_gitops.cli.inputs import write_text
        from interact_gitops.planning.saved import save_plan

        write_text(out, json.dumps(save_plan(made, select=select, adopt=adopt), indent=2, ensure_ascii=False) + "\n")
    _say_plan(workspace, made, form, full=full, held=held)
    return ExitCode.CHANGES_PENDING if detailed_exitcode and made.changes else ExitCode.DONE


def _say_plan(
    workspace: Workspace, made: Plan, form: str, *, full: bool, held: str | None, identity: str | None = None
) -> None:
    if form == "json":
        from interact_gitops.planning.rendering.json import plan_to_json

        say_document({**plan_to_json(made), "held": held})
    elif form == "markdown":
        from interact_gitops.planning.rendering.markdown import render_markdown

        say(render_markdown(made, now=now(), full=full, quiet=workspace.quiet, held=held, identity=identity))
    else:
        from interact_gitops.planning.rendering.text import render_plan

        say_lines(render_plan(made, now=now(), full=full, quiet=workspace.quiet))
    if held is not None and form != "json":
        note(f"apply would refuse this: {held}")


def _held(workspace: Workspace, made: Plan, **allowed: Any) -> str | None:
    """What apply would refuse is better known before. Raises Failure for a limit that is none."""
    from interact_gitops.errors import GuardHeld
    from interact_gitops.planning.guards import Guards, check_guards

    settings = workspace.settings
    try:
        check_guards(made, Guards(max_deletes=settings.max_deletes, max_changes=settings.max_changes), **allowed)
    except GuardHeld as held:
        return str(held)
    return None
