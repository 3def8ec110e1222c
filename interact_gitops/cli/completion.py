"""`completion`: the script that teaches a shell this program's commands, options and job keys."""

from __future__ import annotations

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say


@command(
    "completion",
    examples="""
interact-gitops completion bash > ~/.local/share/bash-completion/completions/interact-gitops
interact-gitops completion zsh > "${fpath[1]}/_interact-gitops"
interact-gitops completion fish > ~/.config/fish/completions/interact-gitops.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(workspace: Workspace, shell: str) -> None:  # noqa: ARG001  # every command takes the workspace
    """Print the completion script for SHELL: commands, options and job keys."""
    from click.shell_completion import get_completion_class

    from interact_gitops.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None
    say(made(cli, {}, "interact-gitops", "_INTERACT_GITOPS_COMPLETE").source())
