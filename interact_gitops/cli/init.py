"""`init`: a jobs repository to start from. Nothing that is there is overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, visible
from interact_gitops.errors import Failure, Refused


@command(
    "init",
    examples="""
interact-gitops init
interact-gitops init marketing-jobs
""",
)
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
def init(workspace: Workspace, folder: Path) -> None:
    """Scaffold a jobs repository in DIR: configuration, an example job, editor settings, hooks, GitHub workflows.

    Never overwrites.
    """
    from interact_gitops.cli.scaffold import scaffold

    if folder.exists() and not folder.is_dir():
        raise Failure(f"{str(folder)!r} is a file", remedy="name a folder")
    target = workspace.folder / folder
    made, kept = scaffold(target)
    for name in made:
        say(click.style("  made  ", fg="green") + visible(name))
    for name in kept:
        say(click.style("  kept  ", dim=True) + visible(name))
    for name in _workflows(workspace, target):
        say(click.style("  made  ", fg="green") + visible(name))
    place = "" if folder == Path() else f"cd {folder} && "
    say(f"\nNext: {place}interact-gitops validate, then `interact-gitops serve` in another terminal and `plan` here.")


def _workflows(workspace: Workspace, folder: Path) -> list[str]:
    """The workflows that were missing, written; none in a folder that is not the top of a repository, or whose
    definitions cannot be read yet."""
    from interact_gitops.cli.saving import save_generated
    from interact_gitops.cli.scaffolding import wanted_workflows
    from interact_gitops.errors import ProblemsFound
    from interact_gitops.github.workflows.writing import Steps, compare, read_there, write

    there = Workspace(folder=folder, environ=workspace.environ)
    try:
        top, wanted = wanted_workflows(there)
    except (Refused, ProblemsFound):
        return []
    made = compare(wanted, read_there(top, wanted)).made
    write(top, wanted, Steps(made=made), put=save_generated)
    return list(made)
