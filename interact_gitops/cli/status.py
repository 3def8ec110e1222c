"""`status`: how the loop stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interact_gitops.cli.controlling import STATE
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, visible
from interact_gitops.errors import ExitCode, Refused

if TYPE_CHECKING:
    from interact_gitops.gitops.standing import Standing

SHOWN = 20


@command("status", examples="interact-gitops status\ninteract-gitops status --format json")
@click.option("--state", default=STATE, show_default=True, metavar="DIR", help="Where the loop keeps it.")
@json_format()
def status(_workspace: Workspace, state: str, form: str) -> int:
    """Show how the sync loop stands: its branch, the last good commit, what differs, what waits for whom.

    Exits with 1 when the loop cannot do its work.
    """
    from interact_gitops.gitops.controls import read_controls
    from interact_gitops.gitops.memory import read_standing, standing_to_json

    folder = Path(state)
    standing = read_standing(folder)
    if standing is None:
        raise Refused(f"no loop has worked in {state!r}", remedy="start one with `interact-gitops sync --repo URL`")
    if form == "json":
        say_json({"sync": {**standing_to_json(standing), "told": None, "fights": None}})
    else:
        controls = read_controls(folder)
        say("\n".join(describe(standing)))
        for name in ("pin", "suspend", "override"):
            word = getattr(controls, name)
            if word is not None:
                value = f" {word.value[:19]}" if word.value else ""
                say(visible(f"{name}{value}: {word.reason} ({word.by}, {word.at}); end it with `sync resume`"))
    return ExitCode.FAILED if standing.health == "Degraded" else ExitCode.DONE


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
    yield f"  looked      {_when(standing.passed_at)}, next {_when(standing.next_at)}"
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
        yield visible(f"  problem     {problem}")


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at is not None else "never"
