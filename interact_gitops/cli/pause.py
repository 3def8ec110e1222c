"""`pause`: no schedule starts a job until it is resumed."""

from __future__ import annotations

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.subjects import job_argument


@command(
    "pause",
    examples="""
interact-gitops pause weekly-campaign-performance --reason "the ads API is down"
interact-gitops pause weekly-campaign-performance --reason "INC-412" --format json
""",
)
@job_argument()
@click.option("--reason", required=True, metavar="TEXT", help="Why, for whoever finds it paused.")
@json_format()
def pause(workspace: Workspace, job: str, reason: str, form: str) -> None:
    """Let no schedule start JOB until `resume`, for an emergency: nothing changes in git, and plan shows no drift.

    What is in progress goes on, and runs by hand are possible. What falls into a pause is not caught up: backfill it.
    It is kept where the schedules of the target are evaluated: there, or in the ledger of the runners.
    """
    from interact_gitops.cli.standstill import say_pause, stand_still

    say_pause(job, stand_still(workspace, job, reason), form=form)
