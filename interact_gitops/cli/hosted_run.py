"""`run` on a target with the public API alone: one trigger, and the chat followed through the list of chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.booked import add_manual, bound_job, desk_of
from interact_gitops.cli.output import note
from interact_gitops.cli.started import note_started, say_end, say_runs, say_started
from interact_gitops.cli.times import now
from interact_gitops.errors import Refused, RunFailed
from interact_gitops.jobs.durations import format_duration

if TYPE_CHECKING:
    from interact_gitops.cli.booked import Desk
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, StartedChat, Triggered
    from interact_gitops.interact.starting import Started
    from interact_gitops.jobs.model import Job
    from interact_gitops.ledger.records import Run

TIMEOUT = 1_800  # seconds; of a job that is named by its id there, so that no definition says


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """The job to run there, and its definition unless it was named by its id."""

    job_id: str
    key: str | None
    job: Job | None
    patience: int | None = None  # seconds; of a run that was planned before

    @property
    def timeout(self) -> int:
        """How long a run may take, in seconds."""
        return self.patience or (self.job.timeout if self.job else TIMEOUT)


def run_there(
    workspace: Workspace, client: Client, named: str, *, by_id: bool, wait: bool, follow: bool, form: str, **given: Any
) -> None:
    """Start the job that `named` means, unless it is in progress; with `wait` or `follow`, see it to its end."""
    aim = Aim(job_id=named, key=None, job=None) if by_id else _aim(workspace, client, named)
    sends_body = workspace.target.trigger_body == "send"
    body = _body(aim, given, sends_body=sends_body)
    with desk_of(workspace, client) as desk:
        key = _written_down(desk, aim, body, sends_body=sends_body)
        start_and_see(desk, key, client, aim, body, wait=wait, follow=follow, form=form)


def start_and_see(
    desk: Desk | None, key: str | None, client: Client, aim: Aim, body: Mapping[str, Any],
    *, wait: bool, follow: bool, form: str,
) -> None:  # fmt: skip
    """Start what `key` plans, and see it to its end where somebody waits. Raises RunFailed, RunSkipped."""
    chats = _start(desk, key, client, aim, body).chats
    ends = _wait(client, aim, chats, follow=follow, quiet=form == "json") if wait or follow else {}
    if desk is not None and key is not None and ends:
        desk.seen(key, ends)
    if form == "json":
        say_runs(aim.job_id, aim.key, chats, ends, key)
    elif not (wait or follow):
        say_started(chats)
    asked = len(body.get("combinations") or (1,))
    if len(chats) < asked:
        said = f"{asked} chats were asked for, and the target names {len(chats)}: it may not know combinations"
        raise RunFailed(said, remedy="see the job in Interact; run it with -p, one chat at a time")
    if wait or follow:
        _demand_success(aim, chats, ends)


def _aim(workspace: Workspace, client: Client, key: str) -> Aim:
    from interact_gitops.cli.hosted import binding_of, bound_id

    binding = binding_of(workspace, client, key)
    if binding.refused:
        said = f"the job {key!r} is never triggered on this target: {'; '.join(binding.refused)}"
        raise Refused(said, remedy="see `interact-gitops plan`; the other jobs are not concerned")
    job_id = bound_id(binding)
    for said in binding.notes:
        note(f"{key}: {said}")
    return Aim(job_id=job_id, key=key, job=binding.definition.job)


def aim_again(workspace: Workspace, client: Client, run: Run) -> Aim:
    """The job of a run that is tried again: what its definition is bound to now, else what it ran as before."""
    from interact_gitops.errors import SelectionInvalid

    try:
        aim = _aim(workspace, client, run.job)
    except SelectionInvalid:
        if run.remote_job is None:
            raise
        aim = Aim(job_id=run.remote_job, key=run.job, job=None)
    return replace(aim, patience=run.timeout)


def _body(aim: Aim, given: Mapping[str, Any], *, sends_body: bool) -> dict[str, Any]:
    """What the trigger carries: nothing, unless the target opted in and the job takes parameters."""
    from interact_gitops.cli.inputs import read_combinations, read_parameters
    from interact_gitops.jobs.fan_out import expand
    from interact_gitops.jobs.parameters import complete
    from interact_gitops.jobs.wire import job_to_wire

    typed = given["given"] or given["params_file"]
    if typed or given["combinations"] or given["max_parallel"]:
        if not sends_body:
            said = "a trigger of this target's API (public) carries no parameters"
            raise Refused(said, remedy="leave them out; the values stand in the job's own prompt in Interact")
        if aim.job is None:
            said = "the parameters of a job are known from its definition, and --id names none"
            raise Refused(said, remedy="name the job by its key")
    if aim.job is None:
        return {}
    job = aim.job
    if typed and given["combinations"]:
        raise Refused("parameters and --combinations are both given", remedy="put the parameters into each combination")
    if typed:
        values = read_parameters(job_to_wire(job), given["given"], given["params_file"])
        return {"parameters": complete(job, values)}
    file: Path | None = given["combinations"]
    combinations: Sequence[Mapping[str, Any]] | None = read_combinations(file) if file else None
    if combinations is None and job.fan_out:
        combinations = expand(job.fan_out)
    if combinations is not None:
        most = given["max_parallel"] or (job.fan_out.max_parallel if job.fan_out else None)
        return {"combinations": [complete(job, values) for values in combinations], "max_parallel": most}
    return {"parameters": complete(job, {})} if job.parameters and sends_body else {}


def _written_down(desk: Desk | None, aim: Aim, body: Mapping[str, Any], *, sends_body: bool) -> str | None:
    """The key of the run in the ledger; None where there is no ledger, or no definition says what would run."""
    if desk is None or aim.job is None:
        return None
    combinations = body.get("combinations")
    chats = [body.get("parameters") or {}] if combinations is None else combinations
    runnable = bound_job(aim.job, aim.job_id, sends_body=sends_body)
    return add_manual(desk, runnable, chats, fan_out=combinations is not None, most=body.get("max_parallel"))


def _start(desk: Desk | None, key: str | None, client: Client, aim: Aim, body: Mapping[str, Any]) -> Triggered:
    from interact_gitops.interact.starting import start_once

    def start() -> Started:
        return start_once(client, aim.job_id, timeout=aim.timeout, now=now, **body)

    try:
        if desk is None or key is None:
            return _said(start())
        return desk.send(key, aim.job_id, lambda _request: _said(start()))
    except KeyboardInterrupt:
        note("interrupted while it was being started: whether it was, `interact-gitops history` shows")
        raise


def _said(started: Started) -> Triggered:
    if started.adopted:
        note(f"the answer to the trigger was lost; {started.triggered.chats[0].id} is the one chat that began since")
    return started.triggered


def _wait(
    client: Client, aim: Aim, chats: Sequence[StartedChat], *, follow: bool, quiet: bool
) -> dict[str, ChatSummary]:
    from interact_gitops.interact import following

    def changed(summary: ChatSummary) -> None:
        if quiet or summary.state == "active":
            return
        if summary.state == "unknown":
            note(f"{summary.id} has the status {summary.status!r}, which is not known here")
        else:
            say_end(client, summary, follow=follow)

    note_started(chats)
    try:
        ids = [chat.id for chat in chats]
        return following.follow(client, aim.job_id, ids, changed, seconds=aim.timeout)
    except KeyboardInterrupt:
        note("no longer waiting; the run goes on. Stop it in Interact: this target's API has no call for that")
        raise


def _demand_success(aim: Aim, chats: Sequence[StartedChat], ends: Mapping[str, ChatSummary]) -> None:
    """Raises RunFailed unless every chat succeeded; what is still in progress, or unknown, has not."""
    failed = [chat.id for chat in chats if chat.id not in ends or ends[chat.id].state != "succeeded"]
    if not failed:
        return
    first = ends.get(failed[0])
    remedy = f"see `interact-gitops chat {failed[0]}`"
    said = f"{len(failed)} of {len(chats)} chats did not succeed"
    if first is None or first.state == "active":
        said = f"{failed[0]} has not ended within {format_duration(aim.timeout)}, the job's timeout; it may go on"
        remedy += "; stop it in Interact, or raise `timeout`"
    elif first.state == "unknown":
        said = f"{failed[0]} ended with the status {first.status!r}, or is still in progress: which, is not known"
        remedy += "; it does not count as a success"
    raise RunFailed(said, remedy=remedy)
