"""`schedule`: coming runs of a job, of all jobs, or of any expression, before anything is applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import instant, note, say, say_json, table
from interact_gitops.cli.subjects import job_argument
from interact_gitops.cli.times import now, read_instant
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.schedule import Occurrence, Schedule

MOST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One coming run of one schedule; `key` is None for a schedule typed in."""

    key: str | None
    occurrence: Occurrence


@command(
    "schedule",
    examples="""
interact-gitops schedule
interact-gitops schedule weekly-campaign-performance --count 5
interact-gitops schedule --cron "@first-weekday 08:00" --timezone Europe/Amsterdam
interact-gitops schedule --cron "30 2 * * *" --timezone Europe/Berlin --from 2027-03-27 --to 2027-03-30
""",
)
@job_argument(required=False)
@click.option("--cron", metavar="EXPR", help="An expression or shortcut instead of a job.")
@click.option("--timezone", default=None, metavar="ZONE", help="Its IANA time zone.  [default: UTC]")
@click.option("--calendar", metavar="NAME", help="Its business calendar: NL, DE-BY, NYSE, ECB …")
@click.option("--from", "start", metavar="WHEN", help="First instant, inclusive.  [default: now]")
@click.option("--to", "end", metavar="WHEN", help="Last instant, exclusive.")
@click.option("--count", type=click.IntRange(1, MOST), help="How many runs.  [default: 10]")
@json_format()
def schedule(workspace: Workspace, job: str | None, form: str, **options: Any) -> None:
    """Show coming runs, in the job's zone and in UTC, with clock changes marked."""
    schedules = _schedules(workspace, job, options)
    _note_pauses(workspace, [key for key in schedules if key is not None])
    zone = next(iter(schedules.values())).timezone if len(schedules) == 1 else "UTC"
    rows = _rows(schedules, zone, options)
    if form == "json":
        say_json({"occurrences": [_as_json(row, schedules) for row in rows], "notes": _notes(schedules, rows)})
        return
    _print(schedules, rows)


def _schedules(workspace: Workspace, job: str | None, options: dict[str, Any]) -> dict[str | None, Schedule]:
    from interact_gitops.schedule import Schedule

    if options["cron"] is not None:
        if job:
            raise Failure("a job and --cron are both given", remedy="give one of them")
        return {
            None: Schedule(cron=options["cron"], timezone=options["timezone"] or "UTC", calendar=options["calendar"])
        }
    if options["timezone"] or options["calendar"]:
        raise Failure("--timezone and --calendar go with --cron", remedy="a job's zone and calendar are in its file")
    definitions = workspace.definitions()
    if job:
        from interact_gitops.cli.subjects import find_definition

        found = find_definition(definitions, job).job
        if found.schedule is None:
            raise Failure(
                f"the job {job!r} has no schedule", remedy="run it by hand: `interact-gitops run " + job + "`"
            )
        if not found.enabled:
            note(f"note: {job} is switched off (enabled: false): these runs do not happen")
        return {job: found.schedule}
    found_all: dict[str | None, Schedule] = {
        d.job.key: d.job.schedule for d in definitions if d.job.schedule and d.job.enabled
    }
    if not found_all:
        raise Failure("no job here has a schedule", remedy='add `schedule: "0 8 * * 1"` to one')
    return found_all


def _note_pauses(workspace: Workspace, keys: list[str]) -> None:
    from interact_gitops.cli.standstill import pauses_in_ledger

    pauses = pauses_in_ledger(workspace) if keys else {}
    for key in keys:
        if key in pauses:
            note(f"note: {key} is paused {pauses[key].words}: these runs do not happen before `resume`")


def _rows(schedules: dict[str | None, Schedule], zone: str, options: dict[str, Any]) -> list[Row]:
    from interact_gitops.schedule import zone as read_zone

    tz = read_zone(zone)
    start = read_instant(options["start"], tz, "--from") if options["start"] else now()
    end = read_instant(options["end"], tz, "--to") if options["end"] else None
    if end is not None and end <= start:
        raise Failure("--to is not after --from", remedy="--from is inclusive, --to exclusive")
    count = options["count"] or (MOST if end else 10)
    found = sorted(
        (row for key, one in schedules.items() for row in islice(_of(key, one, start, end, count), count)),
        key=lambda row: (row.occurrence.utc, row.key or ""),
    )
    if len(found) >= MOST:
        note(f"only the first {MOST:,} runs are shown")
    return found[:count]


def _of(key: str | None, one: Schedule, start: datetime, end: datetime | None, count: int) -> Iterator[Row]:
    """--from is inclusive and --to exclusive; occurrences are after < t <= until, in whole seconds."""
    from interact_gitops.schedule import preview

    step = timedelta(microseconds=1)
    until = end - step if end else None
    for occurrence in preview(one, start - step, until, count):
        yield Row(key=key, occurrence=occurrence)


def _notes(schedules: dict[str | None, Schedule], rows: list[Row]) -> list[dict[str, Any]]:
    from interact_gitops.schedule import notes

    since = (rows[0].occurrence.utc if rows else now()).date()
    return [
        {"job": key, "code": found.code, "message": found.message, "remedy": found.remedy}
        for key, one in schedules.items()
        for found in notes(one.cron, one.timezone, one.calendar, since=since)
    ]


def _as_json(row: Row, schedules: dict[str | None, Schedule]) -> dict[str, Any]:
    occurrence = row.occurrence
    return {
        "job": row.key,
        "utc": occurrence.utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "local": occurrence.local.isoformat(),
        "timezone": schedules[row.key].timezone,
        "note": occurrence.note,
    }


def _print(schedules: dict[str | None, Schedule], rows: list[Row]) -> None:
    from interact_gitops.cli.words import schedule_words

    if len(schedules) == 1:
        say(schedule_words(next(iter(schedules.values()))))
    single = len(schedules) == 1
    head = (["JOB"] if not single else []) + ["LOCAL", "UTC", ""]
    body = [
        ([] if single else [str(row.key)])
        + [instant(row.occurrence.local), row.occurrence.utc.strftime("%Y-%m-%d %H:%M"), row.occurrence.note or ""]
        for row in rows
    ]
    say(table(head, body) if rows else "No run in this window.")
    for found in _notes(schedules, rows):
        note(f"note: {found['job'] + ': ' if found['job'] else ''}{found['message']}; {found['remedy']}")
