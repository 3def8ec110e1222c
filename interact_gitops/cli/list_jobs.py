"""`list`: every job with its schedule in words, next run, last run and sync state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import instant, note, say, say_json, shorten, table
from interact_gitops.cli.standing import Standing, read_standings
from interact_gitops.cli.times import now
from interact_gitops.cli.words import job_schedule_words

if TYPE_CHECKING:
    from interact_gitops.jobs.model import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job as listed; `standing` is None when no target was asked."""

    definition: Definition
    next_run: datetime | None
    standing: Standing | None


@command(
    "list",
    examples="""
interact-gitops list
interact-gitops list 'label:team=paid-search' '!monday-*'
interact-gitops list --offline --format json
""",
)
@click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
@click.option("--offline", is_flag=True, help="Do not ask the target.")
@json_format()
def list_jobs(workspace: Workspace, selectors: tuple[str, ...], offline: bool, form: str) -> None:
    """List the jobs of the tree with schedule in words, next run, last run and sync state."""
    from interact_gitops.jobs.selectors import select

    definitions = select(workspace.definitions(), selectors)
    standings = {} if offline else read_standings(workspace, definitions)
    moment = now()
    rows = [Row(definition=d, next_run=_next_run(d, moment), standing=standings.get(d.job.key)) for d in definitions]
    if form == "json":
        say_json({"jobs": [_as_json(row) for row in rows]})
        return
    if not rows:
        say("No job yet. Write one: `interact-gitops init` makes an example.")
        return
    say(table(["JOB", "SCHEDULE", "NEXT RUN", "LAST RUN", "STATE"], [_cells(row) for row in rows]))
    if not offline and not standings:
        note("the target was not asked; `interact-gitops doctor` says why")


def _next_run(definition: Definition, moment: datetime) -> datetime | None:
    schedule = definition.job.schedule
    return schedule.next_occurrence(moment) if schedule and definition.job.enabled else None


def _cells(row: Row) -> list[str]:
    from zoneinfo import ZoneInfo

    job, standing = row.definition.job, row.standing
    when = instant(row.next_run.astimezone(ZoneInfo(job.schedule.timezone))) if row.next_run and job.schedule else "—"
    last = standing.last_words(job.schedule) if standing else "—"
    return [job.key, shorten(job_schedule_words(job), 60), when, last, standing.state if standing else "unknown"]


def _as_json(row: Row) -> dict[str, Any]:
    job, standing = row.definition.job, row.standing
    return {
        "key": job.key,
        "name": job.name,
        "agent": job.agent,
        "labels": dict(job.labels),
        "path": row.definition.path,
        "line": row.definition.position.line,
        "schedule": job.schedule.cron if job.schedule else None,
        "timezone": job.schedule.timezone if job.schedule else None,
        "scheduleWords": job_schedule_words(job),
        "enabled": job.enabled,
        "nextRun": row.next_run.strftime("%Y-%m-%dT%H:%M:%SZ") if row.next_run else None,
        "state": standing.state if standing else "unknown",
        "lastRun": standing.last_json() if standing else None,
        "pause": standing.pause.json if standing and standing.pause else None,
    }
