"""`run`: a job, now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.subjects import job_argument


@command(
    "run",
    examples="""
interact-gitops run account-overview --wait
interact-gitops run campaign-check -p campaign_id=CMP-2026-004 -p days=28 --wait --follow
interact-gitops run weekly-campaign-performance --combinations combinations.yaml
interact-gitops run --id job_8f14e45f --wait
""",
)
@job_argument()
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter's value.")
@click.option("--params-file", type=click.Path(path_type=Path), help="A YAML or JSON map of values.")
@click.option("--combinations", type=click.Path(path_type=Path), help="A YAML or JSON list of maps: one chat each.")
@click.option("--max-parallel", type=click.IntRange(1, 100), help="Chats of a fan-out at a time.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 0 only when every chat succeeded.")
@click.option("--follow", is_flag=True, help="Wait, and show each answer as it comes.")
@click.option("--id", "by_id", is_flag=True, help="JOB is the job's id on the target, not its key.")
@json_format()
def run(workspace: Workspace, job: str, by_id: bool, wait: bool, follow: bool, form: str, **options: Any) -> None:
    """Start JOB on the target.

    With no -p it runs its own fan-out, or with its defaults; -p starts one chat with these values instead.

    On a target with the public API alone, JOB is the job there that the definition is bound to (see plan). It is
    started only while no run of it is in progress, and once: an answer that was lost is looked for in the list of
    chats. A run is waited for as long as the job's timeout.

    The ledger keeps who started what, where something says whose jobs these are (managed_by, or a git remote).
    """
    from interact_gitops.cli.applied_run import run_applied
    from interact_gitops.cli.hosted_run import run_there

    with workspace.client() as client:
        start = run_there if client.surface() == "public" else run_applied
        start(workspace, client, job, by_id=by_id, wait=wait, follow=follow, form=form, **options)
