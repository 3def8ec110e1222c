"""`show`: one job in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import NEWLINE, instant, say, say_json, visible
from interact_gitops.cli.standing import Standing, read_standings
from interact_gitops.cli.subjects import find_definition, job_argument
from interact_gitops.cli.times import now
from interact_gitops.cli.words import job_schedule_words

if TYPE_CHECKING:
    from interact_gitops.jobs.model import Definition, Job

NEXT = 3
COMBINATIONS_SHOWN = 10


@command(
    "show",
    examples="""
interact-gitops show weekly-campaign-performance
interact-gitops show weekly-campaign-performance --offline --format json
""",
)
@job_argument()
@click.option("--offline", is_flag=True, help="Do not ask the target.")
@json_format()
def show(workspace: Workspace, job: str, offline: bool, form: str) -> None:
    """Show JOB in full: prompts, parameters, fan-out, coming runs, and how it stands on the target."""
    from interact_gitops.jobs.wire import definition_hash, job_to_wire

    definition = find_definition(workspace.definitions(), job)
    standing = None if offline else read_standings(workspace, [definition]).get(job)
    if form == "json":
        wire = job_to_wire(definition.job)
        say_json({
            "definition": wire, "definitionHash": definition_hash(wire), "path": definition.path,
            "line": definition.position.line, "nextRuns": _next_runs(definition.job),
            "combinations": [dict(c) for c in _combinations(definition.job)],
            "state": standing.state if standing else "unknown", "lastRun": standing.last_json() if standing else None,
            "pause": standing.pause.json if standing and standing.pause else None,
        })  # fmt: skip
        return
    for name, value in _facts(definition, standing):
        say(click.style(f"{name:<12}", dim=True) + visible(value, keep=NEWLINE).replace("\n", "\n" + " " * 12))


def _facts(definition: Definition, standing: Standing | None) -> list[tuple[str, str]]:
    job = definition.job
    facts = [("job", f"{job.key} — {job.name}"), ("file", f"{definition.path}:{definition.position.line}")]
    facts += [(name, str(value)) for name, value in (("about", job.description), ("owner", job.owner)) if value]
    facts += [("agent", job.agent), ("schedule", job_schedule_words(job))]
    if runs := _next_runs(job):
        facts.append(("next runs", "\n".join(run["local"] for run in runs)))
    for index, prompt in enumerate(job.prompts, 1):
        named = f"  [query {prompt.query}]" if prompt.query else ""
        facts.append((f"prompt {index}" if len(job.prompts) > 1 else "prompt", prompt.text.strip() + named))
    facts += [("parameter", f"{name}: {_parameter(schema)}") for name, schema in job.parameters.items()]
    if combinations := _combinations(job):
        facts.append(("fan-out", _fan_out_words(job, combinations)))
    rules = [f"overlap {job.overlap}", *(["protected"] if job.protect else [])]
    facts += [
        ("rules", ", ".join(rules)),
        ("labels", ", ".join(f"{k}={v}" for k, v in sorted(job.labels.items())) or "—"),
    ]
    if standing:
        facts += [("state", standing.state), ("last run", standing.last_words(job.schedule))]
        facts += [("paused", standing.pause.words)] if standing.pause else []
    return facts


def _next_runs(job: Job) -> list[dict[str, str]]:
    from interact_gitops.schedule import preview

    if job.schedule is None or not job.enabled:
        return []
    return [
        {"utc": found.utc.strftime("%Y-%m-%dT%H:%M:%SZ"), "local": instant(found.local)}
        for found in preview(job.schedule, now(), None, NEXT)
    ]


def _combinations(job: Job) -> tuple[Any, ...]:
    from interact_gitops.jobs.fan_out import expand

    return expand(job.fan_out) if job.fan_out else ()


def _fan_out_words(job: Job, combinations: tuple[Any, ...]) -> str:
    from interact_gitops.cli.chats import parameters_words

    assert job.fan_out is not None
    lines = [f"{len(combinations)} combinations, at most {job.fan_out.max_parallel} at a time"]
    lines += [parameters_words(dict(c)) for c in combinations[:COMBINATIONS_SHOWN]]
    if len(combinations) > COMBINATIONS_SHOWN:
        lines.append(f"… and {len(combinations) - COMBINATIONS_SHOWN} more")
    return "\n".join(lines)


def _parameter(schema: Any) -> str:
    from interact_gitops.jobs.faults import json_word

    rules = [f"{name} {json_word(value)}" for name, value in schema.items() if name not in {"type", "description"}]
    described = f"  {schema['description']}" if schema.get("description") else ""
    return ", ".join([str(schema.get("type")), *rules]) + described
