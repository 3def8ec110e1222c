"""`apply`: bring a target in line with the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.locking import locked, read_wait
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.planned import is_public, make_plan, say_lines
from interact_gitops.cli.times import now
from interact_gitops.errors import ExitCode


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
@click.option(
    "--on-error", type=click.Choice(["stop", "continue"]), default="stop", show_default=True,
    help="What becomes of the rest when a write fails.",
)  # fmt: skip
@click.option(
    "--lock-timeout", callback=read_wait, default="1m", show_default=True, metavar="DURATION",
    help="How long to wait for another apply to end; 0 for not at all.",
)  # fmt: skip
@click.option("--approved", metavar="DIGEST", help="With a PLANFILE: refuse it unless its digest is this one.")
@json_format()
def apply(workspace: Workspace, planfile: Path | None, yes: bool, form: str, lock_timeout: int, **options: Any) -> int:
    """Create, update and delete jobs on the target until it matches the definitions.

    With a PLANFILE that `plan --out` wrote, every change must still be the one in it, or nothing is done.

    One apply at a time: a second one on the same target waits for the first, and plans after it.

    Only jobs with this repository's ownership mark are touched. Running it again finishes what a failure left.

    On a target with the public API alone (hosted Interact) nothing is written: it prints what to enter in Interact's
    own form for each job that is not there, and exits with 1 unless every job is bound and can run there.
    """
    from interact_gitops.cli.declared import channel_secrets
    from interact_gitops.cli.output import say_document
    from interact_gitops.cli.progress import progress
    from interact_gitops.cli.reviewed import confirm, read_plan, wanted
    from interact_gitops.planning.applying import apply as write
    from interact_gitops.planning.guards import Guards, check_guards
    from interact_gitops.planning.rendering.json import applied_to_json
    from interact_gitops.planning.rendering.text import render_applied, render_plan
    from interact_gitops.planning.saved import demand_approved, demand_unchanged

    with workspace.client() as client:
        if is_public(workspace, client):
            from interact_gitops.cli.hosted import apply_there

            return apply_there(workspace, client, form=form, planfile=planfile, **options)
        saved = read_plan(workspace, planfile, yes, options)
        demand_approved(saved, options["approved"])
        chosen = saved["options"] if saved else options
        partial = bool(chosen["select"]) or workspace.definitions_named is not None
        prune = None if saved and partial else chosen["prune"]
        guards = Guards(max_deletes=workspace.settings.max_deletes, max_changes=workspace.settings.max_changes)
        with locked(workspace, client, wait_seconds=lock_timeout) as lease:
            made = make_plan(workspace, client, select=chosen["select"], adopt=chosen["adopt"], prune=prune)
            if form == "text":
                say_lines(render_plan(made, now=now(), quiet=workspace.quiet))
            if saved:
                demand_unchanged(saved, made, lambda: wanted(workspace))
            check_guards(made, guards, **{n: options[n] for n in ("allow_deletes", "allow_changes", "allow_empty")})
            secrets = channel_secrets(workspace, chosen["select"])
            confirm(workspace, made, yes)
            with progress("applying", len(made.writes), quiet=workspace.quiet) as step:
                done = write(
                    made, client, parallelism=options["parallelism"], on_error=options["on_error"], secrets=secrets,
                    held=lease.held if lease else None, progress=lambda outcome: step(outcome.result == "done"),
                )  # fmt: skip
            # Before the lock is released: a target that does not answer must not hold the report up.
            if form == "json":
                say_document(applied_to_json(done))
            elif made.changes:
                say_lines(render_applied(done, quiet=workspace.quiet))
    if done.bug is not None:
        raise done.bug
    if done.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if done.complete else ExitCode.FAILED
