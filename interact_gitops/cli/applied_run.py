"""`run` on a target with the definitions API: what was applied there, under a key that starts nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.booked import add_manual, applied_job, desk_of
from interact_gitops.cli.output import note
from interact_gitops.cli.started import note_started, say_end, say_runs, say_started
from interact_gitops.errors import Failure, RunFailed

if TYPE_CHECKING:
    from interact_gitops.cli.booked import Desk
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, RemoteJob, Triggered


def run_applied(
    workspace: Workspace, client: Client, named: str, *, by_id: bool, wait: bool, follow: bool, form: str, **given: Any
) -> None:
    """Start the job that `named` means; with `wait` or `follow`, see it to its end."""
    from interact_gitops.cli.chats import find_remote_job
    from interact_gitops.cli.inputs import read_combinations, read_parameters

    remote = client.job(named) if by_id else find_remote_job(client, named)
    parameters = read_parameters(remote.raw, given["given"], given["params_file"])
    combinations = read_combinations(given["combinations"]) if given["combinations"] else None
    if parameters and combinations is not None:
        raise Failure("parameters and --combinations are both given",
                      remedy="put the parameters into each combination")  # fmt: skip
    with desk_of(workspace, client) as desk:
        started, key = _start(desk, client, remote, parameters, combinations, given["max_parallel"])
        see_through(desk, client, remote, key, started, wait=wait, follow=follow, form=form)


def see_through(
    desk: Desk | None, client: Client, remote: RemoteJob, key: str, started: Triggered,
    *, wait: bool, follow: bool, form: str,
) -> None:  # fmt: skip
    """What was started, to its end where somebody waits. Raises RunFailed unless every chat succeeded."""
    ends = see_to_end(client, remote.id, started, follow=follow, quiet=form == "json") if wait or follow else {}
    if desk is not None and ends:
        desk.seen(key, ends)
    report(remote.id, remote.key, started, ends, key if desk is not None else None, form=form)


def see_to_end(client: Client, job_id: str, started: Triggered, *, follow: bool, quiet: bool) -> dict[str, ChatSummary]:
    """Wait for every chat, saying each end as it comes."""
    from interact_gitops.cli.chats import wait_for

    def changed(summary: ChatSummary) -> None:
        if not quiet and summary.state != "active":
            say_end(client, summary, follow=follow)

    try:
        note_started(started.chats)
        return wait_for(client, job_id, [chat.id for chat in started.chats], changed)
    except KeyboardInterrupt:
        note(f"no longer waiting; the run goes on. Stop it with `interact-gitops cancel {started.chats[0].id} --all`")
        raise


def report(
    job_id: str, key: str | None, started: Triggered, ends: Mapping[str, ChatSummary], run_key: str | None, *, form: str
) -> None:
    """What was started, and, where somebody waited, how it ended. Raises RunFailed unless every chat succeeded."""
    if form == "json":
        say_runs(job_id, key, started.chats, ends, run_key)
    elif not ends:
        say_started(started.chats)
    failed = [summary for summary in ends.values() if summary.state != "succeeded"]
    if failed:
        said = f"{len(failed)} of {len(ends)} chats did not succeed"
        raise RunFailed(said, remedy=f"see `interact-gitops chat {failed[0].id}`")


def _start(
    desk: Desk | None, client: Client, remote: RemoteJob, parameters: Mapping[str, Any],
    combinations: Sequence[Mapping[str, Any]] | None, most: int | None,
) -> tuple[Triggered, str]:  # fmt: skip
    """(what was started, its run key). A lost answer is asked for again under that key, which starts nothing twice."""
    from interact_gitops.jobs.fan_out import expand
    from interact_gitops.jobs.parameters import complete
    from interact_gitops.ledger.keys import idempotency_key, manual_key
    from interact_gitops.runner.remote import trigger

    if desk is None:
        key = manual_key(remote.key or remote.id)
        return client.trigger(
            remote.id, parameters=parameters or None, combinations=combinations, max_parallel=most, trigger="manual",
            idempotency_key=idempotency_key(key, 1),
        ), key  # fmt: skip
    runnable = applied_job(remote)
    job = runnable.job
    if combinations is None and not parameters and job.fan_out is not None:
        combinations, most = expand(job.fan_out), most or job.fan_out.max_parallel
    chats = [complete(job, values) for values in ([parameters] if combinations is None else combinations)]
    key = add_manual(desk, runnable, chats, fan_out=combinations is not None, most=most)
    return desk.send(key, remote.id, lambda request: trigger(client, request)), key
