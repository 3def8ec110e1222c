"""One field's change in words: schedules, fan-outs, prompts, durations, and everything else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.jobs.channels import FINGERPRINTS
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.fan_out import MAX_COMBINATIONS, count_before_exclude, expand
from interact_gitops.jobs.wire import canonical_json, job_from_wire
from interact_gitops.planning.plan import FieldChange
from interact_gitops.planning.rendering.prompts import prompt_details, whole_prompts
from interact_gitops.planning.rendering.styled import Detail, statement
from interact_gitops.schedule import Schedule, describe

INDENT = "      "
LONGEST = 100  # characters of a value on one line
# Texts that would read as something else: nothing, a number, a word of YAML, a list, a map, our own "(none)".
_NOT_BARE = re.compile(r"""(?:[-+.]?[0-9.].*|true|false|null|~|["\[{(].*)?\Z""", re.DOTALL | re.IGNORECASE)
_ODD = re.compile(r"\A\s|\s\Z|[\\→]")  # blanks at an end, and what stands for something in what we write
# Wire field → what people know it as: the name in the file.
NAMES: Mapping[str, str] = {
    "fanOut": "fan_out", "pauseAfterFailures": "pause_after_failures", "timeoutSeconds": "timeout",
    "graceSeconds": "grace", "ignoreChanges": "ignore_changes", "scheduleEnabled": "the target runs the schedule",
    "catchUp": "catch_up", "startDeadlineSeconds": "start_deadline", "notBefore": "not_before", "notAfter": "not_after",
    "maxParallel": "max_parallel", "maxAttempts": "max_attempts",
}  # fmt: skip
# The wire form of a job of which one part is wanted.
_BARE: Mapping[str, Any] = {"key": "", "name": "", "agent": {"slug": ""}, "prompts": []}
# Wire field of a channel → the secret that it stands for. Not even the fingerprint is shown.
_SECRETS: Mapping[str, str] = {fingerprint: name for name, fingerprint in FINGERPRINTS.items()}


def field_details(change: FieldChange, *, full: bool = False) -> Iterator[Detail]:
    """What changed in one field; `full` cuts nothing."""
    name = NAMES.get(change.field, change.field)
    before, after = change.before, change.after
    if change.field == "agent":
        before, after = before["slug"], after["slug"]
    if change.field in _SECRETS:
        done = "changed" if before and after else "set" if after else "removed"
        yield statement(f"{_SECRETS[change.field]}: {done} (never shown)")
    elif change.field == "prompts":
        yield from prompt_details(before, after, full=full)
    elif change.field in WORDS:
        in_words = WORDS[change.field]
        words, new_words = in_words(before), in_words(after)
        if words != new_words:
            yield _arrow(name, words, new_words)
        if before and after:
            yield from _members(name, before, after, full=full)
    else:
        yield from _members(name, before, after, seconds=_is_time(change.field), full=full)


def value_details(field: str, value: Any, *, new: bool) -> Iterator[Detail]:
    """The whole of one field of what is created (`new`) or deleted; nothing for a field that says nothing."""
    name, style = NAMES.get(field, field), "added" if new else "removed"
    if value in (None, [], {}) or (value is False and field != "enabled"):
        return
    if field in _SECRETS:
        yield statement(f"{_SECRETS[field]}: set (never shown)")
        return
    if field == "prompts":
        yield from whole_prompts(value, new=new)
        return
    if field == "agent":
        value = value["slug"]
    if field in WORDS:
        yield statement(f"{name}: ", (WORDS[field](value), style))
    if isinstance(value, dict):
        for member, one in value.items():
            if one not in (None, [], {}):
                yield statement(f"{name}.{_member(member)}: ", (_text(one, seconds=_is_time(member)), style))
    else:
        yield statement(f"{name}: ", (_text(value, seconds=_is_time(field)), style))


def schedule_words(schedule: Any) -> str:
    """A wire schedule in words; `by hand` for none."""
    if not schedule:
        return "by hand"
    words = _described(schedule["cron"], schedule.get("calendar"))
    window = [f", from {schedule['notBefore']}" if schedule.get("notBefore") else ""]
    window.append(f", until {schedule['notAfter']}" if schedule.get("notAfter") else "")
    return f"{words}, {schedule.get('timezone', 'UTC')}{''.join(window)}"


def schedule_of(wire: Mapping[str, Any]) -> Schedule | None:
    """The schedule in a wire job."""
    return job_from_wire({**_BARE, "schedule": wire["schedule"]}).schedule


@lru_cache(maxsize=4096)
def _described(cron: str, calendar: str | None) -> str:
    try:
        return describe(cron, calendar)
    except ScheduleInvalid:  # what is on the target may be older than our rules
        return cron


def fan_out_words(fan_out: Any) -> str:
    """A wire fan-out as its count; `one chat` for none."""
    if not fan_out:
        return "one chat"
    count = combinations(fan_out)
    return f"{count:,} {'combination' if count == 1 else 'combinations'}, {fan_out.get('maxParallel', 8)} at a time"


def combinations(fan_out: Any) -> int:
    """How many chats a run of a job with this wire fan-out makes; one for none."""
    if not fan_out:
        return 1
    value = job_from_wire({**_BARE, "fanOut": fan_out}).fan_out
    assert value is not None
    most = count_before_exclude(value)
    return len(expand(value)) if value.exclude and most <= MAX_COMBINATIONS else most


WORDS: Mapping[str, Callable[[Any], str]] = {"schedule": schedule_words, "fanOut": fan_out_words}


def _members(name: str, before: Any, after: Any, *, full: bool, seconds: bool = False) -> Iterator[Detail]:
    """Two values, or, where both are maps, the members in which they differ."""
    if before == after and canonical_json(before) == canonical_json(after):
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        texts = _text(before, seconds=seconds), _text(after, seconds=seconds)
        yield _arrow(name, *(texts if full else _cut(*texts)))
        return
    for member in sorted({*before, *after}):
        there, here = before.get(member), after.get(member)
        yield from _members(f"{name}.{_member(member)}", there, here, full=full, seconds=_is_time(member))


def _arrow(name: str, before: str, after: str) -> Detail:
    return statement(f"{name}: ", (before, "removed"), " → ", (after, "added"))


def _member(name: str) -> str:
    return NAMES.get(name, name.removesuffix("Seconds"))


def _is_time(name: str) -> bool:
    return name.endswith("Seconds")


def _text(value: Any, *, seconds: bool = False) -> str:
    """A value on one line, as YAML would write it: a text stands bare where it cannot be taken for anything else."""
    if value is None:
        return "(none)"
    if seconds and isinstance(value, int) and not isinstance(value, bool):
        return format_duration(value)
    if isinstance(value, str) and not (_ODD.search(value) or _NOT_BARE.match(value)) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)


def _cut(before: str, after: str) -> tuple[str, str]:
    """Both texts cut to what fits a line, so that the place where they begin to differ is seen."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, same - LONGEST // 4) if max(len(before), len(after)) > LONGEST else 0
    return _window(before, start), _window(after, start)


def _window(text: str, start: int) -> str:
    head, rest = ("…" if start else ""), text[start:]
    return head + (rest if len(rest) <= LONGEST else rest[: LONGEST - 1] + "…")
