"""A Job → the fields of a definition file, and only those that have to be written.

A field is left out where it is what the folder's defaults give, or, without them, the schema. Both sides are compared
in one form (`normal`): durations spelled alike, a schedule as a map, prompts as a list of maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from interact_gitops.jobs.durations import format_duration, parse_duration
from interact_gitops.jobs.files import drop_partial_defaults, whole_schedule
from interact_gitops.jobs.model import FanOut, Job, Notification
from interact_gitops.jobs.variables import UNTOUCHED
from interact_gitops.jobs.wire import canonical_json, unordered
from interact_gitops.jobs.writing.rendering import Path
from interact_gitops.schedule import Schedule
from interact_gitops.shapes import schema

# Lists in which order says nothing.
UNORDERED = frozenset({("notifications",), ("ignore_changes",)})
MISSING: Any = object()
_DURATIONS = frozenset({
    ("timeout",), ("grace",), ("schedule", "start_deadline"), ("schedule", "jitter"), ("retries", "backoff"),
})  # fmt: skip
_TOPICS = ("failed_run", "anomaly")
# What an attached channel has when nothing is said of it; the normal form says nothing of it either.
_UNSAID: Mapping[str, Any] = {"after_failures": 1, "on_recovery": False}


def whole_document(job: Job) -> dict[str, Any]:
    """Every field of a job in normal form, with nothing left out. Bindings to a public target are not among them:
    they are no part of what a target tells."""
    return {
        "key": job.key,
        "name": job.name,
        "agent": job.agent,
        "description": job.description,
        "owner": job.owner,
        "prompts": [
            {"text": prompt.text} | ({} if prompt.query is None else {"query": prompt.query}) for prompt in job.prompts
        ],
        "parameters": {name: dict(rules) for name, rules in job.parameters.items()},
        "fan_out": _fan_out(job.fan_out) if job.fan_out else None,
        "schedule": _schedule(job.schedule) if job.schedule else None,
        "overlap": job.overlap,
        "pause_after_failures": job.pause_after_failures,
        "timeout": format_duration(job.timeout),
        "grace": format_duration(job.grace),
        "retries": {"max_attempts": job.retries.max_attempts, "backoff": format_duration(job.retries.backoff)}
        if job.retries
        else None,
        "notifications": [_notification(one) for one in job.notifications],
        "enabled": job.enabled,
        "labels": dict(job.labels),
        "protect": job.protect,
        "ignore_changes": list(job.ignore_changes),
    }


def normal(document: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a file or its defaults have them, variables filled in, in the form in which they are compared."""
    made = {name: part for name, part in whole_schedule(dict(document)).items() if name not in {"prompt", "prompts"}}
    if "prompt" in document:
        made["prompts"] = [document["prompt"]]
    elif "prompts" in document:
        made["prompts"] = document["prompts"]
    return {name: normal_at(part, (name,)) for name, part in made.items()}


def normal_at(value: Any, path: Path) -> Any:
    """One value of a document in normal form, by its place."""
    place = tuple(part for part in path if not isinstance(part, int))
    if place in _DURATIONS and isinstance(value, str):
        return format_duration(parse_duration(value))
    if place == ("prompts",) and len(path) == 2:
        return {"text": value} if isinstance(value, str) else {k: v for k, v in value.items() if v is not None}
    if place == ("notifications",) and len(path) == 2:
        said = {name: part for name, part in value.items() if name not in _UNSAID or part != _UNSAID[name]}
        return {"topics": list(_TOPICS), **said}
    if isinstance(value, Mapping):
        return {name: normal_at(part, (*path, name)) for name, part in value.items()}
    return [normal_at(part, (*path, index)) for index, part in enumerate(value)] if isinstance(value, list) else value


def same(one: Any, other: Any, path: Path) -> bool:
    """Whether two normal values mean the same; 1 is not 1.0, nor true."""
    if one is other or one is MISSING or other is MISSING:
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if path[:1] in UNORDERED:
        one, other = unordered(one), unordered(other)
    return canonical_json(one) == canonical_json(other)


def beneath(defaults: Mapping[str, Any], path: Path) -> Any:
    """What a place has when nothing is written there: what the folder gives (in normal form), else the schema;
    MISSING for nothing."""
    value: Any = drop_partial_defaults(dict(defaults), {}) if len(path) == 1 else defaults
    for part in path:
        value = value.get(part, MISSING) if isinstance(value, Mapping) else MISSING
    return _built_in(path) if value is MISSING else value


def to_write(wanted: Any, defaults: Mapping[str, Any], path: Path) -> Any:
    """The part of a normal value that has to be written at `path`; MISSING when nothing has."""
    given = beneath(defaults, path)
    if same(given, wanted, path):
        return MISSING
    if not isinstance(wanted, Mapping):
        return wanted
    parts = {name: to_write(part, defaults, (*path, name)) for name, part in wanted.items()}
    written = {name: part for name, part in parts.items() if part is not MISSING}
    return MISSING if not written and isinstance(given, Mapping) else written


def left_over(wanted: Any, defaults: Any, path: Path = ()) -> Iterator[Path]:
    """The places that the folder's defaults fill and the job does not have: maps merge, so no file below can take
    them away."""
    if not isinstance(wanted, Mapping) or not isinstance(defaults, Mapping):
        return
    for name, part in defaults.items():
        if name in wanted:
            yield from left_over(wanted[name], part, (*path, name))
        elif path:  # a field that is no part of what a target tells (agent_id) is left alone
            yield (*path, name)


def as_file(value: Any, path: Path) -> Any:
    """A normal value in the short form in which files have it, a literal `${` escaped."""
    if path == ("schedule",) and isinstance(value, Mapping) and value.keys() == {"cron"}:
        return as_file(value["cron"], ("schedule", "cron"))
    if len(path) == 2 and path[0] == "prompts" and value.keys() == {"text"}:
        return as_file(value["text"], (*path, "text"))
    if len(path) == 2 and path[0] == "notifications" and same(value.get("topics"), list(_TOPICS), ("notifications",)):
        value = {name: part for name, part in value.items() if name != "topics"}
    if isinstance(value, Mapping):
        return {name: as_file(part, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [as_file(part, (*path, index)) for index, part in enumerate(value)]
    return value.replace("${", "$${") if isinstance(value, str) and path[:1] not in _NEVER_FILLED else value


def new_document(job: Job, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a job in a file of its own, below `defaults` (in normal form)."""
    made = {name: to_write(part, defaults, (name,)) for name, part in whole_document(job).items()}
    document = {name: as_file(part, (name,)) for name, part in made.items() if part is not MISSING}
    if isinstance(prompts := document.get("prompts"), list) and len(prompts) == 1 and isinstance(prompts[0], str):
        document["prompt"] = document.pop("prompts")[0]
    return document


_NEVER_FILLED = frozenset((name,) for name in UNTOUCHED)


def _notification(one: Notification) -> dict[str, Any]:
    given = {"after_failures": one.after_failures, "on_recovery": one.on_recovery}
    said = {name: part for name, part in given.items() if part != _UNSAID[name]}
    return {"channel": one.channel, "topics": list(one.topics), **said}


def _fan_out(fan_out: FanOut) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if fan_out.matrix is not None:
        made["matrix"] = {name: list(values) for name, values in fan_out.matrix.items()}
    if fan_out.combinations is not None:
        made["combinations"] = [dict(one) for one in fan_out.combinations]
    return {
        **made,
        "exclude": [dict(one) for one in fan_out.exclude],
        "include": [dict(one) for one in fan_out.include],
        "max_parallel": fan_out.max_parallel,
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    def day(value: date | None) -> str | None:
        return None if value is None else value.isoformat()

    return {
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "calendar": schedule.calendar,
        "catch_up": schedule.catch_up,
        "start_deadline": format_duration(schedule.start_deadline),
        "jitter": format_duration(schedule.jitter),
        "not_before": day(schedule.not_before),
        "not_after": day(schedule.not_after),
    }


def _built_in(path: Path) -> Any:
    """The schema's default at a place of a document; MISSING where it has none."""
    fields: Mapping[str, Any] = schema("job.schema.json")
    for part in path:
        fields = fields.get("properties", {}).get(part, {})
    value = fields.get("default", MISSING)
    return value if value is MISSING else normal_at(value, path)
