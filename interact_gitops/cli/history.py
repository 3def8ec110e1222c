"""`history`: past runs, newest first."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import instant, say, say_json, shorten, table
from interact_gitops.cli.subjects import job_argument

if TYPE_CHECKING:
    from interact_gitops.interact.records import ChatSummary


# What we call a state, where the API has another word for it.
_ON_THE_WIRE = {"succeeded": "completed"}


@command(
    "history",
    examples="""
interact-gitops history
interact-gitops history weekly-campaign-performance --count 50
interact-gitops history --status failed --format json
""",
)
@job_argument(required=False)
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="How many runs.")
@click.option("--status", metavar="STATUS", help="Only runs in this status, e.g. failed.")
@json_format()
def history(workspace: Workspace, job: str | None, count: int, status: str | None, form: str) -> None:
    """List past runs of JOB, or of every job, newest first."""
    from interact_gitops.cli.chats import find_remote_job

    with workspace.client() as client:
        if client.surface() == "public":
            from interact_gitops.cli.hosted import past_runs

            runs = past_runs(workspace, client, job, count=count, status=status)
        else:
            job_id = find_remote_job(client, job).id if job else None
            wanted = _ON_THE_WIRE.get(status or "", status)
            runs = list(islice(client.chats(job_id=job_id, status=wanted, most=count), count))
    if form == "json":
        say_json({"runs": [_as_json(run) for run in runs]})
        return
    if not runs:
        say("No run has this status." if status else "No run yet. Start one with `interact-gitops run JOB`.")
        return
    say(table(["RUN", "STATE", "JOB", "CREATED", "BY", "PARAMETERS"], [_row(run) for run in runs]))


def _row(run: ChatSummary) -> list[str]:
    from interact_gitops.cli.chats import parameters_words

    when = instant(run.created_at.astimezone()) if run.created_at else "—"
    words = shorten(parameters_words(run.parameters), 60)
    state = run.status if run.state == "active" else run.state  # queued and running are worth telling apart
    return [run.id, state, run.job_key or run.job_name or "—", when, run.initiator or "—", words]


def _as_json(run: ChatSummary) -> dict[str, Any]:
    return {**run.raw, "state": run.state}
