"""What the schedules have to tell: figures for /metrics, and log lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from interact_gitops.ledger.records import Run
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.target import Answer
from interact_gitops.server.metrics import Metrics

log = logging.getLogger(__name__)


class ScheduleJournal(Journal):
    """A runner's journal that feeds the server's metrics. A run's failure is told by its chat, so only what would
    stay unseen without it is a warning here."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def answered(self, run: Run, answer: Answer) -> None:
        """See `Journal`."""
        super().answered(run, answer)
        if answer.verdict == "started" and run.sent_at is not None:
            self._metrics.observe_scheduled("started")
            self._metrics.observe_lateness((run.sent_at - run.due_at).total_seconds())
        self.lateness.clear()

    def ended(self, runs: Sequence[Run]) -> None:
        """See `Journal`."""
        super().ended(runs)
        for run in runs:
            self._metrics.observe_scheduled(run.state)

    def _say(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        if event == "notice":
            log.warning("schedule: %s", json.loads(fields["said"])["message"])
            return
        level = level if level >= logging.ERROR else logging.INFO
        log.log(level, "%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items() if value))
