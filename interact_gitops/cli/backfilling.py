"""A backfill's job, window and runs, what the ledger says of each, and all of it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from interact_gitops.cli.ledgers import person
from interact_gitops.cli.output import instant, note, say, table
from interact_gitops.cli.times import now, read_instant
from interact_gitops.errors import Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.jobs.model import Job
    from interact_gitops.ledger.records import Run
    from interact_gitops.ledger.requests import Added, NewRun
    from interact_gitops.runner.catalogue import RunnableJob

SHOWN = 20
OPEN = frozenset({"planned", "claimed", "sending", "triggered", "running"})
MOST_LINES = 10_000  # runs of one job looked through for a dry run; ten times what one backfill may hold
_WORDS = {"new": "new", "reopened": "opened again", "known": "known already", "pruned": "too old to know"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`start` ≤ occurrence < `end`, shown in `zone`."""

    start: datetime
    end: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One occurrence, and what became of it."""

    at: datetime
    added: Added

    @property
    def open(self) -> bool:
        """Whether the run is not over yet."""
        return self.added.state in OPEN


def find_job(workspace: Workspace, client: Client, key: str) -> RunnableJob:
    """The job as a runner would run it. Raises SelectionInvalid, and Refused for one that cannot run there."""
    from interact_gitops.cli.assembly import catalogue_and_target
    from interact_gitops.cli.subjects import find_definition

    find_definition(workspace.definitions(), key)
    catalogue, _ = catalogue_and_target(workspace, client)
    runnable = catalogue.jobs()[key]
    if runnable.refused:
        raise Refused(f"the job {key!r} cannot run on this target: {runnable.refused}", remedy="see `plan`")
    if runnable.remote_id is None:
        raise Refused(f"the job {key!r} is not on the target yet", remedy="bring it there with `interact-gitops apply`")
    return runnable


def read_window(job: Job, start: str, end: str | None) -> Window:
    """The window as it was typed, in the job's zone. Raises Failure for one that holds no instant, or lies ahead."""
    zone = ZoneInfo(job.schedule.timezone if job.schedule else "UTC")
    moment = now()
    window = Window(
        start=read_instant(start, zone, "--from"), end=read_instant(end, zone, "--to") if end else moment, zone=zone
    )
    if window.start > moment:
        raise Failure("--from lies ahead: a backfill is for the past", remedy="what is to come is the schedule's")
    if window.end <= window.start:
        raise Failure("--to is not after --from", remedy="--from is inclusive, --to exclusive")
    if window.end > moment:
        note("note: --to lies ahead; what is to come is left to the schedule")
    return window


def occurrences(runnable: RunnableJob, window: Window, *, full: bool) -> tuple[NewRun, ...]:
    """The window's occurrences as runs. Raises Refused for a job without a schedule, or for too many."""
    from interact_gitops.runner.asked import backfill

    return backfill(runnable, window.start, window.end, now(), by=person(), target_retries=full)


def enter(book: Book, runnable: RunnableJob, runs: Sequence[NewRun], *, dry_run: bool) -> list[Row]:
    """Write the runs into the ledger, or foretell what that would do."""
    if not runs:
        return []
    if dry_run:
        said = _foretold(book, runnable.key, runs)
    else:
        said = book.ledger.add(book.space, runs, by=person(), now=now(), reopen=True)
    return [Row(at=run.scheduled_at, added=one) for run, one in zip(runs, said, strict=True)]


def say_rows(runnable: RunnableJob, window: Window, rows: Sequence[Row], *, dry_run: bool) -> None:
    """The occurrences with what became of each, and their counts."""
    span = f"from {instant(window.start.astimezone(window.zone))} to {instant(window.end.astimezone(window.zone))}"
    if not rows:
        say(f"{runnable.key} has no occurrence {span}.")
        return
    shown = rows if len(rows) <= SHOWN else [*rows[: SHOWN - 1], rows[-1]]
    cells = [[instant(row.at.astimezone(window.zone)), _outcome(row.added), row.added.key] for row in shown]
    if len(rows) > SHOWN:
        cells.insert(SHOWN - 1, [f"… {len(rows) - SHOWN} more …", "", ""])
    say(table(["OCCURRENCE", "", "RUN"], cells))
    counts = ", ".join(
        f"{number} {word}" for outcome, word in _WORDS.items()
        if (number := sum(row.added.outcome == outcome for row in rows)) or outcome in {"new", "known", "reopened"}
    )  # fmt: skip
    said = f"{len(rows)} occurrence{'s' if len(rows) > 1 else ''} of {runnable.key} {span}: {counts}."
    say(f"{said} Nothing was written (--dry-run)." if dry_run else said)


def as_json(
    runnable: RunnableJob, window: Window, rows: Sequence[Row], ends: Sequence[Run], *, dry_run: bool
) -> dict[str, Any]:
    """The same for programs, with how the runs ended where somebody waited."""
    ended = {run.key: run.state for run in ends}
    return {
        "job": {"id": runnable.remote_id, "key": runnable.key},
        "from": _utc(window.start),
        "to": _utc(window.end),
        "dryRun": dry_run,
        "counts": {outcome: sum(row.added.outcome == outcome for row in rows) for outcome in _WORDS},
        "runs": [
            {"key": row.added.key, "occurrence": _utc(row.at), "outcome": row.added.outcome,
             "state": ended.get(row.added.key, row.added.state)}
            for row in rows
        ],
    }  # fmt: skip


def _foretold(book: Book, job: str, runs: Sequence[NewRun]) -> Sequence[Added]:
    from datetime import timedelta

    from interact_gitops.ledger.requests import RunFilter
    from interact_gitops.runner.asked import foretold

    until = runs[-1].scheduled_at + timedelta(seconds=1)
    wanted = RunFilter(job=job, since=runs[0].scheduled_at, until=until, limit=MOST_LINES)
    standing = book.ledger.jobs(book.space, [job]).get(job)
    return foretold(runs, book.ledger.history(book.space, wanted), standing.pruned_until if standing else None)


def _outcome(added: Added) -> str:
    return f"{_WORDS[added.outcome]}: {added.state}" if added.outcome == "known" else _WORDS[added.outcome]


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
