"""Starting runs."""

from __future__ import annotations

from typing import Any

from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.clock import from_text
from interact_gitops.server.failures import BodyFault, Invalid
from interact_gitops.server.runs.requests import RunRequest


def trigger_job(call: Call) -> Reply:
    """POST /api/agents/jobs/{job_id}/trigger"""
    body = call.body("TriggerRequest")
    combinations = body.get("combinations")
    max_parallel = body.get("maxParallel")
    request = RunRequest(
        initiator=call.caller.initiator,
        digest=body_digest(body),
        parameters=body.get("parameters"),
        combinations=None if combinations is None else tuple(combinations),
        max_parallel=None if max_parallel is None else int(max_parallel),
        scheduled_at=_time(body, "scheduledAt"),
        trigger=body.get("trigger", "api"),
        expected_definition_hash=body.get("expectedDefinitionHash"),
        idempotency_key=call.idempotency_key(),
    )
    started = call.instance.trigger(call.caller.organisation_id, call.path["job_id"], request)
    found: dict[str, Any] = {
        "success": True,
        "chat": {"id": started.chats[0][0]},
        "job": {"id": started.job_id},
    }
    if started.fan_out:
        found["chats"] = [{"id": chat_id, "parameters": parameters} for chat_id, parameters in started.chats]
    return answer(found, headers={"Idempotency-Replayed": "true"} if started.replayed else None)


def _time(body: dict[str, Any], name: str) -> Any:
    text = body.get(name)
    if text is None:
        return None
    try:
        return from_text(text)
    except ValueError as error:
        said = f"{text[:60]!r} is not a time as in 2026-11-23T07:00:00Z"
        fault = BodyFault(pointer=f"/{name}", message=said, code="time", remedy="write RFC 3339 with an offset")
        raise Invalid(said, faults=(fault,)) from error
