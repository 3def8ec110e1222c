"""A command that has commands of its own: called alone, it says its help."""

from __future__ import annotations

import click

from interact_gitops.cli.everywhere import global_options


def group(name: str, *commands: click.Command, help: str, examples: str) -> click.Group:  # click's name
    """The group `name` of `commands`; `examples` are commands, one a line."""
    shown = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    made = click.Group(
        name, epilog=f"\b\nExamples:\n{shown}", params=list(global_options()), callback=_say_help,
        invoke_without_command=True, help=help,
    )  # fmt: skip
    for command in commands:
        made.add_command(command)
    return made


def _say_help() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
