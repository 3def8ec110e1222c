"""`ledger recover`, `ledger prune` and `ledger export`: what people do about a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.locking import read_wait
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note, say, say_json, visible


@command(
    "recover",
    examples="""
interact-gitops ledger recover monday-briefing@2026-11-23T07:00Z --adopt chat_65196ac6
interact-gitops ledger recover monday-briefing@2026-11-23T07:00Z --resend
interact-gitops ledger recover monday-briefing@2026-11-23T07:00Z --fail --reason "the report went out by hand"
""",
)
@click.argument("run")
@click.option("--adopt", "adopt", multiple=True, metavar="CHAT", help="This is its chat; once for each of a fan-out.")
@click.option("--resend", is_flag=True, help="Nothing of it started: send it again, as the next attempt.")
@click.option("--fail", is_flag=True, help="It has failed, for a reason that you know.")
@click.option("--reason", metavar="TEXT", help="With --fail: why.")
@json_format()
def recover(workspace: Workspace, run: str, form: str, **given: Any) -> None:
    """Settle RUN, of which nobody knows whether it started (needs_operator), after looking at the target.

    The history of the run keeps who said so. A runner sends, or follows, what comes of it.
    """
    from interact_gitops.cli.ledger_words import run_json
    from interact_gitops.cli.recovering import settle

    chosen = bool(given["adopt"]) + given["resend"] + given["fail"]
    if chosen != 1:
        raise click.UsageError("give one of --adopt CHAT, --resend and --fail")
    if given["fail"] != bool(given["reason"]):
        raise click.UsageError("--fail goes with --reason TEXT, and --reason with nothing else")
    after, steps = settle(workspace, run, **given)
    if form == "json":
        say_json({"run": run_json(after, steps)})
        return
    say(f"{visible(after.key)} is {after.state}: {visible(after.reason or '')}")
    if not after.ended:
        note("a runner goes on with it: `interact-gitops runner --until-idle`, unless one runs already")


@command(
    "prune",
    examples="interact-gitops ledger prune --older-than 400d\ninteract-gitops ledger prune --older-than 400d --yes",
)
@click.option("--older-than", "older", required=True, callback=read_wait, metavar="DURATION", help="E.g. 400d.")
@click.option("--yes", is_flag=True, help="Do it; without this it is only said how many there are.")
@json_format()
def prune(workspace: Workspace, older: int, yes: bool, form: str) -> None:
    """Remove runs that ended longer ago than that, with their history: nothing that could still be decided again.

    What was pruned cannot be backfilled any more: nobody knows then whether it ran. Export the ledger before.
    """
    from interact_gitops.cli.pruning import prune_ledger

    found = prune_ledger(workspace, older, really=yes)
    if form == "json":
        say_json({"runs": found.runs, "before": found.before.strftime("%Y-%m-%dT%H:%M:%SZ"), "pruned": yes})
        return
    runs = f"{found.runs:,} run{'' if found.runs == 1 else 's'} that ended before {found.before:%Y-%m-%d %H:%M} UTC"
    say(f"{runs} {'are' if found.runs != 1 else 'is'} {'removed' if yes else 'to be removed'}.")
    if found.runs and not yes:
        note("nothing was removed: that is done with --yes")


@command(
    "export",
    examples="interact-gitops ledger export | gzip > ledger.jsonl.gz\ninteract-gitops ledger export --out ledger.jsonl",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A new file, instead of stdout.")
def export(workspace: Workspace, out: Path | None) -> None:
    """Write everything in the ledger, of every target, as JSON lines of one moment.

    Parameters and the frozen requests are in it; keys and passwords are not, since the ledger never has them.
    """
    from interact_gitops.cli.ledgers import open_book
    from interact_gitops.cli.pruning import export_to

    with open_book(workspace) as book:
        count = book.ledger.export(click.echo) if out is None else export_to(book, out)
    note(f"{count:,} records{f' in {out}' if out else ''}")
