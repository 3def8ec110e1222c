"""`run`: a job, now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note
from interact_gitops.cli.started import note_started, say_end, say_runs, say_started
from interact_gitops.cli.subjects import job_argument
from interact_gitops.errors import Failure, RunFailed

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, RemoteJob, Triggered


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
    """
    from interact_gitops.cli.chats import find_remote_job
    from interact_gitops.cli.inputs import read_combinations, read_parameters

    with workspace.client() as client:
        if client.surface() == "public":
            from interact_gitops.cli.hosted_run import run_there

            run_there(workspace, client, job, by_id=by_id, wait=wait, follow=follow, form=form, **options)
            return
        remote = client.job(job) if by_id else find_remote_job(client, job)
        parameters = read_parameters(remote.raw, options["given"], options["params_file"])
        combinations = read_combinations(options["combinations"]) if options["combinations"] else None
        if parameters and combinations is not None:
            raise Failure(
                "parameters and --combinations are both given", remedy="put the parameters into each combination"
            )
        started = client.trigger(
            remote.id, parameters=parameters or None, combinations=combinations,
            max_parallel=options["max_parallel"], trigger="manual", idempotency_key=_key(remote),
        )  # fmt: skip
        ends = _wait(client, remote, started, follow, quiet=form == "json") if wait or follow else {}
    if form == "json":
        say_runs(remote.id, remote.key, started.chats, ends)
    elif not ends:
        say_started(started.chats)
    failed = [summary for summary in ends.values() if summary.state != "succeeded"]
    if failed:
        said = f"{len(failed)} of {len(ends)} chats did not succeed"
        raise RunFailed(said, remedy=f"see `interact-gitops chat {failed[0].id}`")


def _key(remote: RemoteJob) -> str:
    """A new run key: a lost answer is asked for again under the same key, and starts nothing twice."""
    import uuid

    return f"{remote.key or remote.id}!{uuid.uuid4()}"


def _wait(
    client: Client, remote: RemoteJob, started: Triggered, follow: bool, *, quiet: bool
) -> dict[str, ChatSummary]:
    from interact_gitops.cli.chats import wait_for

    def changed(summary: ChatSummary) -> None:
        if not quiet and summary.state != "active":
            say_end(client, summary, follow=follow)

    try:
        if not quiet:
            note_started(started.chats)
        return wait_for(client, remote.id, [chat.id for chat in started.chats], changed)
    except KeyboardInterrupt:
        note(f"no longer waiting; the run goes on. Stop it with `interact-gitops cancel {started.chats[0].id} --all`")
        raise
