"""`run`: a job, now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import mark, note, say, say_json
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
""",
)
@job_argument()
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter's value.")
@click.option("--params-file", type=click.Path(path_type=Path), help="A YAML or JSON map of values.")
@click.option("--combinations", type=click.Path(path_type=Path), help="A YAML or JSON list of maps: one chat each.")
@click.option("--max-parallel", type=click.IntRange(1, 100), help="Chats of a fan-out at a time.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 0 only when every chat succeeded.")
@click.option("--follow", is_flag=True, help="Wait, and show each answer as it comes.")
@json_format()
def run(workspace: Workspace, job: str, wait: bool, follow: bool, form: str, **options: Any) -> None:
    """Start JOB on the target.

    With no -p it runs its own fan-out, or with its defaults; -p starts one chat with these values instead.
    """
    from interact_gitops.cli.chats import find_remote_job
    from interact_gitops.cli.inputs import read_combinations, read_parameters

    with workspace.client() as client:
        remote = find_remote_job(client, job)
        parameters = read_parameters(remote, options["given"], options["params_file"])
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
        say_json(
            {
                "job": {"id": remote.id, "key": remote.key},
                "runs": [_as_json(c.id, c.parameters, ends) for c in started.chats],
            }
        )
    elif not ends:
        _say_started(started)
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
    from interact_gitops.cli.chats import parameters_words, wait_for
    from interact_gitops.cli.conversation import chat_text

    def changed(summary: ChatSummary) -> None:
        if quiet:
            return
        if summary.state == "active":
            return
        if follow:
            say("\n".join(chat_text(client.chat(summary.id).raw, summary.state)) + "\n")
        else:
            say(f"{summary.id}  {mark(summary.state)}  {parameters_words(summary.parameters)}")

    try:
        if not quiet:
            note(
                f"started {len(started.chats)} chat{'s' if len(started.chats) > 1 else ''}, from {started.chats[0].id}"
            )
        return wait_for(client, remote.id, [chat.id for chat in started.chats], changed)
    except KeyboardInterrupt:
        note(f"no longer waiting; the run goes on. Stop it with `interact-gitops cancel {started.chats[0].id} --all`")
        raise


def _say_started(started: Triggered) -> None:
    from interact_gitops.cli.chats import parameters_words

    for chat in started.chats:
        say(f"started {chat.id}  {parameters_words(chat.parameters)}")
    note(f"see the answer with `interact-gitops chat {started.chats[0].id}`")


def _as_json(chat_id: str, parameters: Any, ends: dict[str, ChatSummary]) -> dict[str, Any]:
    end = ends.get(chat_id)
    return {
        "id": chat_id,
        "parameters": parameters,
        "status": end.status if end else None,
        "state": end.state if end else None,
    }
