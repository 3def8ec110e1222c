"""A backfill's job, window and runs, what the ledger says of each, and all of it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from interact_gitops.cli.ledgers import person
from interact_gitops.cli.output import instant, note, say, table
from interact_gitops.cli.times import now, read_instant
from interact_gitops.errors import Failure, Refused
from interact_gitops.ledger.requests import Added

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.jobs.model import Job
    from interact_gitops.ledger.records import Run
    from interact_gitops.ledger.requests import NewRun
    from interact_gitops.ledger.states import State
    from interact_gitops.runner.catalogue import RunnableJob
    from interact_gitops.runner.target import Target

SHOWN = 20
EARLIER = timedelta(days=1)  # a target whose clock is slow dates a chat before its occurrence
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
    there: bool = False  # the target ran it by itself: the ledger has no such run

    @property
    def open(self) -> bool:
        """Whether the ledger has a run of it that is not over yet."""
        return not self.there and self.added.state in OPEN


def find_job(workspace: Workspace, client: Client, key: str) -> tuple[RunnableJob, Target]:
    """The job as a runner would run it, and where. Raises SelectionInvalid, and Refused for one that cannot run."""
    from interact_gitops.cli.assembly import catalogue_and_target
    from interact_gitops.cli.subjects import find_definition

    find_definition(workspace.definitions(), key)
    catalogue, target = catalogue_and_target(workspace, client)
    runnable = catalogue.jobs()[key]
    if runnable.refused:
        said = f"the job {key!r} cannot run on this target: {runnable.refused}"
        raise Refused(said, remedy="see `interact-gitops plan`")
    if runnable.remote_id is None:
        raise Refused(f"the job {key!r} is not on the target yet", remedy="bring it there with `interact-gitops apply`")
    return runnable, target


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


def enter(
    book: Book, runnable: RunnableJob, target: Target, runs: Sequence[NewRun], *, dry_run: bool
) -> list[Row]:  # fmt: skip
    """Write the runs into the ledger, or foretell what that would do; what the target ran by itself is left alone.

    Raises TargetSilent, LedgerFailure.
    """
    there = _ran_there(book, runnable, target, runs)
    rows = {key: Added(key=key, outcome="known", state=state) for key, state in there.items()}
    left = [run for run in runs if run.key not in there]
    if left and dry_run:
        said = _foretold(book, runnable.key, left)
    else:
        said = book.ledger.add(book.space, left, by=person(), now=now(), reopen=True) if left else ()
    rows |= {run.key: one for run, one in zip(left, said, strict=True)}
    return [Row(at=run.scheduled_at, added=rows[run.key], there=run.key in there) for run in runs]


def say_rows(runnable: RunnableJob, window: Window, rows: Sequence[Row], *, dry_run: bool) -> None:
    """The occurrences with what became of each, and their counts."""
    span = f"from {instant(window.start.astimezone(window.zone))} to {instant(window.end.astimezone(window.zone))}"
    if not rows:
        say(f"{runnable.key} has no occurrence {span}.")
        return
    shown = rows if len(rows) <= SHOWN else [*rows[: SHOWN - 1], rows[-1]]
    cells = [[instant(row.at.astimezone(window.zone)), _outcome(row), row.added.key] for row in shown]
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


def _ran_there(
    book: Book, runnable: RunnableJob, target: Target, runs: Sequence[NewRun]
) -> Mapping[str, State]:  # fmt: skip
    """The occurrences that the target has chats of, and the ledger no run: an Interact that evaluates schedules."""
    from interact_gitops.runner.asked import ran_there

    if not runs or not target.repeats or runnable.remote_id is None:
        return {}  # a target without keys does not say which occurrence a chat is of
    chats = target.chats(runnable.remote_id, since=runs[0].scheduled_at - EARLIER)
    found = ran_there(runs, chats.values())
    ours = {run.key for run in book.ledger.runs(book.space, sorted(found))}
    return {key: state for key, state in found.items() if key not in ours}


def _foretold(book: Book, job: str, runs: Sequence[NewRun]) -> Sequence[Added]:
    from interact_gitops.ledger.requests import RunFilter
    from interact_gitops.runner.asked import foretold

    until = runs[-1].scheduled_at + timedelta(seconds=1)
    wanted = RunFilter(job=job, since=runs[0].scheduled_at, until=until, limit=MOST_LINES)
    standing = book.ledger.jobs(book.space, [job]).get(job)
    return foretold(runs, book.ledger.history(book.space, wanted), standing.pruned_until if standing else None)


def _outcome(row: Row) -> str:
    if row.there:
        return f"the target ran it: {row.added.state}"
    return _WORDS[row.added.outcome] + (f": {row.added.state}" if row.added.outcome == "known" else "")


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
