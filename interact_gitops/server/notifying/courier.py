"""The courier: takes messages out of the outbox, one after the other, and writes down what became of each.

One at a time, so that a server killed between a receiver's yes and our note of it has at most one message to send a
second time. What that costs, a receiver who hangs making the others wait, is kept small: each send has a limit of
seconds, and a channel that failed rests, longer each time, before anything is tried there again.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from interact_gitops.notify.messages.composing import compose
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.retrying import Patience, pause
from interact_gitops.notify.sender import Again, Delivered, GivenUp, Outcome
from interact_gitops.notify.senders.choosing import Means, sender_for
from interact_gitops.server.clock import Clock, from_text, to_text
from interact_gitops.server.notifying.outbox import no_channel
from interact_gitops.server.notifying.reading import read_event
from interact_gitops.server.store import channels, deliveries
from interact_gitops.server.store.channels import StoredChannel
from interact_gitops.server.store.database import Database
from interact_gitops.server.store.deliveries import StoredDelivery

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
_LONGEST_SLEEP = 2.0  # seconds; a run's end that woke nobody is told after this
_STORE_RETRY_SECONDS = 2.0
_MOST_ERROR = 1_000  # characters

Place = tuple[str, str]
"""An organisation and a channel's name in it."""


@dataclass(slots=True, kw_only=True)
class _Rest:
    """A channel that failed `times` in a row is left alone until then."""

    times: int
    until: datetime


class Courier:
    """Delivers in a thread of its own from `start` to `stop`. `observe` is told of each try: kind and outcome."""

    def __init__(
        self,
        database: Database,
        means: Means,
        *,
        clock: Clock,
        patience: Patience,
        public_url: str | None,
        observe: Callable[[str, str], None],
    ) -> None:
        self._database = database
        self._means = means
        self._clock = clock
        self._patience = patience
        self._public_url = public_url
        self._observe = observe
        self._resting: dict[Place, _Rest] = {}
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._deliver_until_stopped, name="courier", daemon=True)

    def start(self) -> None:
        """Takes over what an earlier server had under way, and begins to deliver."""
        with self._database.write() as db:
            deliveries.release_all(db)
        self._thread.start()

    def alive(self) -> bool:
        """Whether messages are being delivered."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def wake(self) -> None:
        """There may be something to deliver."""
        self._awake.set()

    def hurry(self, place: Place) -> None:
        """Somebody wants this channel tried now."""
        self._resting.pop(place, None)
        self._awake.set()

    def stop(self, *, seconds: float) -> None:
        """Lets the message under way arrive for some seconds, then breaks it off; it is sent after the next start."""
        self._stopping.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)
            self._means.web.stopping.set()
            self._thread.join()

    def _deliver_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                sleep = self._deliver_next()
            except sqlite3.Error:
                log.exception("the store cannot be used; no notification is sent until it can")
                sleep = _STORE_RETRY_SECONDS
            if sleep > 0:
                self._awake.wait(sleep)

    def _deliver_next(self) -> float:
        """Delivers the message that is due longest; seconds until there may be another."""
        now = self._clock()
        resting = [place for place, rest in list(self._resting.items()) if rest.until > now]
        with self._database.read() as db:
            due_at = deliveries.next_due_at(db, resting)
        if due_at is None or due_at > to_text(now):
            ends = [rest.until for rest in list(self._resting.values()) if rest.until > now]
            ends += [] if due_at is None else [from_text(due_at)]
            left = min(((end - now).total_seconds() for end in ends), default=_LONGEST_SLEEP)
            return min(_LONGEST_SLEEP, max(0.001, left))
        until = to_text(now + timedelta(seconds=LEASE_SECONDS))
        with self._database.write() as db:
            taken = deliveries.take(db, resting, now=to_text(now), until=until)
        if taken is None:  # leased, by a thread of ours that died
            return _LONGEST_SLEEP
        with self._database.read() as db:
            channel = channels.find_by_name(db, taken.organisation_id, taken.channel)
        outcome = self._send(taken, channel)
        self._settle(taken, outcome)
        self._observe(channel.type if channel else "none", type(outcome).__name__)
        return 0.0

    def _send(self, taken: StoredDelivery, channel: StoredChannel | None) -> Outcome:
        if channel is None:
            return GivenUp(why=no_channel(taken.channel), remedy="make it, and send the message again")
        try:
            sender = sender_for(
                channel.type, self._means, url=channel.url, secret=channel.secret, receivers=channel.receivers
            )  # fmt: skip
            return sender.send(self._message(taken), reached=taken.reached)
        except sqlite3.Error:
            raise
        except Exception:  # the edge of a thread: one message's bug must not keep the others from being sent
            log.exception("notification %s met a bug", taken.id)
            return Again(why="the server met a bug; its log has the details")

    def _message(self, taken: StoredDelivery) -> Message:
        with self._database.read() as db:
            event = read_event(db, taken)
        return compose(event, delivery=taken.id, topic=taken.topic, public_url=self._public_url)

    def _settle(self, taken: StoredDelivery, outcome: Outcome) -> None:
        """Writes the outcome; tries until the store takes it, for the message may have arrived."""
        place = (taken.organisation_id, taken.channel)
        while True:
            try:
                self._write(taken, outcome, place)
                return
            except sqlite3.Error:
                log.exception("notification %s: what became of it could not be stored", taken.id)
                if self._stopping.wait(_STORE_RETRY_SECONDS):
                    return

    def _write(self, taken: StoredDelivery, outcome: Outcome, place: Place) -> None:
        now = self._clock()
        state, error, due_at = "sent", None, None
        reached: frozenset[str] = frozenset()
        if isinstance(outcome, Delivered):
            self._resting.pop(place, None)
            error = outcome.but
        elif isinstance(outcome, GivenUp):
            state, error = "dead", f"{outcome.why}; {outcome.remedy}" if outcome.remedy else outcome.why
        else:
            wait = self._rest(place, outcome, taken, now)
            reached = outcome.reached or taken.reached
            error, due_at = outcome.why, to_text(now + timedelta(seconds=wait))
            state = "dead" if due_at >= taken.give_up_at else "waiting"
        with self._database.write() as db:
            deliveries.settle(
                db, taken, state=state, now=to_text(now), error=None if error is None else error[:_MOST_ERROR],
                due_at=due_at, reached=reached,
            )  # fmt: skip
        if state != "sent":
            level = logging.WARNING if state == "dead" else logging.INFO
            log.log(level, "notification %s to %r is %s: %s", taken.id, taken.channel, state, error)

    def _rest(self, place: Place, outcome: Again, taken: StoredDelivery, now: datetime) -> float:
        """Lets the channel rest; seconds until this message is tried again."""
        if self._means.web.stopping.is_set():
            return 0.0  # broken off by us
        if taken.topic == "test":
            return pause(self._patience, taken.tries, asked=outcome.after, spread=random.random())  # noqa: S311 - spreads retries, guards nothing
        times = self._resting[place].times + 1 if place in self._resting else 1
        spread = random.random()  # noqa: S311 - spreads retries, guards nothing
        rest = pause(self._patience, times, asked=outcome.after, spread=spread)
        self._resting[place] = _Rest(times=times, until=now + timedelta(seconds=rest))
        return max(rest, pause(self._patience, taken.tries, asked=outcome.after, spread=spread))
