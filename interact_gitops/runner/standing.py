"""How a runner stands, and whether anything is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.requests import RunFilter

ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a runner stands, for its status line and its metrics. `held` and `ledger_down` say why nothing is sent."""

    jobs: int
    active: int
    sending: int
    unknown: int
    next_due: datetime | None
    held: str | None
    ledger_down: str | None


def startable(ledger: FullLedger, space: str) -> bool:
    """Whether a planned run will start by itself, now or later: not while the target is held, nor of a paused job's
    schedule."""
    if not ledger.counts(space).get("planned") or ledger.held(space):
        return False
    waiting = ledger.history(space, RunFilter(states=("planned",), limit=ROWS))
    standings = ledger.jobs(space, sorted({line.job for line in waiting}))
    paused = {job for job, standing in standings.items() if standing.pause is not None}
    return any(line.kind != "schedule" or line.job not in paused for line in waiting)
