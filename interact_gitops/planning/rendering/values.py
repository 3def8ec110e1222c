"""One field's change in words: schedules, fan-outs, prompts, durations, and everything else as it is."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.fan_out import MAX_COMBINATIONS, count_before_exclude, expand
from interact_gitops.jobs.wire import job_from_wire
from interact_gitops.planning.plan import FieldChange
from interact_gitops.planning.rendering.styled import Line, line

INDENT = "      "
LONGEST = 100  # characters of a value on one line
# Wire field → what people know it as: the name in the file.
NAMES: Mapping[str, str] = {
    "fanOut": "fan_out", "pauseAfterFailures": "pause_after_failures", "timeoutSeconds": "timeout",
    "graceSeconds": "grace", "ignoreChanges": "ignore_changes", "scheduleEnabled": "schedule switched on",
}  # fmt: skip


def field_lines(change: FieldChange) -> Iterator[Line]:
    """The lines that show one field's change."""
    name = NAMES.get(change.field, change.field)
    if change.field == "prompts":
        yield from _prompts(change)
    elif change.field == "fanOut":
        yield line(
            INDENT,
            f"{name}: ",
            (fan_out_words(change.before), "removed"),
            " → ",
            (fan_out_words(change.after), "added"),
        )
        yield from _differences(change, name)
    elif change.field == "schedule":
        yield line(
            INDENT,
            f"{name}: ",
            (schedule_words(change.before), "removed"),
            " → ",
            (schedule_words(change.after), "added"),
        )
        yield from _differences(change, name)
    elif isinstance(change.before, dict) and isinstance(change.after, dict):
        yield from _differences(change, name)
    else:
        yield _pair(name, change.before, change.after, seconds=change.field.endswith("Seconds"))


def schedule_words(schedule: Any) -> str:
    """A wire schedule in words; `by hand` for none."""
    from interact_gitops.schedule import describe

    if not schedule:
        return "by hand"
    try:
        words = describe(schedule["cron"], schedule.get("calendar"))
    except ScheduleInvalid:
        words = str(schedule["cron"])
    return f"{words}, {schedule.get('timezone', 'UTC')}"


def fan_out_words(fan_out: Any) -> str:
    """A wire fan-out as its count; `one chat` for none."""
    if not fan_out:
        return "one chat"
    body = {"key": "k", "name": "n", "agent": {"slug": "a"}, "prompts": [], "fanOut": fan_out}
    value = job_from_wire(body).fan_out
    assert value is not None
    most = count_before_exclude(value)
    count = len(expand(value)) if most <= MAX_COMBINATIONS else most
    return f"{count} combinations, {value.max_parallel} at a time"


def short(value: Any, *, seconds: bool = False) -> str:
    """A value on one line, as YAML would write it, cut when long."""
    if seconds and isinstance(value, int) and not isinstance(value, bool):
        return format_duration(value)
    if isinstance(value, dict) and set(value) >= {"slug"}:
        return str(value["slug"])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if isinstance(value, str) and text.strip() == text and text else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _pair(name: str, before: Any, after: Any, *, seconds: bool = False) -> Line:
    return line(
        INDENT, f"{name}: ", (short(before, seconds=seconds), "removed"), " → ", (short(after, seconds=seconds), "added")
    )  # fmt: skip


def _differences(change: FieldChange, name: str) -> Iterator[Line]:
    """The members in which two maps differ; a map that appears or goes is said in the line above."""
    if not isinstance(change.before, dict) or not isinstance(change.after, dict):
        return
    for member in sorted({*change.before, *change.after}):
        before, after = change.before.get(member), change.after.get(member)
        if before != after or type(before) is not type(after):
            shown = NAMES.get(member, member.removesuffix("Seconds"))
            yield _pair(f"{name}.{shown}", before, after, seconds=member.endswith("Seconds"))


def _prompts(change: FieldChange) -> Iterator[Line]:
    """A unified diff of the questions, each with the query it names."""
    before, after = _question_lines(change.before), _question_lines(change.after)
    yield line(INDENT, "prompts:")
    for row in list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]:
        if not row.startswith("@@"):
            style = {"+": "added", "-": "removed"}.get(row[:1], "dim")
            yield line(INDENT, "  ", (row, style))


def _question_lines(prompts: Any) -> list[str]:
    rows: list[str] = []
    for index, prompt in enumerate(prompts or (), 1):
        if len(prompts) > 1 or prompt.get("query"):
            rows.append(f"# {index}" + (f", query {prompt['query']}" if prompt.get("query") else ""))
        rows += str(prompt.get("text", "")).splitlines()
    return rows
