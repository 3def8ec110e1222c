"""`resume`: the schedule of a paused job goes on."""

from __future__ import annotations

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.subjects import job_argument


@command(
    "resume",
    examples="""
interact-gitops resume weekly-campaign-performance
""",
)
@job_argument()
@json_format()
def resume(workspace: Workspace, job: str, form: str) -> None:
    """Let the schedule of JOB go on, and forget its failures in a row.

    What fell into the pause is not caught up; `backfill` runs it.
    """
    from interact_gitops.cli.standstill import go_on, say_resume

    say_resume(job, go_on(workspace, job), form=form)
