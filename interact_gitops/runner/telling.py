"""The runner's notices on their way to people: each to the log, and to every channel that the operator named.

A notice is written with what it tells of, and told at least once. For each channel it becomes a notice of its own, so
that one channel that is away keeps nothing from the others; the second writing of the same one is the first.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.ledger.errors import LedgerUnavailable
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Notice
from interact_gitops.ledger.requests import Delivered, Delivery
from interact_gitops.notify.events import Remark
from interact_gitops.notify.heralds import Herald
from interact_gitops.notify.retrying import GIVE_UP, Patience, pause
from interact_gitops.notify.sender import Again, GivenUp, Outcome
from interact_gitops.runner.events import CHANNEL
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import Clock, SystemClock

LOOK = 2.0  # seconds between two looks
LEASE = 120.0  # of what was taken; longer than the sends of one look
AT_ONCE = 8
_TITLES = {"missed_run": "A run was missed", "needs_operator": "Somebody is needed"}


class Teller:
    """Takes the notices of one target and tells them. It works beside the runner, on a ledger of its own."""

    def __init__(
        self, ledger: FullLedger, space: str, owner: str, herald: Herald, journal: Journal, clock: Clock | None = None
    ) -> None:  # fmt: skip
        self._ledger, self._space, self._owner = ledger, space, f"{owner}/teller"
        self._herald, self._journal = herald, journal
        self._clock = clock or SystemClock()

    def work(self, stopped: threading.Event) -> None:
        """Tell until `stopped`; a last look is taken then."""
        last = False
        while not last:
            last = stopped.wait(LOOK)
            with suppress(LedgerUnavailable):  # the runner says so
                while self.once(self._clock.now()):
                    pass

    def once(self, now: datetime) -> int:
        """One look at `now` (UTC): how many notices were taken. Raises LedgerUnavailable."""
        taken = self._ledger.take_notices(
            self._space, owner=self._owner, lease_seconds=LEASE, limit=AT_ONCE, now=now
        )  # fmt: skip
        results = [self._tell(delivery, now) for delivery in taken]
        if results:
            self._ledger.settle_notices(self._space, results, owner=self._owner, now=now)
        return len(taken)

    def _tell(self, delivery: Delivery, now: datetime) -> Delivered:
        notice = delivery.notice
        if notice.channel == CHANNEL:
            self._journal.noticed(notice)
            self._ledger.notify(self._space, self._for_channels(notice, now), now=now)
            return Delivered(id=notice.id, outcome="told")
        outcome = self._herald.tell(notice.channel, remark_of(notice))
        self._journal.told(notice, outcome)
        return self._settled(delivery, outcome, now)

    def _for_channels(self, notice: Notice, now: datetime) -> Sequence[Notice]:
        body = json.dumps({**json.loads(notice.body), "id": notice.id, "time": now.isoformat()}, ensure_ascii=False)
        return [
            Notice(id=f"{notice.id}>{name}", channel=name, topic=notice.topic, body=body, run_key=notice.run_key)
            for name in self._herald.senders
        ]

    def _settled(self, delivery: Delivery, outcome: Outcome, now: datetime) -> Delivered:
        notice = delivery.notice
        if isinstance(outcome, Again) and (now - delivery.created_at).total_seconds() < GIVE_UP:
            wait = pause(Patience(), delivery.tries + 1, asked=outcome.after, spread=random.random())  # noqa: S311  # no secret depends on it
            return Delivered(id=notice.id, outcome="again", again_at=now + timedelta(seconds=wait), error=outcome.why)
        if isinstance(outcome, Again | GivenUp):
            return Delivered(id=notice.id, outcome="given_up", error=outcome.why)
        return Delivered(id=notice.id, outcome="told")


def remark_of(notice: Notice) -> Remark:
    """A channel's notice as what is told to people."""
    body: dict[str, Any] = json.loads(notice.body)
    title = _TITLES.get(notice.topic, notice.topic)
    job = body.get("job")
    return Remark(
        id=body["id"], time=body["time"], topic=notice.topic, level="error", title=f"{job}: {title}" if job else title,
        text=body["message"], job_key=job, run_key=notice.run_key,
    )  # fmt: skip
