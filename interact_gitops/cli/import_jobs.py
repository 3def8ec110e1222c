"""`import`: definitions from the target into files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json
from interact_gitops.errors import ExitCode, Refused

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.planning.applying import Applied
    from interact_gitops.planning.imported import Import


@command(
    "import",
    examples="""
interact-gitops import
interact-gitops import --write
interact-gitops import 'weekly-*' agent:paid-search-analyst --full
interact-gitops import monday-briefing --write --adopt
""",
)
@click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
@click.option("--write", is_flag=True, help="Write the files.")
@click.option("--adopt", is_flag=True, help="With --write: then take over, on the target, what nobody manages yet.")
@click.option("--yes", is_flag=True, help="Do not ask before taking over. Needed where there is no terminal.")
@click.option("--full", is_flag=True, help="Show the files that would be written, or how they would change.")
@json_format()
def import_jobs(
    workspace: Workspace, selectors: tuple[str, ...], write: bool, adopt: bool, yes: bool, full: bool, form: str
) -> int:
    """Bring the definitions in line with the target. Writes nothing without --write.

    A job that no file has gets a file of its own. One that a file has is changed there, in what differs: comments,
    layout and defaults files stay, and so does whatever a target's variables make equal. Nothing is deleted. SELECTORs
    are those of plan: keys, globs, label:, agent:, path:, with ! to leave out.

    Afterwards plan shows no changes for the jobs that this repository manages. What a file cannot say is told, and the
    exit code is 1 then. On a target with the public API alone (hosted Interact) every job that ever ran is found
    through its chats, by id, name and agent; what is unknown is marked.
    """
    if adopt and not write:
        raise Refused("--adopt takes over what is in the files", remedy="pass --write, too")
    with workspace.client() as client:
        if client.surface() == "public":
            from interact_gitops.cli.hosted_import import import_there

            if adopt:
                raise Refused("--adopt: jobs there carry no ownership mark", remedy="leave --adopt out")
            import_there(workspace, client, select=selectors, write=write, full=full, form=form)
            return ExitCode.DONE
        return _import(workspace, client, selectors, write=write, adopting=adopt, yes=yes, full=full, form=form)


def _import(
    workspace: Workspace, client: Client, selectors: tuple[str, ...], *, write: bool, adopting: bool, yes: bool,
    full: bool, form: str,
) -> int:  # fmt: skip
    from interact_gitops.cli.importing import adopt, demand_adoptable, read_import, write_import
    from interact_gitops.planning.rendering.importing import import_to_json

    if adopting:
        demand_adoptable(workspace)
    made = read_import(workspace, client, selectors)
    if write:
        write_import(workspace, made)
    if form == "text":
        _say(workspace, made, written=write, adopting=adopting, full=full)
    taken = adopt(workspace, client, made, selectors=selectors, yes=yes) if adopting else None
    if form == "json":
        adopted = [outcome.change.key for outcome in taken.outcomes if outcome.result == "done"] if taken else []
        say_json({"target": workspace.target.name, **import_to_json(made, written=write), "adopted": adopted})
    elif taken is not None:
        _say_taken(taken)
    return ExitCode.DONE if made.complete and (taken is None or taken.complete) else ExitCode.FAILED


def _say(workspace: Workspace, made: Import, *, written: bool, adopting: bool, full: bool) -> None:
    from interact_gitops.cli.differences import coloured, difference
    from interact_gitops.cli.planned import say_lines
    from interact_gitops.planning.rendering.importing import render_import

    if full:
        for file in made.files:
            say(coloured(difference(file.shown, file.before, file.after)))
    say_lines(render_import(made, written=written, adopting=adopting, quiet=workspace.quiet))


def _say_taken(taken: Applied) -> None:
    from interact_gitops.cli.planned import say_lines
    from interact_gitops.planning.rendering.text import render_applied

    say_lines(render_applied(taken))
