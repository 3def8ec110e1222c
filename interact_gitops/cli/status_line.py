"""One line on a terminal that says how a runner stands; nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interact_gitops.runner.standing import Standing


@contextmanager
def status_line(*, wanted: bool) -> Iterator[tuple[Callable[[Standing], object], Callable[[str], object] | None]]:
    """(what is told of each standing, where log lines go so that they stay above the line)."""
    if not wanted or not sys.stderr.isatty():
        yield (lambda _standing: None), None
        return
    from rich.console import Console
    from rich.status import Status

    console = Console(stderr=True, highlight=False)
    with Status("starting", console=console) as status:
        yield (
            lambda standing: status.update(words(standing, datetime.now(UTC))),
            lambda line: console.print(line, markup=False, soft_wrap=True),
        )


def words(standing: Standing, now: datetime) -> str:
    """`3 active, 1 being sent; 12 jobs, the next at 08:00 UTC (in 12 min)`."""
    parts = [f"{standing.active} active"]
    parts += [f"{standing.sending} being sent"] if standing.sending else []
    parts += [f"{standing.unknown} doubtful"] if standing.unknown else []
    said = f"{', '.join(parts)}; {standing.jobs} job{'' if standing.jobs == 1 else 's'}"
    if standing.next_due is not None:
        minutes = max(0, round((standing.next_due - now).total_seconds() / 60))
        said += f", the next at {standing.next_due:%H:%M} UTC (in {minutes} min)"
    if standing.ledger_down is not None:
        said = f"the ledger is away, nothing is sent; {said}"
    if standing.held is not None:
        said = f"the target refuses the key, nothing is sent; {said}"
    return said
