"""`init`: a jobs repository to start from. Nothing that is there is overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, visible
from interact_gitops.errors import Failure, ProblemsFound, Refused


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
    try:
        for name in _workflows(workspace, target):
            say(click.style("  made  ", fg="green") + visible(name))
    except (Refused, ProblemsFound) as why:
        said = f"No workflows were made: {why.message}."
        say(f"\n{visible(said)}\n  {visible(why.remedy or 'mend them, and run `interact-gitops workflows generate`')}")
    place = "" if folder == Path() else f"cd {folder} && "
    say(f"\nNext: {place}interact-gitops validate, then `interact-gitops serve` in another terminal and `plan` here.")


def _workflows(workspace: Workspace, folder: Path) -> list[str]:
    """The workflows that were missing, written. Raises Refused in a folder that is not the top of a repository,
    ProblemsFound where the definitions cannot be read yet."""
    from interact_gitops.cli.saving import save_generated
    from interact_gitops.cli.scaffolding import wanted_workflows
    from interact_gitops.github.workflows.writing import Steps, compare, read_there, write

    top, wanted = wanted_workflows(Workspace(folder=folder, environ=workspace.environ))
    made = compare(wanted, read_there(top, wanted)).made
    write(top, wanted, Steps(made=made), put=save_generated)
    return list(made)
