"""Bindings on a public target for people and programs, and what to enter in Interact's own form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interact_gitops.interact.discovery import SeenJob
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.model import Job
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.binding import Binding, Bindings
from interact_gitops.planning.rendering.github import MOST, code, fence, marker, size
from interact_gitops.planning.rendering.styled import Line, line, plain
from interact_gitops.planning.rendering.values import schedule_words

FORMAT_VERSION = "1"
INDENT = "      "
SYMBOLS: Mapping[str, str] = {"bound": "=", "unbound": "+", "ambiguous": "?", "refused": "!"}
_STYLES: Mapping[str, str] = {"bound": "dim", "unbound": "create", "ambiguous": "update", "refused": "refused"}
NOT_COMPARED = "Definition fields cannot be compared on this target: its API does not show them."
_UNBOUND = "if it is there already, write its id as `id`; else enter it in Interact (`apply` says what) and run it once"
_NOTE = 400  # room for what is said of a cut
_OVERLAP = {"skip": "skip while one is in progress", "queue_one": "wait as the one next in line", "allow": "allow"}


def render_bindings(bindings: Bindings, *, full: bool = False, quiet: bool = False) -> list[Line]:
    """The bindings as styled lines: an index, what is to be settled, the counts. `quiet`: the counts alone;
    `full`: with what to enter in Interact for each unbound job."""
    lines: list[Line] = []
    if not quiet and bindings.jobs:
        lines += [*_index(bindings), line()]
        if full:
            lines += form_lines(bindings)
    return [*lines, *(line(row) if index else line((row, "bold")) for index, row in enumerate(summary(bindings)))]


def bindings_to_markdown(bindings: Bindings) -> str:
    """The bindings as a comment on a pull request, found again by its first line; at most 65,536 characters, and
    nothing from definitions or the target works in it."""
    counts, *remarks = summary(bindings)
    head = [
        f"{marker(bindings.target, 'public')}\n### {counts}",
        *remarks,
        f"Target {code(bindings.target, 300)}.",
    ]
    room = MOST - sum(size(part) + 2 for part in head) - _NOTE
    # In the first column only what shall be coloured: GitHub colours a line after its first character.
    rows = [row[1:] if row[1] in "+!" else row for row in plain(_index(bindings)).split("\n")] if bindings.jobs else []
    kept: list[str] = []
    for row in rows:
        room -= size(row) + 1
        if room < 0:
            break
        kept.append(row)
    if kept:
        head.insert(1, fence(kept))
    if len(kept) < len(rows):
        left = f"{len(rows) - len(kept):,} of {len(rows):,} lines are left out: a comment holds {MOST:,} characters"
        head.append(f"**{left}.** `interact-gitops plan` shows them all.")
    return "\n\n".join(head) + "\n"


def form_lines(bindings: Bindings) -> list[Line]:
    """What to enter in Interact's own form, for each job that is not there and can run there."""
    lines: list[Line] = []
    for one in bindings.jobs:
        if one.state != "unbound" or one.refused:
            continue
        lines.append(line(("Enter in Interact: ", "bold"), f"{one.key}  ", (one.place, "dim")))
        for name, value in form_entries(one.definition.job, runner_schedules=bindings.runner_schedules):
            first, *rest = value.split("\n")
            lines.append(line(INDENT, (f"{name:<16}", "dim"), first))
            lines += [line(INDENT, " " * 16, row) for row in rest]
        lines.append(line())
    return lines


def form_entries(job: Job, *, runner_schedules: bool) -> list[tuple[str, str]]:
    """A job's fields in the words of a form, each with what to enter: whole prompts, the schedule in words and as
    cron with its zone."""
    wire = job_to_wire(job)
    entries = [("Name", job.name), ("Agent", job.agent)]
    entries += [("Description", job.description)] if job.description else []
    for index, prompt in enumerate(job.prompts, 1):
        entries.append(("Prompt" if len(job.prompts) == 1 else f"Prompt {index}", prompt.text.rstrip("\n")))
        if prompt.query:
            entries.append(("Verified query", prompt.query))
    if job.schedule is None:
        entries.append(("Schedule", "none: it is started by hand"))
    else:
        off = not job.enabled or runner_schedules
        cron, calendar = job.schedule.cron, job.schedule.calendar
        entries += [("Schedule", schedule_words(wire["schedule"])), ("Cron", cron)]
        if not off and (cron.startswith("@") or calendar):
            entries.append(
                ("", "Interact may not know this shortcut or calendar: the runner does (`schedules: runner`)")
            )
        entries.append(("Time zone", job.schedule.timezone))
        why = "off: the runner of interact-gitops starts it" if job.enabled else "off: the job is switched off"
        entries.append(("Enable schedule", why if off else "on"))
    entries += [("Overlap", _OVERLAP[job.overlap]), ("Timeout", format_duration(job.timeout))]
    entries += [("Notify", f"{one.channel}: {', '.join(one.topics)}") for one in job.notifications]
    return entries


def binding_words(one: Binding) -> str:
    """How a job is bound, in a few words."""
    if one.state == "bound":
        return f"bound to {one.remote_id} by its {'id' if one.by == 'id' else 'name and agent'}"
    if one.rivals:
        return f"ambiguous: {', '.join(one.rivals)} {'mean' if len(one.rivals) > 1 else 'means'} the same job"
    if one.state == "ambiguous":
        return f"ambiguous: {len(one.candidates)} jobs have this name under this agent"
    return "unbound: no job of this name has been seen to run under this agent"


def binding_remedy(one: Binding) -> str:
    """What settles a job that is not bound."""
    if one.rivals:
        return "give each definition its own `id`, or remove one"
    if one.state == "ambiguous":
        return "write the one that is meant as `id`"
    return _UNBOUND


def candidate_words(one: SeenJob) -> str:
    """`job_1  Weekly report, agent Analyst (agt_1), 12 runs, the last on 2026-11-23`."""
    agent = f"{one.agent_name or 'unknown'}" + (f" ({one.agent_id})" if one.agent_id else "")
    when = f", the last on {one.last.created_at:%Y-%m-%d}" if one.last.created_at else ""
    return f"{one.id}  {one.name or '(no name)'}, agent {agent}, {one.runs} run{'' if one.runs == 1 else 's'}{when}"


def summary(bindings: Bindings) -> Iterator[str]:
    """The counts, and what holds for the target as a whole."""
    counts = (
        f"{bindings.count('bound')} bound, {bindings.count('unbound')} unbound, {bindings.count('ambiguous')} ambiguous"
    )
    never = f"; {len(bindings.refused)} can never run there" if bindings.refused else ""
    yield f"Bindings: {counts}{never}."
    yield NOT_COMPARED
    if any(one.state == "unbound" and not one.refused for one in bindings.jobs):
        yield f"What is unbound: {_UNBOUND}."
    scheduled = sum(one.definition.job.schedule is not None and one.definition.job.enabled for one in bindings.jobs)
    if scheduled and bindings.runner_schedules:
        yield (
            f'"Enable schedule" has to be off in Interact for the {scheduled} scheduled {_jobs(scheduled)}: the runner '
            "starts them, and the API cannot show whether it is off."
        )
    if bindings.others:
        yield f"{len(bindings.others)} other {_jobs(len(bindings.others))} seen to run there, untouched."


def bindings_to_json(bindings: Bindings) -> dict[str, Any]:
    """All of it, under `schema/output.schema.json`, `bindings`; key order is stable."""
    return {
        "formatVersion": FORMAT_VERSION,
        "target": bindings.target,
        "api": "public",
        "compared": False,
        "complete": bindings.complete,
        "counts": {
            **{state: bindings.count(state) for state in ("bound", "unbound", "ambiguous")},
            "refused": len(bindings.refused),
            "others": len(bindings.others),
        },
        "jobs": [_job(one, bindings.runner_schedules) for one in bindings.jobs],
        "others": [_seen(one) for one in bindings.others],
    }


def _index(bindings: Bindings) -> list[Line]:
    lines: list[Line] = []
    width = max(len(one.key) for one in bindings.jobs)
    for one in bindings.jobs:
        shown = "refused" if one.refused else one.state
        words = (f"{one.key:<{width}}  ", (one.place, "dim"), f"  {binding_words(one)}")
        lines.append(line((f"{SYMBOLS[shown]:>2} ", _STYLES[shown]), *words))
        lines += [line(INDENT, row) for row in _details(one)]
    return lines


def _job(one: Binding, runner_schedules: bool) -> dict[str, Any]:
    enter = one.state == "unbound" and not one.refused
    entries = form_entries(one.definition.job, runner_schedules=runner_schedules) if enter else []
    return {
        "key": one.key,
        "name": one.definition.job.name,
        "path": one.definition.path,
        "line": one.definition.position.line,
        "state": one.state,
        "by": one.by,
        "id": one.remote_id,
        "candidates": [_seen(job) for job in one.candidates],
        "rivals": list(one.rivals),
        "refused": list(one.refused),
        "notes": list(one.notes),
        "enter": [{"field": name, "value": value} for name, value in entries],
    }


def _seen(one: SeenJob) -> dict[str, Any]:
    when = one.last.created_at
    return {
        "id": one.id,
        "name": one.name,
        "agent": {"id": one.agent_id, "name": one.agent_name},
        "runs": one.runs,
        "lastRun": {"id": one.last.id, "state": one.last.state, "createdAt": when.isoformat() if when else None},
    }


def _details(one: Binding) -> Iterator[str]:
    for reason in one.refused:
        yield f"never triggered there: {reason}"
    if one.state == "ambiguous" and not one.rivals:
        yield from map(candidate_words, one.candidates)
    if one.state == "ambiguous" and not one.refused:
        yield binding_remedy(one)
    yield from one.notes


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"
