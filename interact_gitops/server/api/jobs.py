"""Jobs: list, create, read, replace, delete, pause, resume."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interact_gitops.jobs.wire import definition_hash, job_to_wire
from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.api.definitions import checked_job
from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.api.queries import DEFAULT_LIMIT
from interact_gitops.server.api.replays import remember, replayed
from interact_gitops.server.failures import BodyFault, KeyTaken, Protected
from interact_gitops.server.identity import new_id
from interact_gitops.server.store import jobs
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.jobs import JobFilter, StoredJob, Tombstone
from interact_gitops.server.store.paging import cut

CURSOR = "jobs"
DELETED_CURSOR = "deleted-jobs"
_BESIDE = {
    "managedBy": "managed_by",
    "commit": "git_commit",
    "sourcePath": "source_path",
    "appliedHash": "applied_hash",
    "scheduleEnabled": "schedule_enabled",
}


def list_jobs(call: Call) -> Reply:
    """GET /api/agents/jobs"""
    deleted = call.query.choice("deleted", ("true", "false")) == "true"
    limit = call.query.limit() or DEFAULT_LIMIT
    kind = DELETED_CURSOR if deleted else CURSOR
    wanted = JobFilter(
        managed_by=call.query.text("managedBy"),
        agent_id=call.query.text("agentId"),
        after=call.query.cursor(kind) or 0,
    )
    organisation_id = call.caller.organisation_id
    with call.instance.database.read() as db:
        if deleted:
            stones = jobs.tombstones(db, organisation_id, wanted, count=limit + 1)
            buried = cut(stones, limit, kind=kind, seq=lambda stone: stone.seq)
            forms = [tombstone_form(stone) for stone in buried.items]
            return answer({"jobs": forms, "nextCursor": buried.next_cursor})
        found = jobs.listed(db, organisation_id, wanted, count=limit + 1)
    page = cut(found, limit, kind=kind, seq=lambda job: job.seq)
    return answer({"jobs": [job_form(job) for job in page.items], "nextCursor": page.next_cursor})


def create_job(call: Call) -> Reply:
    """POST /api/agents/jobs"""
    body = call.body("JobDefinition")
    key, digest = call.idempotency_key(), body_digest(body)
    organisation_id = call.caller.organisation_id
    if key is not None:
        with call.instance.database.read() as db:
            earlier = replayed(db, organisation_id, "job", key, digest)
        if earlier:
            return earlier
    now = call.instance.now()
    fresh = StoredJob(
        seq=0,
        id=new_id("job"),
        organisation_id=organisation_id,
        paused_reason=None,
        paused_at=None,
        revision=1,
        created_at=now,
        **_given(call, body, now=now, before=None),
    )
    with call.instance.database.write() as db:
        earlier = replayed(db, organisation_id, "job", key, digest) if key is not None else None
        if earlier:
            return earlier
        try:
            jobs.insert(db, fresh)
        except sqlite3.IntegrityError as error:
            raise _key_taken(db, fresh) from error
        reply = answer({"job": job_form(fresh)}, status=201, headers=_headers(fresh))
        if key is not None:
            remember(db, organisation_id, "job", key, digest, reply, now=now)
    call.instance.jobs_changed(organisation_id)
    return reply


def get_job(call: Call) -> Reply:
    """GET /api/agents/jobs/{job_id}"""
    with call.instance.database.read() as db:
        return _one(_job(db, call))


def replace_job(call: Call) -> Reply:
    """PUT /api/agents/jobs/{job_id}"""
    with call.instance.database.read() as db:
        before = _job(db, call)
    call.demand_match(before.etag)
    body = call.body("JobDefinition")
    now = call.instance.now()
    given = _given(call, body, now=now, before=before)
    with call.instance.database.write() as db:
        present = _job(db, call)
        call.demand_match(present.etag)
        after = replace(present, **given, revision=present.revision + 1)
        try:
            replaced = jobs.replace(db, after, was=present.revision)
        except sqlite3.IntegrityError as error:
            raise _key_taken(db, after) from error
        assert replaced  # nobody else writes in this transaction
    call.instance.jobs_changed(call.caller.organisation_id)
    return _one(after)


def delete_job(call: Call) -> Reply:
    """DELETE /api/agents/jobs/{job_id}: an apply's own leaves no applied hash behind, for it is no drift."""
    applied = call.query.choice("applied", ("true", "false")) == "true"
    with call.instance.database.write() as db:
        present = _job(db, call)
        call.demand_match(present.etag)
        if present.definition["protect"]:
            raise Protected(
                f"the job {present.key} is protected",
                remedy="apply it with protect: false first",
            )
        jobs.bury(db, replace(present, applied_hash=None) if applied else present, now=call.instance.now())
    call.instance.jobs_changed(call.caller.organisation_id)
    return Reply(status=204)


def pause_job(call: Call) -> Reply:
    """POST /api/agents/jobs/{job_id}/pause"""
    reason = call.body("PauseRequest").get("reason", "")
    return _one(call.instance.pause_job(call.caller.organisation_id, call.path["job_id"], reason=reason))


def resume_job(call: Call) -> Reply:
    """POST /api/agents/jobs/{job_id}/resume"""
    call.body("PauseRequest")
    return _one(call.instance.resume_job(call.caller.organisation_id, call.path["job_id"]))


def job_form(job: StoredJob) -> dict[str, Any]:
    """A job on the wire."""
    paused = None if job.paused_at is None else {"reason": job.paused_reason, "at": job.paused_at}
    return {
        "id": job.id,
        "etag": job.etag,
        **job.definition,
        "agent": {"id": job.agent_id, "slug": job.definition["agent"]["slug"]},
        "managedBy": job.managed_by,
        "commit": job.git_commit,
        "sourcePath": job.source_path,
        "definitionHash": job.definition_hash,
        "appliedHash": job.applied_hash,
        "scheduleEnabled": job.schedule_enabled,
        "paused": paused,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }


def tombstone_form(stone: Tombstone) -> dict[str, Any]:
    """A deleted job on the wire."""
    return {
        "id": stone.job_id,
        "key": stone.key,
        "name": stone.name,
        "agent": {"id": stone.agent_id},
        "managedBy": stone.managed_by,
        "appliedHash": stone.applied_hash,
        "deletedAt": stone.deleted_at,
    }


def _given(call: Call, body: Mapping[str, Any], *, now: str, before: StoredJob | None) -> dict[str, Any]:
    """The columns that a body decides. What stands beside the definition is kept when it is absent."""
    job, agent = checked_job(body, call.instance.crew)
    definition = job_to_wire(job)
    beside: dict[str, Any] = {column: getattr(before, column, None) for column in _BESIDE.values()}
    if before is None:
        beside["schedule_enabled"] = True
    beside |= {column: body[name] for name, column in _BESIDE.items() if name in body}
    return {
        "key": job.key,
        "agent_id": agent.id,
        "definition": definition,
        "definition_hash": definition_hash(definition),
        "updated_at": now,
        **beside,
    }


def _job(db: Connection, call: Call) -> StoredJob:
    return jobs.demand(db, call.caller.organisation_id, call.path["job_id"])


def _one(job: StoredJob) -> Reply:
    return answer({"job": job_form(job)}, headers=_headers(job))


def _headers(job: StoredJob) -> dict[str, str]:
    return {"ETag": job.etag}


def _key_taken(db: Connection, job: StoredJob) -> KeyTaken:
    other = jobs.find_by_key(db, job.organisation_id, job.key)
    fault = BodyFault(pointer="/key", message=f"the key {job.key} is taken", code="key-taken")
    return KeyTaken(
        f"another job of this organisation has the key {job.key}",
        faults=(fault,),
        members={"jobId": other.id if other else None},
    )
