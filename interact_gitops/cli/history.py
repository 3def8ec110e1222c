"""`history`: past runs, newest first."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note, say, say_json, table
from interact_gitops.cli.subjects import job_argument
from interact_gitops.errors import SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.past import PastRun
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary


# What we call a state, where the API has another word for it.
_ON_THE_WIRE = {"succeeded": "completed"}
_LEDGERS_OWN = frozenset(
    {"planned", "claimed", "sending", "triggered", "timed_out", "missed", "skipped_overlap", "needs_operator"}
)


@command(
    "history",
    examples="""
interact-gitops history
interact-gitops history weekly-campaign-performance --count 50
interact-gitops history --status failed --format json
interact-gitops history --status missed
""",
)
@job_argument(required=False)
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="How many runs.")
@click.option("--status", metavar="STATUS", help="Only runs in this status, e.g. failed, missed or skipped_overlap.")
@json_format()
def history(workspace: Workspace, job: str | None, form: str, count: int, status: str | None) -> None:
    """List past runs of JOB, or of every job, newest first: the target's chats, and what the ledger knows beside them.

    A run that never had a chat (missed, skipped since another was in the way, refused, waiting, or lost so that
    somebody has to look) has a line of its own, with the reason.
    """
    with workspace.client() as client:
        rows = _rows(workspace, client, job, count=count, status=status)
        _note_pauses(workspace, client, job)
    if form == "json":
        say_json({"runs": [row.json() for row in rows]})
        return
    if not rows:
        say("No run has this status." if status else "No run yet. Start one with `interact-gitops run JOB`.")
        return
    say(table(["RUN", "STATE", "JOB", "CREATED", "BY", "PARAMETERS"], [row.row() for row in rows]))


def _rows(workspace: Workspace, client: Client, job: str | None, *, count: int, status: str | None) -> list[PastRun]:
    from interact_gitops.cli.ledgers import known_book
    from interact_gitops.cli.past import with_ledger, without_ledger
    from interact_gitops.ledger.requests import RunFilter

    with known_book(workspace) as book:
        if book is None:
            return without_ledger(_chats(workspace, client, job, count=count, status=status), count)
        try:
            # The target takes its own words for a status alone.
            chats = [] if status in _LEDGERS_OWN else _chats(workspace, client, job, count=count, status=status)
        except SelectionInvalid:
            chats = []
            if not book.ledger.history(book.space, RunFilter(job=job, limit=1)):
                raise
        return with_ledger(book, chats, job=job, status=status, count=count)


def _note_pauses(workspace: Workspace, client: Client, job: str | None) -> None:
    from interact_gitops.cli.assembly import evaluates
    from interact_gitops.cli.standstill import pause_there, pauses_in_ledger

    if evaluates(workspace, client):
        found = pauses_in_ledger(workspace)
    elif client.surface() == "full":
        found = {there.key: pause for there in client.jobs() if (pause := pause_there(there)) is not None}
    else:
        found = {}
    for key in sorted(found) if job is None else [key for key in (job,) if key in found]:
        note(f"note: {key} is paused {found[key].words}")


def _chats(
    workspace: Workspace, client: Client, job: str | None, *, count: int, status: str | None
) -> list[ChatSummary]:
    from interact_gitops.cli.chats import find_remote_job

    if client.surface() == "public":
        from interact_gitops.cli.hosted import past_runs

        return past_runs(workspace, client, job, count=count, status=status)
    job_id = find_remote_job(client, job).id if job else None
    wanted = _ON_THE_WIRE.get(status or "", status)
    return list(islice(client.chats(job_id=job_id, status=wanted, most=count), count))
