"""Definition files: a checked document ↔ a Job.

Two short forms are made whole here, before defaults are merged: `prompt` is a series of one, and a
schedule that is just a text is its `cron`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from interact_gitops.jobs.checks import parse_day
from interact_gitops.jobs.durations import parse_duration
from interact_gitops.jobs.faults import Fault, Path, shown
from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt, Retries
from interact_gitops.schedule import Schedule

_FURNISHED = {"schedule": {"cron"}, "retries": {"max_attempts"}, "fan_out": {"matrix", "combinations"}}


def merge_defaults(defaults: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """`value` over `defaults`: maps merge, lists and everything else replace (definitions.md)."""
    merged = dict(defaults)
    if "prompt" in value or "prompts" in value:
        merged.pop("prompt", None)
        merged.pop("prompts", None)
    for name, part in value.items():
        below = merged.get(name)
        if isinstance(part, dict) and isinstance(below, dict):
            merged[name] = merge_defaults(below, part)
        else:
            merged[name] = part
    return merged


def drop_partial_defaults(value: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`value` without the parts that defaults only furnish: a default zone does not schedule a job that
    names no schedule of its own, nor do a default backoff or `max_parallel` make retries or a fan-out."""
    partial = {
        name
        for name, needed in _FURNISHED.items()
        if name not in own and isinstance(value.get(name), dict) and not needed & value[name].keys()
    }
    return {name: part for name, part in value.items() if name not in partial} if partial else value


def without_unfinished(value: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """A merged document without the maps that defaults only begin: a zone for schedules is no schedule."""
    unfinished = [
        name
        for name, needed in (("schedule", "cron"), ("retries", "max_attempts"))
        if name not in own and isinstance(value.get(name), dict) and needed not in value[name]
    ]
    return {name: part for name, part in value.items() if name not in unfinished} if unfinished else value


def whole_schedule(value: Any) -> Any:
    """A document with a text schedule written as a map, so that defaults can add its zone."""
    if isinstance(value, dict) and isinstance(value.get("schedule"), str):
        return {**value, "schedule": {"cron": value["schedule"]}}
    return value


def file_path(path: Path, value: Mapping[str, Any]) -> Path:
    """The place in a file document of a place in a Job."""
    return ("prompt",) if path[:1] == ("prompts",) and "prompt" in value and "prompts" not in value else path


def job_from_file(value: Mapping[str, Any], faults: list[Fault]) -> Job:
    """The Job in a document that fits the schema; dates that do not exist are added to `faults`."""
    rest: dict[str, Any] = {
        name: value[name]
        for name in (
            "description",
            "owner",
            "overlap",
            "pause_after_failures",
            "enabled",
            "protect",
            "id",
            "agent_id",
        )
        if name in value
    }
    rest |= {name: parse_duration(value[name]) for name in ("timeout", "grace") if name in value}
    prompts = [value["prompt"]] if "prompt" in value else value["prompts"]
    retries = value.get("retries")
    return Job(
        key=value["key"],
        name=value["name"],
        agent=value["agent"],
        prompts=tuple(_prompt(prompt) for prompt in prompts),
        parameters=value.get("parameters", {}),
        fan_out=_fan_out(value["fan_out"]) if value.get("fan_out") else None,
        schedule=_schedule(value["schedule"], faults) if value.get("schedule") else None,
        retries=Retries(
            max_attempts=retries["max_attempts"],
            **{n: parse_duration(retries[n]) for n in ("backoff",) if n in retries},
        )
        if retries
        else None,
        notifications=tuple(_notification(n) for n in value.get("notifications", ())),
        labels=value.get("labels", {}),
        ignore_changes=tuple(value.get("ignore_changes", ())),
        moved_from=tuple(value.get("moved_from", ())),
        **rest,
    )


def _prompt(value: str | Mapping[str, Any]) -> Prompt:
    return Prompt(text=value) if isinstance(value, str) else Prompt(text=value["text"], query=value.get("query"))


def _notification(value: Mapping[str, Any]) -> Notification:
    given = {name: value[name] for name in ("after_failures", "on_recovery") if name in value}
    if "topics" in value:
        given["topics"] = tuple(value["topics"])
    return Notification(channel=value["channel"], **given)


def _fan_out(value: Mapping[str, Any]) -> FanOut:
    matrix, combinations = value.get("matrix"), value.get("combinations")
    return FanOut(
        matrix=None if matrix is None else {name: tuple(values) for name, values in matrix.items()},
        exclude=tuple(value.get("exclude", ())),
        include=tuple(value.get("include", ())),
        combinations=None if combinations is None else tuple(combinations),
        **({"max_parallel": value["max_parallel"]} if "max_parallel" in value else {}),
    )


def _schedule(value: Mapping[str, Any], faults: list[Fault]) -> Schedule:
    rest: dict[str, Any] = {name: value[name] for name in ("timezone", "calendar", "catch_up") if name in value}
    rest |= {name: parse_duration(value[name]) for name in ("start_deadline", "jitter") if name in value}
    rest |= {
        name: _day(value[name], ("schedule", name), faults) for name in ("not_before", "not_after") if value.get(name)
    }
    return Schedule(cron=value["cron"], **rest)


def _day(text: str, path: Path, faults: list[Fault]) -> date | None:
    day = parse_day(text)
    if day is None:
        faults.append(
            Fault(
                path=path,
                code="date",
                message=f"there is no day {shown(text)}",
                remedy="write a date as YYYY-MM-DD",
            )
        )
    return day
