"""Waiting for runs that runners start and follow: the ledger is asked, never the target."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from interact_gitops.cli.output import mark, note, say, visible
from interact_gitops.errors import RunFailed

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.ledger.records import Run

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two looks
PATIENCE = 10.0  # seconds without anything started, after which a word about runners is due
BATCH = 500
OVER = frozenset({"needs_operator"})


def wait_for_runs(book: Book, keys: Sequence[str], *, quiet: bool) -> list[Run]:
    """The runs when all of them are over, or need somebody to look; each end is said as it comes, unless `quiet`."""
    said: set[str] = set()
    pause, started = FIRST_PAUSE, time.monotonic()
    reminded = False
    try:
        while True:
            runs = _read(book, keys)
            for run in runs:
                if _over(run) and run.key not in said:
                    said.add(run.key)
                    _say_end(run, quiet=quiet)
            if len(said) == len(runs):
                return runs
            idle = all(run.state == "planned" or _over(run) for run in runs)
            if idle and not reminded and time.monotonic() - started > PATIENCE:
                note("nothing is being started: is a runner running? Start one with `interact-gitops runner`")
                reminded = True
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    except KeyboardInterrupt:
        note("no longer waiting; what is planned stays planned. Take a run back with `interact-gitops cancel RUN`")
        raise


def demand_success(runs: Sequence[Run]) -> None:
    """Raises RunFailed unless every run succeeded."""
    failed = [run for run in runs if run.state != "succeeded"]
    if failed:
        said = f"{len(failed)} of {len(runs)} runs did not succeed"
        raise RunFailed(said, remedy=f"see `interact-gitops ledger show {failed[0].key}`")


def _read(book: Book, keys: Sequence[str]) -> list[Run]:
    return [
        run for start in range(0, len(keys), 500) for run in book.ledger.runs(book.space, keys[start : start + 500])
    ]


def _over(run: Run) -> bool:
    return run.ended or run.state in OVER


def _say_end(run: Run, *, quiet: bool) -> None:
    if quiet:
        return
    why = "" if run.state == "succeeded" or not run.reason else f"  {visible(run.reason)}"
    say(f"{visible(run.key)}  {mark(run.state)}{why}")
