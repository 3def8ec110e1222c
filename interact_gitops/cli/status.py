"""`status`: how the loop stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interact_gitops.cli.controlling import STATE
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, visible
from interact_gitops.errors import ExitCode, Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.cli.ledger_words import Condition
    from interact_gitops.gitops.standing import Standing

SHOWN = 20


@command("status", examples="interact-gitops status\ninteract-gitops status --format json")
@click.option("--state", default=STATE, show_default=True, metavar="DIR", help="Where the loop keeps it.")
@json_format()
def status(workspace: Workspace, state: str, form: str) -> int:
    """Show how the sync loop stands: its branch, the last good commit, what differs, what waits for whom.

    And the runner beside it, as far as its ledger can be read from here. Exits with 1 when the loop cannot do its
    work.
    """
    from interact_gitops.gitops.controls import read_controls
    from interact_gitops.gitops.memory import at_work, last_pass, read_standing
    from interact_gitops.gitops.telling import standing_form

    folder = Path(state)
    standing = read_standing(folder)
    if standing is None:
        raise Refused(f"no loop has worked in {state!r}", remedy="start one with `interact-gitops sync --repo URL`")
    standing = replace(standing, passed_at=last_pass(folder))
    controls = read_controls(folder)
    words = {name: word for name in ("pin", "suspend", "override") if (word := getattr(controls, name)) is not None}
    working, ledger = at_work(folder), _ledger(workspace, standing)
    if form == "json":
        told = {name: asdict(word) for name, word in words.items()}
        approved = {digest: asdict(word) for digest, word in controls.approvals.items()}
        runs = ledger.json if ledger is not None and not isinstance(ledger, str) else None
        say_json(
            {
                "atWork": working,
                "sync": standing_form(standing),
                "controls": told,
                "approvals": approved,
                "runner": runs,
            }
        )
    else:
        say("\n".join(describe(standing)))
        if not working:
            say("  no loop is at work now; start one with `interact-gitops sync` or `up`")
        for name, word in words.items():
            value = f"{word.value[:19]}: " if word.value else ""
            say(visible(f"  {name:10}  {value}{word.reason} ({word.by}, {word.at}); end it with `sync resume`"))
        for digest, word in controls.approvals.items():
            say(visible(f"  approved    the plan {digest[:12]}, by {word.by}, {word.at}; the next pass writes it"))
        if ledger is not None:
            say(visible(f"  runner      {ledger if isinstance(ledger, str) else _runs(ledger)}"))
    return ExitCode.FAILED if standing.health == "Degraded" else ExitCode.DONE


def _ledger(workspace: Workspace, standing: Standing) -> Condition | str | None:
    """How the ledger of what the loop owns stands; in words why it cannot be read; None where there is none."""
    from interact_gitops.cli.ledger_words import read_status
    from interact_gitops.cli.ledgers import known_book
    from interact_gitops.cli.together import managed_as

    if not standing.managed_by:
        return None
    try:
        with known_book(managed_as(workspace, standing.managed_by)) as book:
            return read_status(book) if book is not None else None
    except Failure as failure:
        return f"not known: {failure.message}"


def _runs(found: Condition) -> str:
    counts = ", ".join(f"{number:,} {state}" for state, number in found.counts.items()) or "no runs yet"
    due = f"; {found.late:,} due" if found.late else ""
    held = f"; nothing is sent: {found.held.reason}" if found.held else ""
    return f"{counts}{due}{held} ({found.place})"


def describe(standing: Standing) -> Iterator[str]:
    """The standing as lines for people."""
    commits = {"head": standing.head, "last good": standing.good if standing.good != standing.head else None}
    yield visible(f"{standing.sync}: {standing.sync_reason}")
    yield visible(f"{standing.health}: {standing.health_reason}")
    yield visible(f"  repository  {standing.repository} ({standing.branch})")
    yield visible(f"  target      {standing.target}, jobs of {standing.managed_by or 'nobody yet'}")
    for name, commit in commits.items():
        if commit is not None:
            said = f"{commit.short} {commit.subject[:60]!r} by {commit.author}, {_when(commit.at)}"
            yield visible(f"  {name:10}  {said}")
    if standing.signature:
        yield visible(f"  signature   {standing.signature}")
    yield f"  jobs        {standing.jobs} in git, {len(standing.items)} differ"
    yield f"  looked      {_when(standing.passed_at)}"
    if standing.counts:
        words = ", ".join(f"{count} {action}" for action, count in sorted(standing.counts.items()))
        yield f"  wrote       {_when(standing.wrote_at)}: {words}"
    if standing.hold is not None:
        yield visible(f"  waits       {standing.hold.reason}")
        yield visible(f"              release it with `{standing.hold.release}`")
    for item in standing.items[:SHOWN]:
        yield visible(f"  {item.state:10}  {item.key}: {item.reason}")
    if len(standing.items) > SHOWN:
        yield f"  … and {len(standing.items) - SHOWN} more; `--format json` has them all"
    for problem in standing.problems:
        said, *remedies = problem.splitlines() or [""]
        yield visible(f"  problem     {said}")
        yield from (visible(f"              {remedy.strip()}") for remedy in remedies)


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at is not None else "never"
