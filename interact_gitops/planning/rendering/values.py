"""One field's change in words: schedules, fan-outs, prompts, durations, and everything else as it is."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.fan_out import MAX_COMBINATIONS, count_before_exclude, expand
from interact_gitops.jobs.wire import canonical_json, job_from_wire
from interact_gitops.planning.plan import FieldChange
from interact_gitops.planning.rendering.styled import Line, line

INDENT = "      "
LONGEST = 100  # characters of a value on one line
CONTEXT = 2  # unchanged lines of a prompt around what changes
_FROM_THE_TOP = re.compile(r"@@ -[01][, ]")
# Texts that would read as something else: nothing, a number, a word of YAML, a list, a map, our own "(none)".
_NOT_BARE = re.compile(r"""(?:[-+.]?[0-9.].*|true|false|null|~|["\[{(].*)?\Z""", re.DOTALL | re.IGNORECASE)
# Wire field → what people know it as: the name in the file.
NAMES: Mapping[str, str] = {
    "fanOut": "fan_out", "pauseAfterFailures": "pause_after_failures", "timeoutSeconds": "timeout",
    "graceSeconds": "grace", "ignoreChanges": "ignore_changes", "scheduleEnabled": "the target runs the schedule",
    "catchUp": "catch_up", "startDeadlineSeconds": "start_deadline", "notBefore": "not_before", "notAfter": "not_after",
    "maxParallel": "max_parallel", "maxAttempts": "max_attempts",
}  # fmt: skip


def field_lines(change: FieldChange) -> Iterator[Line]:
    """The lines that show one field's change."""
    name = NAMES.get(change.field, change.field)
    before, after = change.before, change.after
    if change.field == "prompts":
        yield from _prompts(change)
        return
    if change.field in WORDS:
        in_words = WORDS[change.field]
        yield _arrow(name, in_words(before), in_words(after))
        if before and after:
            yield from _members(name, before, after)
    else:
        yield from _members(name, before, after, seconds=change.field.endswith("Seconds"))


def value_lines(field: str, value: Any, style: str) -> Iterator[Line]:
    """The lines that show the whole of one field, nothing cut; none for a field that says nothing."""
    name = NAMES.get(field, field)
    if value in (None, [], {}) or (value is False and field != "enabled"):
        return
    if field == "prompts":
        yield line(INDENT, "prompts:")
        for row in _question_lines(value):
            yield line(INDENT, "  ", (row.rstrip(), style))
        return
    if field in WORDS:
        yield line(INDENT, f"{name}: ", (WORDS[field](value), style))
    if isinstance(value, dict) and "slug" not in value:
        for member, one in value.items():
            if one not in (None, [], {}):
                yield line(INDENT, f"{name}.{_member(member)}: ", (_text(one, seconds=_is_time(member)), style))
    else:
        yield line(INDENT, f"{name}: ", (_text(value, seconds=_is_time(field)), style))


def schedule_words(schedule: Any) -> str:
    """A wire schedule in words; `by hand` for none."""
    from interact_gitops.schedule import describe

    if not schedule:
        return "by hand"
    try:
        words = describe(schedule["cron"], schedule.get("calendar"))
    except ScheduleInvalid:
        words = str(schedule["cron"])
    window = [f", from {schedule['notBefore']}" if schedule.get("notBefore") else ""]
    window.append(f", until {schedule['notAfter']}" if schedule.get("notAfter") else "")
    return f"{words}, {schedule.get('timezone', 'UTC')}{''.join(window)}"


def fan_out_words(fan_out: Any) -> str:
    """A wire fan-out as its count; `one chat` for none."""
    if not fan_out:
        return "one chat"
    body = {"key": "k", "name": "n", "agent": {"slug": "a"}, "prompts": [], "fanOut": fan_out}
    value = job_from_wire(body).fan_out
    assert value is not None
    most = count_before_exclude(value)
    count = len(expand(value)) if most <= MAX_COMBINATIONS else most
    return f"{count} {'combination' if count == 1 else 'combinations'}, {value.max_parallel} at a time"


WORDS: Mapping[str, Callable[[Any], str]] = {"schedule": schedule_words, "fanOut": fan_out_words}


def _members(name: str, before: Any, after: Any, *, seconds: bool = False) -> Iterator[Line]:
    """Two values, or, where both are maps, the members in which they differ."""
    if canonical_json(before) == canonical_json(after):
        return
    if not (isinstance(before, dict) and isinstance(after, dict)) or "slug" in before:
        yield _arrow(name, *_cut(_text(before, seconds=seconds), _text(after, seconds=seconds)))
        return
    for member in sorted({*before, *after}):
        there, here = before.get(member), after.get(member)
        yield from _members(f"{name}.{_member(member)}", there, here, seconds=_is_time(member))


def _arrow(name: str, before: str, after: str) -> Line:
    return line(INDENT, f"{name}: ", (before, "removed"), " → ", (after, "added"))


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
    if isinstance(value, dict) and "slug" in value:
        return str(value["slug"])
    written = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str) or value.strip() != value or not value.isprintable() or "\\" in value:
        return written
    return written if _NOT_BARE.match(value) else value


def _cut(before: str, after: str) -> tuple[str, str]:
    """Both texts cut to what fits a line, so that the place where they begin to differ is seen."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, same - LONGEST // 4) if max(len(before), len(after)) > LONGEST else 0
    return _window(before, start), _window(after, start)


def _window(text: str, start: int) -> str:
    head, rest = ("…" if start else ""), text[start:]
    return head + (rest if len(rest) <= LONGEST else rest[: LONGEST - 1] + "…")


def _prompts(change: FieldChange) -> Iterator[Line]:
    """A unified diff of the questions, each with the query it names."""
    before, after = _question_lines(change.before), _question_lines(change.after)
    yield line(INDENT, "prompts:")
    for row in list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]:
        if row.startswith("@@"):
            if not _FROM_THE_TOP.match(row):
                yield line(INDENT, "  ", ("…", "dim"))
        else:
            style = {"+": "added", "-": "removed"}.get(row[:1], "dim")
            yield line(INDENT, "  ", (row, style))


def _question_lines(prompts: Any) -> list[str]:
    rows: list[str] = []
    for index, prompt in enumerate(prompts, 1):
        if len(prompts) > 1 or prompt.get("query"):
            rows.append(f"# {index}" + (f", query {prompt['query']}" if prompt.get("query") else ""))
        rows += prompt["text"].split("\n")
    return rows
