"""`up`: the sync loop and the runner in one process, for a small team."""

from __future__ import annotations

from typing import Any

import click

from interact_gitops.cli.notifying import notifying
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.runner import working
from interact_gitops.cli.sync import source_options


@command(
    "up",
    examples="""
interact-gitops up --repo https://github.com/acme/jobs
interact-gitops up --repo /srv/git/jobs.git --serve
interact-gitops up --repo git@github.com:acme/jobs.git --ssh-key deploy_key --listen 0.0.0.0:8080
""",
)
@click.option("--serve", "serves", is_flag=True, help="Serve the embedded Interact, too.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8642, show_default=True, help="Port of --serve.")
@notifying
@working
def up(workspace: Workspace, /, **options: Any) -> int:
    """Keep the target in step with a branch, and start what is due, in one process.

    The same as `sync` and `runner` side by side; the runner works from the last good commit, whatever the branch is
    at. A part that fails is started again, and the others go on. SIGTERM and Ctrl-C let it wait for the answers to
    what was sent. `interact-gitops status` tells how everything stands. --port, --public-url, --smtp-url, --mail-from
    and --allow-… are for --serve.
    """
    from interact_gitops.cli.together import run_together

    return run_together(workspace, options)


up.params[:0] = source_options()
