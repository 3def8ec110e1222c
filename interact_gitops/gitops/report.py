"""What the loop says of its passes: log lines when something changed, and counters for metrics."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from interact_gitops.gitops.standing import Standing

LOGGER = logging.getLogger("interact_gitops.runner.sync")


@dataclass(slots=True)
class Report:
    """Counts since the start. `latest` is what `/healthz` and metrics tell."""

    counts: Counter[str] = field(default_factory=Counter)
    applied: Counter[str] = field(default_factory=Counter)
    latest: Standing | None = None
    _said: tuple[Any, ...] = ()

    def passed(self, standing: Standing) -> None:
        """One pass is over."""
        self.counts["passes"] += 1
        if standing.failures:
            self.counts["failed"] += 1
        if standing.wrote_at is not None and (self.latest is None or self.latest.wrote_at != standing.wrote_at):
            self.applied.update(standing.counts)
            if standing.counts:
                self._log("applied", commit=_short(standing), **standing.counts)
        if standing.hold is not None and (self.latest is None or self.latest.hold != standing.hold):
            self.counts["holds"] += 1
        self.latest = standing
        said = (standing.sync, standing.sync_reason, standing.health, standing.health_reason, standing.hold)
        if said != self._said:
            self._said = said
            level = logging.WARNING if standing.health == "Degraded" or standing.hold else logging.INFO
            self._log(
                standing.sync, level=level, commit=_short(standing), reason=standing.sync_reason,
                health=standing.health, why=standing.health_reason,
                release=standing.hold.release if standing.hold else None,
            )  # fmt: skip
            for problem in standing.problems:
                self._log("problem", level=logging.WARNING, said=problem)

    def _log(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        shown = {name: value for name, value in fields.items() if value not in (None, "", 0)}
        words = " ".join(f"{name}={value}" for name, value in shown.items())
        LOGGER.log(level, "%s %s", event, words, extra={"event": event, "fields": shown})


def _short(standing: Standing) -> str | None:
    return standing.head.short if standing.head else None
