"""Definitions and remote jobs made by hand, and an in-memory target to apply plans to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from interact_gitops.errors import Position
from interact_gitops.interact.records import RemoteJob, read_job
from interact_gitops.jobs.model import Definition, Job, Prompt
from interact_gitops.jobs.wire import definition_hash, job_to_wire
from interact_gitops.planning.diff import diff
from interact_gitops.planning.plan import Plan

OURS, THEIRS = "team/jobs", "other/jobs"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def definition(key: str, *, line: int = 1, **fields: Any) -> Definition:
    """A small job in a file of its own."""
    path = f"jobs.d/{key}.yaml"
    base: dict[str, Any] = {
        "name": key.title(), "agent": "analyst", "prompts": (Prompt(text="What?"),), "parameters": {}, "labels": {}
    }  # fmt: skip
    return Definition(job=Job(key=key, **{**base, **fields}), path=path, position=Position(path, line))


def remote(of: Definition, *, managed_by: str | None = OURS, etag: str | None = '"1"', **changes: Any) -> RemoteJob:
    """The job on a target as the embedded server tells it; `changes` are of its body."""
    wire = job_to_wire(of.job)
    body = {
        "id": f"job_{of.job.key}", "etag": etag, **wire, "agent": {"id": "agt_1", "slug": of.job.agent},
        "managedBy": managed_by, "definitionHash": definition_hash(wire), "appliedHash": definition_hash(wire),
        "scheduleEnabled": True, "paused": None, "commit": "c0ffee", "sourcePath": "elsewhere.yaml",
    }  # fmt: skip
    return read_job({**body, **changes})


def plan(definitions: Sequence[Definition], there: Iterable[RemoteJob] = (), **options: Any) -> Plan:
    """A plan with the usual options."""
    return diff(definitions, there, **{"managed_by": OURS, "commit": "abc", "target": "t", **options})


def applied(made: Plan, there: Iterable[RemoteJob]) -> list[RemoteJob]:
    """What a target holds after every write of a plan."""
    jobs = {job.id: job for job in there}
    for change in made.writes:
        if change.action == "delete":
            del jobs[change.remote_id or ""]
            continue
        identity = change.remote_id or f"job_{len(jobs)}_{change.key}"
        body = change.body or {}
        jobs[identity] = read_job({**body, "id": identity, "etag": '"2"', "agent": {"id": "agt_1", **body["agent"]}})
    return list(jobs.values())
