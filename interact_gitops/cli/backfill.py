"""`backfill`: the occurrences of a past window, through the ledger, so that nothing runs twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note, say_json
from interact_gitops.cli.subjects import job_argument

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.interact.client import Client


@command(
    "backfill",
    examples="""
interact-gitops backfill weekly-campaign-performance --from 2026-11-01 --dry-run
interact-gitops backfill weekly-campaign-performance --from 2026-11-01 --to 2026-11-16
interact-gitops backfill weekly-campaign-performance --from 2026-11-02T08:00 --to 2026-11-03 --wait
""",
)
@job_argument()
@click.option("--from", "start", metavar="WHEN", required=True, help="First instant, inclusive, in the job's zone.")
@click.option("--to", "end", metavar="WHEN", help="Last instant, exclusive.  [default: now]")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and write nothing.")
@click.option("--wait", is_flag=True, help="Wait for the ends; exit 0 only when every run succeeded.")
@json_format()
def backfill(workspace: Workspace, job: str, form: str, **given: Any) -> None:
    """Run the occurrences of JOB in a past window that have not run.

    They get the keys that the schedule gives them: what ran, or was sent, never runs again; what was missed or skipped
    is opened again. Runners start them one after the other, however late it is (start_deadline does not count).
    """
    from interact_gitops.cli.ledgers import open_book

    with workspace.client() as client, open_book(workspace) as book:
        _backfill(workspace, client, book, job, form=form, **given)


def _backfill(
    workspace: Workspace, client: Client, book: Book, job: str,
    *, start: str, end: str | None, dry_run: bool, wait: bool, form: str,
) -> None:  # fmt: skip
    from interact_gitops.cli import backfilling
    from interact_gitops.cli.waiting import demand_success, wait_for_runs

    runnable, target = backfilling.find_job(workspace, client, job)
    window = backfilling.read_window(runnable.job, start, end)
    runs = backfilling.occurrences(runnable, window, full=client.surface() == "full")
    rows = backfilling.enter(book, runnable, target, runs, dry_run=dry_run)
    if form == "text":
        backfilling.say_rows(runnable, window, rows, dry_run=dry_run)
    fresh = any(row.added.outcome in {"new", "reopened"} for row in rows)
    ends = []
    if wait and not dry_run:
        # What an earlier backfill of the window planned is waited for as well.
        ends = wait_for_runs(book, [row.added.key for row in rows if row.open], quiet=form == "json")
    elif fresh and not dry_run:
        note("a runner starts them, one after the other; if none is running: `interact-gitops runner --until-idle`")
    if form == "json":
        say_json(backfilling.as_json(runnable, window, rows, ends, dry_run=dry_run))
    demand_success(ends)
