"""Old runs removed, and the ledger written out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.cli.ledgers import open_book
from interact_gitops.cli.times import now
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.cli.options import Workspace

BATCH = 1_000
SHORTEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many runs are older than `before` and may go, or went."""

    runs: int
    before: datetime


def prune_ledger(workspace: Workspace, seconds: int, *, really: bool) -> Pruned:
    """Count what is older, and remove it if `really`. Raises Failure for less than a day."""
    older, moment = timedelta(seconds=seconds), now()
    if older < SHORTEST:
        raise Failure("--older-than is less than a day", remedy="keep at least what people may ask about: 400d")
    # A key that lies within a job's catch-up window could be decided again.
    schedules = (definition.job.schedule for definition in workspace.definitions())
    keep = timedelta(seconds=max((schedule.start_deadline for schedule in schedules if schedule), default=0))
    before = moment - max(older, keep)
    with open_book(workspace) as book:
        if not really:
            return Pruned(runs=book.ledger.prunable(book.space, older_than=older, keep=keep, now=moment), before=before)
        total = 0
        while gone := book.ledger.prune(book.space, older_than=older, keep=keep, now=moment, limit=BATCH):
            total += gone
    return Pruned(runs=total, before=before)


def export_to(book: Book, out: Path) -> int:
    """Write the ledger's export into a new file, whole or not at all; how many records. Raises Failure."""
    if out.exists():
        raise Failure(f"{out} is there already, and is left as it is", remedy="name another file")
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as stream:
            count = book.ledger.export(lambda line: stream.write(line + "\n"))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(unfinished, out)
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}", remedy="choose another place") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count
