"""A job's body → a job that may be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from interact_gitops.errors import did_you_mean
from interact_gitops.jobs.checks import check
from interact_gitops.jobs.model import Job
from interact_gitops.jobs.wire import job_from_wire, wire_pointer
from interact_gitops.server.agents.agent import Agent
from interact_gitops.server.api.bodies import invalid
from interact_gitops.server.failures import BodyFault
from interact_gitops.server.runs.crew import AgentCrew

# JSON Schema calls 1800.0 an integer; hashes and people do not.
_WHOLE = (
    ("timeoutSeconds",), ("graceSeconds",), ("pauseAfterFailures",), ("fanOut", "maxParallel"),
    ("schedule", "startDeadlineSeconds"), ("schedule", "jitterSeconds"),
    ("retries", "maxAttempts"), ("retries", "backoffSeconds"),
)  # fmt: skip


def checked_job(body: Mapping[str, Any], crew: AgentCrew) -> tuple[Job, Agent]:
    """The job in a body that fits its schema, and the agent it names. Raises Invalid with every fault."""
    body = _with_whole_numbers(body)
    faults = list(_date_faults(body))
    agent = crew.by_slug(body["agent"]["slug"])
    if agent is None:
        slugs = [one.slug for one in crew.agents]
        remedy = did_you_mean(body["agent"]["slug"], slugs) or f"the agents here: {', '.join(slugs) or 'none'}"
        said = f"there is no agent {body['agent']['slug']!r}"
        faults.append(BodyFault(pointer="/agent/slug", message=said, code="unknown-agent", remedy=remedy))
    else:
        faults += _query_faults(body, agent)
    if not any(fault.code == "date" for fault in faults):
        job = job_from_wire(body)
        faults += [
            BodyFault(pointer=wire_pointer(fault.path), message=fault.message, code=fault.code, remedy=fault.remedy)
            for fault in check(job)
            if fault.severity == "error"
        ]
    if faults:
        raise invalid(tuple(faults))
    assert agent is not None
    return job, agent


def _query_faults(body: Mapping[str, Any], agent: Agent) -> Iterator[BodyFault]:
    """Queries that the agent does not have: better known now than on the Monday of the run."""
    known = [query.name for query in agent.queries]
    for index, prompt in enumerate(body["prompts"]):
        name = prompt.get("query")
        if name is not None and name not in known:
            said = f"the agent {agent.slug} has no verified query {name!r}"
            remedy = did_you_mean(name, known) or f"its queries: {', '.join(known) or 'none'}"
            yield BodyFault(pointer=f"/prompts/{index}/query", message=said, code="unknown-query", remedy=remedy)


def _with_whole_numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(body)
    for path in _WHOLE:
        parent = found
        if len(path) == 2:
            if not found.get(path[0]):
                continue
            parent = found[path[0]] = dict(found[path[0]])
        value = parent.get(path[-1])
        if isinstance(value, float):
            parent[path[-1]] = int(value)
    return found


def _date_faults(body: Mapping[str, Any]) -> Iterator[BodyFault]:
    schedule = body.get("schedule") or {}
    for name in ("notBefore", "notAfter"):
        text = schedule.get(name)
        if text is None:
            continue
        try:
            date.fromisoformat(text)
        except ValueError:
            said = f"{text} is not a day of the calendar"
            yield BodyFault(pointer=f"/schedule/{name}", message=said, code="date", remedy="write YYYY-MM-DD")
