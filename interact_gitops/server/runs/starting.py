"""Starting a run: the group, its chats and the spent idempotency key, in one transaction.

The draft is made outside of it (rendering 10,000 prompts takes seconds, and one writer at a time is all there
is) and holds if the job's revision is still the one it was made from.
"""

from __future__ import annotations

from dataclasses import replace

from interact_gitops.errors import Failure
from interact_gitops.jobs.model import Job
from interact_gitops.server.agents.agent import Agent
from interact_gitops.server.clock import Clock, to_text
from interact_gitops.server.failures import (
    AgentInactive,
    DefinitionChanged,
    IdempotencyMismatch,
    NotFound,
    RunInProgress,
)
from interact_gitops.server.identity import new_id, own_run_key
from interact_gitops.server.runs.crew import AgentCrew
from interact_gitops.server.runs.drafting import Draft, draft
from interact_gitops.server.runs.ending import Outcome, end_chat
from interact_gitops.server.runs.requests import RunRequest, Started
from interact_gitops.server.store import chats, groups, idempotency, jobs
from interact_gitops.server.store.chats import RunError
from interact_gitops.server.store.database import Connection, Database
from interact_gitops.server.store.jobs import StoredJob


class ScheduleOff(Failure):
    """The job's schedule is paused, or somebody else evaluates it: what it decided before is not started.

    No answer to a call: only the server's own schedules meet it.
    """


def start_run(
    database: Database,
    crew: AgentCrew,
    *,
    organisation_id: str,
    job_id: str,
    request: RunRequest,
    clock: Clock,
) -> Started:
    """Queues the chats of a run, or finds those that the same request started before.

    Raises NotFound, Invalid, IdempotencyMismatch, DefinitionChanged, AgentInactive, RunInProgress, ScheduleOff.
    """
    while True:
        with database.read() as db:
            stored = _job(db, organisation_id, job_id)
            before = _replayed(db, stored, request)
        if before:
            return before
        job, agent = stored.job(), _agent(crew, stored, request)
        planned = draft(job, request, now=clock())
        with database.write() as db:
            current = _job(db, organisation_id, job_id)
            before = _replayed(db, current, request)  # the same request may have come twice at once
            if before:
                return before
            if current.revision == stored.revision:
                return _start(db, current, job, agent, planned, request, now=to_text(clock()))


def _job(db: Connection, organisation_id: str, job_id: str) -> StoredJob:
    found = jobs.find(db, organisation_id, job_id)
    if found is None:
        raise NotFound(f"there is no job {job_id}")
    return found


def _replayed(db: Connection, job: StoredJob, request: RunRequest) -> Started | None:
    if request.idempotency_key is None:
        return None
    spent = idempotency.find(db, job.organisation_id, job.id, request.idempotency_key)
    if spent is None:
        return None
    if spent.request_digest != request.digest:
        raise IdempotencyMismatch(
            f"the idempotency key {request.idempotency_key!r} was used for this job with another body",
            remedy="use a new key for a new run",
        )
    assert spent.group_seq is not None  # a trigger's key
    group = groups.get(db, spent.group_seq)
    found = tuple(chats.of_group(db, group.seq))
    return Started(job_id=job.id, group_seq=group.seq, fan_out=group.fan_out, chats=found, replayed=True)


def _agent(crew: AgentCrew, job: StoredJob, request: RunRequest) -> Agent:
    expected = request.expected_definition_hash
    if expected is not None and expected != job.definition_hash:
        raise DefinitionChanged(
            f"the job {job.key} changed: its definition hash is {job.definition_hash}",
            members={"definitionHash": job.definition_hash},
            remedy="plan the run again from the present definition",
        )
    slug = job.definition["agent"]["slug"]
    agent = crew.by_slug(slug)
    if agent is None or not agent.active:
        said = "is not active" if agent else "is no longer configured"
        raise AgentInactive(f"the agent {slug} {said}", remedy="activate it in agents.yaml, or give the job another")
    return agent


def _start(
    db: Connection,
    stored: StoredJob,
    job: Job,
    agent: Agent,
    planned: Draft,
    request: RunRequest,
    *,
    now: str,
) -> Started:
    if request.of_schedule:
        _demand_schedule(stored)
    state = _make_way(db, stored, job, now=now)
    group = groups.StoredGroup(
        seq=0,
        id=new_id("run"),
        organisation_id=stored.organisation_id,
        job_id=stored.id,
        run_key=request.idempotency_key or own_run_key(job.key),
        state=state,
        exclusive=job.overlap != "allow",
        fan_out=planned.fan_out,
        max_parallel=planned.max_parallel,
        running=0,
        unfinished=len(planned.chats),
        timeout_seconds=job.timeout,
        max_attempts=job.retries.max_attempts if job.retries else 1,
        backoff_seconds=job.retries.backoff if job.retries else 0,
        run_trigger=request.trigger,
        initiator=request.initiator,
        scheduled_at=to_text(planned.scheduled_at),
        run_date=planned.run_date.isoformat(),
        definition_hash=stored.definition_hash,
        git_commit=stored.git_commit,
        created_at=now,
        closed_at=None,
    )
    group = replace(group, seq=groups.insert(db, group))
    owner = chats.ChatOwner(
        organisation_id=stored.organisation_id,
        group_seq=group.seq,
        job_id=stored.id,
        job_key=job.key,
        job_name=job.name,
        agent_id=agent.id,
        agent_slug=agent.slug,
        agent_name=agent.name,
    )
    chats.insert(db, owner, planned.chats, now=now)
    if request.idempotency_key is not None:
        use = idempotency.Spent(request_digest=request.digest, answer=None, group_seq=group.seq)
        idempotency.spend(db, stored.organisation_id, stored.id, request.idempotency_key, use, now=now)
    started = tuple((chat.id, chat.parameters) for chat in planned.chats)
    return Started(job_id=stored.id, group_seq=group.seq, fan_out=planned.fan_out, chats=started)


def _demand_schedule(job: StoredJob) -> None:
    """Asked where the run is written: when a pause has been answered, no scheduled run starts any more."""
    if job.paused_at is not None:
        raise ScheduleOff(f"the job {job.key} is paused", remedy="resume it")
    if not job.schedule_enabled:
        raise ScheduleOff(f"the schedule of {job.key} is evaluated elsewhere (scheduleEnabled: false)")


def _make_way(db: Connection, stored: StoredJob, job: Job, *, now: str) -> str:
    """The state in which the new group begins, by the overlap rule; whoever triggers. Raises RunInProgress."""
    in_progress = groups.of_job(db, stored.id, "open")
    if in_progress is None or job.overlap == "allow":
        return "open"
    if job.overlap == "skip":
        first = chats.get(db, chats.unfinished_of_group(db, in_progress.seq)[0])
        raise RunInProgress(
            f"the job {job.key} has a run in progress since {in_progress.created_at}",
            members={"chatId": first.id},
            remedy="wait for it, cancel it, or set overlap to queue_one or allow",
        )
    waiting = groups.of_job(db, stored.id, "waiting")
    if waiting is not None:
        reason = RunError(kind="superseded", message="a newer run of the job took this one's place in the queue")
        outcome = Outcome(status="cancelled", error=reason)
        for seq in chats.unfinished_of_group(db, waiting.seq):
            end_chat(db, chats.get(db, seq), outcome, now=now)
    return "waiting"
