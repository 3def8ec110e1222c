"""`github`: what this repository's workflows do at GitHub; each part can be run by hand where its variables are."""

from __future__ import annotations

import click

from interact_gitops.cli.everywhere import global_options
from interact_gitops.cli.github_action import action
from interact_gitops.cli.github_comment import comment
from interact_gitops.cli.github_dispatch import dispatch
from interact_gitops.cli.github_head import head
from interact_gitops.cli.github_posts import issue, status
from interact_gitops.cli.output import say

EXAMPLES = """\b
Examples:
  interact-gitops github dispatch weekly-report
  interact-gitops github issue drift.md --needed true
  interact-gitops github status --context interact-gitops/apply"""


def _say_help() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        say(context.get_help())


github = click.Group(
    "github", epilog=EXAMPLES, params=list(global_options()), callback=_say_help, invoke_without_command=True,
    help="What the workflows of `workflows generate` do at GitHub.",
)  # fmt: skip
for _command in (action, dispatch, comment, head, issue, status):
    github.add_command(_command)
