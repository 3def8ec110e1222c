"""`init`: a jobs repository to start from. Nothing that is there is overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, visible
from interact_gitops.errors import Failure


@command(
    "init",
    examples="""
interact-gitops init
interact-gitops init marketing-jobs
""",
)
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
def init(workspace: Workspace, folder: Path) -> None:
    """Scaffold a jobs repository in DIR: configuration, an example job, editor settings. Never overwrites."""
    from interact_gitops.cli.scaffold import scaffold

    if folder.exists() and not folder.is_dir():
        raise Failure(f"{str(folder)!r} is a file", remedy="name a folder")
    target = workspace.folder / folder
    made, kept = scaffold(target)
    for name in made:
        say(click.style("  made  ", fg="green") + visible(name))
    for name in kept:
        say(click.style("  kept  ", dim=True) + visible(name))
    place = "" if folder == Path() else f"cd {folder} && "
    say(f"\nNext: {place}interact-gitops validate, then `interact-gitops serve` in another terminal and `plan` here.")
