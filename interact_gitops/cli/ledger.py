"""`ledger`: what the run-key ledger knows, and what people may do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.grouping import group
from interact_gitops.cli.ledger_upkeep import export, prune, recover
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, table
from interact_gitops.cli.subjects import job_argument
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.ledger.states import State

# The states, as `ledger.states` has them: `--help` imports nothing of ours, and a test compares the two.
STATES = (
    *("planned", "claimed", "sending", "triggered", "running", "succeeded", "failed", "cancelled", "timed_out"),
    *("missed", "skipped_overlap", "needs_operator"),
)


@command("status", examples="interact-gitops ledger status\ninteract-gitops ledger status --format json")
@json_format()
def status(workspace: Workspace, form: str) -> None:
    """Say where the ledger is, how many runs are in which state, what waits, and whether it is sound."""
    from interact_gitops.cli.ledger_words import read_status, say_status
    from interact_gitops.cli.ledgers import open_book

    with open_book(workspace) as book:
        found = read_status(book)
    if form == "json":
        say_json(found.json)
    else:
        say_status(found)
    if found.faults:
        said = f"the ledger {found.place} is not sound: {len(found.faults)} faults"
        raise Failure(said, remedy="stop its runners, and restore it from a backup")


@command(
    "list",
    examples="interact-gitops ledger list --state needs_operator\n"
    "interact-gitops ledger list weekly-campaign-performance --from 2026-11-01 --format json",
)
@job_argument(required=False)
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only runs in this state.")
@click.option("--from", "start", metavar="WHEN", help="Only runs planned for this instant (UTC) or later.")
@click.option("--to", "end", metavar="WHEN", help="Only runs planned for before this instant.")
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="How many runs.")
@json_format()
def list_(workspace: Workspace, job: str | None, states: tuple[State, ...], form: str, **given: Any) -> None:
    """List the ledger's runs of JOB, or of every job, newest occurrence first."""
    from interact_gitops.cli.ledger_words import line_json, line_row, read_filter
    from interact_gitops.cli.ledgers import open_book

    with open_book(workspace) as book:
        lines = book.ledger.history(book.space, read_filter(job, states, **given))
    if form == "json":
        say_json({"runs": [line_json(line) for line in lines]})
    elif not lines:
        say("The ledger has no such run.")
    else:
        say(table(["RUN", "STATE", "PLANNED FOR", "ATTEMPT", "CHATS", ""], [line_row(line) for line in lines]))


@command("show", examples="interact-gitops ledger show weekly-campaign-performance@2026-11-23T07:00Z")
@click.argument("run")
@json_format()
def show(workspace: Workspace, run: str, form: str) -> None:
    """Show everything that the ledger knows of RUN: its chats, its steps with time and author, what it was sent."""
    from interact_gitops.cli.ledger_words import run_json, say_run
    from interact_gitops.cli.ledgers import open_book

    with open_book(workspace) as book:
        found = book.run(run)
        steps = book.ledger.transitions(book.space, found.key)
    if form == "json":
        say_json({"run": run_json(found, steps)})
    else:
        say_run(found, steps)


ledger = group(
    "ledger", status, list_, show, recover, prune, export,
    help="See the run-key ledger, settle what nobody knows, prune and export it.",
    examples="""
interact-gitops ledger status
interact-gitops ledger list --state needs_operator
interact-gitops ledger show weekly-campaign-performance@2026-11-23T07:00Z
interact-gitops ledger recover monday-briefing@2026-11-23T07:00Z --adopt chat_65196ac6
interact-gitops ledger prune --older-than 400d
""",
)  # fmt: skip
