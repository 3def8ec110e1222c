"""The API's form of a job, used by the client and by the embedded server alike.

camelCase names, whole seconds, every default written out, so that two sides which fill defaults
differently never see a difference that is not there. It carries every field of a definition but
`id`, `agent_id` and `moved_from` (interact-api.md, section 2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt, Retries
from interact_gitops.schedule import Schedule

# File field → wire field, in the order in which people read them.
FIELDS: Mapping[str, str] = {
    "key": "key",
    "name": "name",
    "agent": "agent",
    "description": "description",
    "owner": "owner",
    "prompts": "prompts",
    "parameters": "parameters",
    "fan_out": "fanOut",
    "schedule": "schedule",
    "overlap": "overlap",
    "pause_after_failures": "pauseAfterFailures",
    "timeout": "timeoutSeconds",
    "grace": "graceSeconds",
    "retries": "retries",
    "notifications": "notifications",
    "enabled": "enabled",
    "labels": "labels",
    "protect": "protect",
    "ignore_changes": "ignoreChanges",
}
# Lists whose order says nothing: a server may give them back in its own.
UNORDERED = frozenset({"notifications", "ignoreChanges"})
_DEEPER = {
    "max_parallel": "maxParallel",
    "catch_up": "catchUp",
    "start_deadline": "startDeadlineSeconds",
    "jitter": "jitterSeconds",
    "not_before": "notBefore",
    "not_after": "notAfter",
    "max_attempts": "maxAttempts",
    "backoff": "backoffSeconds",
}
_TELLING = {"after_failures": "afterFailures", "on_recovery": "onRecovery"}
_DEEPER |= _TELLING


def wire_pointer(path: tuple[str | int, ...]) -> str:
    """The JSON pointer (RFC 6901) in an API body of a place in a definition file."""
    if not path:
        return ""
    names = [FIELDS.get(str(path[0]), str(path[0]))]
    free = path[0] in {"parameters", "labels"}
    for part in path[1:]:
        text = str(part)
        names.append(text if free else _DEEPER.get(text, text))
    if path[0] == "agent":
        names.append("slug")
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def job_to_wire(job: Job) -> dict[str, Any]:
    """The definition's fields as the API takes them; JSON values only."""
    return {
        "key": job.key,
        "name": job.name,
        "agent": {"slug": job.agent},
        "description": job.description,
        "owner": job.owner,
        "prompts": [{"text": prompt.text, "query": prompt.query} for prompt in job.prompts],
        "parameters": {name: dict(schema) for name, schema in job.parameters.items()},
        "fanOut": _fan_out_to_wire(job.fan_out) if job.fan_out else None,
        "schedule": _schedule_to_wire(job.schedule) if job.schedule else None,
        "overlap": job.overlap,
        "pauseAfterFailures": job.pause_after_failures,
        "timeoutSeconds": job.timeout,
        "graceSeconds": job.grace,
        "retries": {"maxAttempts": job.retries.max_attempts, "backoffSeconds": job.retries.backoff}
        if job.retries
        else None,
        "notifications": [_notification_to_wire(n) for n in job.notifications],
        "enabled": job.enabled,
        "labels": dict(job.labels),
        "protect": job.protect,
        "ignoreChanges": list(job.ignore_changes),
    }


def job_from_wire(body: Mapping[str, Any]) -> Job:
    """The Job in an API body that fits the API's schema; fields it does not know are left aside.

    Absent fields take the definition's defaults, so that an older or thinner server reads well.
    """
    optional = {
        name: body[wire]
        for name, wire in FIELDS.items()
        if name
        in {
            "description",
            "owner",
            "overlap",
            "pause_after_failures",
            "timeout",
            "grace",
            "enabled",
            "protect",
        }
        and wire in body
    }
    fan_out, schedule, retries = body.get("fanOut"), body.get("schedule"), body.get("retries")
    return Job(
        key=body["key"],
        name=body["name"],
        agent=body["agent"]["slug"],
        prompts=tuple(Prompt(text=p["text"], query=p.get("query")) for p in body["prompts"]),
        parameters={name: dict(schema) for name, schema in body.get("parameters", {}).items()},
        fan_out=_fan_out_from_wire(fan_out) if fan_out else None,
        schedule=schedule_from_wire(schedule) if schedule else None,
        retries=Retries(max_attempts=retries["maxAttempts"], backoff=retries.get("backoffSeconds", 300))
        if retries
        else None,
        notifications=tuple(_notification_from_wire(n) for n in body.get("notifications", ())),
        labels=dict(body.get("labels", {})),
        ignore_changes=tuple(body.get("ignoreChanges", ())),
        **optional,
    )


def canonical_json(value: object) -> str:
    """One text per JSON value: sorted keys, no spaces, UTF-8 kept. 2 and 2.0 stay different."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def definition_hash(definition: Mapping[str, Any]) -> str:
    """64 hex digits over what a job's wire fields declare, with defaults filled; anything else in the body is ignored.

    What `ignoreChanges` leaves to people is no part of it: their edits are no drift, on whichever side they are
    looked for. The list itself is, so that leaving one more field to people is a change.
    """
    import hashlib  # loads OpenSSL, which validation has no use for

    left = {FIELDS.get(name) for name in definition["ignoreChanges"]}
    fields = {wire: definition[wire] for wire in FIELDS.values() if wire not in left}
    if "agent" in fields:
        fields["agent"] = fields["agent"]["slug"]
    for name in UNORDERED & fields.keys():
        fields[name] = unordered(fields[name])
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()


def unordered(value: Any) -> Any:
    """A form that is equal for lists with the same members."""
    if isinstance(value, list):
        return sorted((unordered(one) for one in value), key=canonical_json)
    return {name: unordered(one) for name, one in value.items()} if isinstance(value, dict) else value


def _notification_to_wire(one: Notification) -> dict[str, Any]:
    wire: dict[str, Any] = {"channel": one.channel, "topics": list(one.topics)}
    # Left out where they are the default: they came later, and a job that says nothing of them keeps its hash.
    if one.after_failures != 1:
        wire["afterFailures"] = one.after_failures
    if one.on_recovery:
        wire["onRecovery"] = True
    return wire


def _notification_from_wire(body: Mapping[str, Any]) -> Notification:
    given = {name: body[wire] for name, wire in _TELLING.items() if wire in body}
    if "topics" in body:
        given["topics"] = tuple(body["topics"])
    return Notification(channel=body["channel"], **given)


def _fan_out_to_wire(fan_out: FanOut) -> dict[str, Any]:
    return {
        "matrix": None if fan_out.matrix is None else {k: list(v) for k, v in fan_out.matrix.items()},
        "exclude": [dict(c) for c in fan_out.exclude],
        "include": [dict(c) for c in fan_out.include],
        "combinations": None if fan_out.combinations is None else [dict(c) for c in fan_out.combinations],
        "maxParallel": fan_out.max_parallel,
    }


def _fan_out_from_wire(body: Mapping[str, Any]) -> FanOut:
    matrix, combinations = body.get("matrix"), body.get("combinations")
    return FanOut(
        matrix=None if matrix is None else {name: tuple(values) for name, values in matrix.items()},
        exclude=tuple(body.get("exclude", ())),
        include=tuple(body.get("include", ())),
        combinations=None if combinations is None else tuple(combinations),
        max_parallel=body.get("maxParallel", 8),
    )


def _schedule_to_wire(schedule: Schedule) -> dict[str, Any]:
    return {
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "calendar": schedule.calendar,
        "catchUp": schedule.catch_up,
        "startDeadlineSeconds": schedule.start_deadline,
        "jitterSeconds": schedule.jitter,
        "notBefore": schedule.not_before.isoformat() if schedule.not_before else None,
        "notAfter": schedule.not_after.isoformat() if schedule.not_after else None,
    }


def schedule_from_wire(body: Mapping[str, Any]) -> Schedule:
    return Schedule(
        cron=body["cron"],
        timezone=body.get("timezone", "UTC"),
        calendar=body.get("calendar"),
        catch_up=body.get("catchUp", "latest"),
        start_deadline=body.get("startDeadlineSeconds", 21_600),
        jitter=body.get("jitterSeconds", 0),
        not_before=date.fromisoformat(body["notBefore"]) if body.get("notBefore") else None,
        not_after=date.fromisoformat(body["notAfter"]) if body.get("notAfter") else None,
    )
