"""What a runner says of its work: log lines with fields, counters, and the notices that are to be told."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from interact_gitops.errors import Failure, ProblemsFound
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Notice, Run
from interact_gitops.ledger.requests import Delivered
from interact_gitops.notify.sender import Again, Outcome
from interact_gitops.notify.sender import Delivered as Reached
from interact_gitops.runner.target import Answer

LOGGER = logging.getLogger("interact_gitops.runner")


class Journal:
    """Logs and counts. The counters are read by metrics and the status line."""

    def __init__(self, *, teller: bool = False) -> None:
        """`teller`: a `Teller` works beside the runner, and takes the notices."""
        self.teller = teller
        self.counts: Counter[str] = Counter()
        self.lateness: list[float] = []  # seconds from due to started, of runs since the last reading
        self.ledger_seconds: float | None = None  # how long the newest claim took
        self._unreadable: str | None = None
        self._silent: str | None = None

    def decided(self, keys: Sequence[str]) -> None:
        """Runs that are new in the ledger."""
        self.counts["decided"] += len(keys)
        for key in keys:
            self._say("due", run=key)

    def claimed(self, runs: Sequence[Run], *, seconds: float) -> None:
        """Runs that were claimed, and how long the ledger took to answer."""
        self.counts["claimed"] += len(runs)
        self.ledger_seconds = seconds

    def taken_over(self, runs: Sequence[Run]) -> None:
        """Runs whose runner is gone."""
        self.counts["taken_over"] += len(runs)
        for run in runs:
            self._say("taken_over", run=run.key, job=run.job, state=run.state)

    def silent(self, silent: Failure | None) -> None:
        """A target that could not be asked what became of its runs, said once; asked again by itself."""
        said = silent.message if silent else None
        if said is not None:
            self.counts["target_silent"] += 1
        if said != self._silent:
            self._say("target_silent" if said else "target_back", level=logging.WARNING if said else logging.INFO,
                      said=said)  # fmt: skip
        self._silent = said

    def answered(self, run: Run, answer: Answer) -> None:
        """What the target said to a request."""
        self.counts[f"answer_{answer.verdict}"] += 1
        if answer.verdict == "started" and run.sent_at is not None:
            self.lateness.append((run.sent_at - run.due_at).total_seconds())
        level = logging.INFO if answer.verdict in {"started", "busy"} else logging.WARNING
        self._say(answer.verdict, level=level, run=run.key, job=run.job, attempt=run.attempt, said=answer.said,
                  chats=list(answer.chats[:10]))  # fmt: skip

    def ended(self, runs: Sequence[Run]) -> None:
        """Runs that are over."""
        for run in runs:
            self.counts[f"ended_{run.state}"] += 1
            level = logging.INFO if run.state == "succeeded" else logging.WARNING
            self._say(run.state, level=level, run=run.key, job=run.job, said=run.reason, in_the_way=run.in_the_way)

    def ledger_down(self, failure: Failure) -> None:
        """The ledger cannot be used for now; nothing is claimed until it is back."""
        self.counts["ledger_failures"] += 1
        self._say("ledger_down", level=logging.ERROR, said=failure.message, remedy=failure.remedy)

    def ledger_back(self) -> None:
        """The ledger is there again."""
        self._say("ledger_back")

    def catalogue(self, unreadable: Failure | None) -> None:
        """Definitions that cannot be read, said once; the last good ones stay in force."""
        said = unreadable.message if unreadable else None
        if isinstance(unreadable, ProblemsFound) and unreadable.problems:
            said = f"{said}: {unreadable.problems[0]}"
        if said != self._unreadable and said is not None:
            self._say("definitions_unreadable", level=logging.ERROR, said=said)
        self._unreadable = said

    def tell(self, ledger: FullLedger, target: str, owner: str, *, now: datetime) -> None:
        """Deliver the runner's own notices to the log, once each; not where a `Teller` takes them."""
        if self.teller:
            return
        taken = ledger.take_notices(target, owner=owner, lease_seconds=60, limit=200, now=now)
        for delivery in taken:
            self.noticed(delivery.notice)
        if taken:
            told = [Delivered(id=delivery.notice.id, outcome="told") for delivery in taken]
            ledger.settle_notices(target, told, owner=owner, now=now)

    def noticed(self, notice: Notice) -> None:
        """Something that people should know."""
        self.counts[f"notice_{notice.topic}"] += 1
        self._say("notice", level=logging.WARNING, topic=notice.topic, said=notice.body)

    def told(self, notice: Notice, outcome: Outcome) -> None:
        """What became of telling it to a channel."""
        if isinstance(outcome, Reached):
            self._say("told", channel=notice.channel, topic=notice.topic)
            return
        event = "not_told_yet" if isinstance(outcome, Again) else "not_told"
        self._say(event, level=logging.WARNING, channel=notice.channel, topic=notice.topic, why=outcome.why)

    def _say(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        shown = {name: value for name, value in fields.items() if value not in (None, [], "")}
        words = " ".join(f"{name}={value}" for name, value in shown.items())
        LOGGER.log(level, "%s %s", event, words, extra={"event": event, "fields": shown})
