"""A standing as others are shown it: on the target (`GET /api/sync`), over HTTP, and by `status --format json`."""

from __future__ import annotations

import logging
import random
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import Failure
from interact_gitops.gitops.commit_status import Forge, status_of
from interact_gitops.gitops.news import news
from interact_gitops.gitops.source import Commit
from interact_gitops.gitops.standing import Standing
from interact_gitops.interact.errors import ApiRefusal
from interact_gitops.notify.events import Remark
from interact_gitops.notify.heralds import Herald
from interact_gitops.notify.retrying import MOST_ASKED, Patience, pause
from interact_gitops.notify.sender import Again, Delivered, GivenUp

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client

LOGGER = logging.getLogger("interact_gitops.runner.sync")
MOST_ITEMS, MOST_DETAILED, MOST_PROBLEMS = 200, 50, 50
MOST_TOLD = 500  # identities that are remembered
_TEXT = 2_000  # characters of a reason
AGAIN = 300.0  # seconds after which a standing that did not change is told again: it is alive


def standing_form(standing: Standing) -> dict[str, Any]:
    """See `SyncStanding` in schema/interact-api.openapi.json."""
    hold = standing.hold
    return {
        "managedBy": standing.managed_by,
        "repository": standing.repository,
        "branch": standing.branch,
        "sync": standing.sync,
        "syncReason": standing.sync_reason[:_TEXT],
        "health": standing.health,
        "healthReason": standing.health_reason[:_TEXT],
        "head": _commit(standing.head),
        "good": _commit(standing.good),
        "signature": standing.signature,
        "applied": standing.applied,
        "jobs": standing.jobs,
        "differing": len(standing.items),
        "items": [
            {
                "kind": item.kind,
                "key": item.key,
                "state": item.state,
                "reason": item.reason[:_TEXT],
                "fields": [asdict(field) for field in item.fields] if number < MOST_DETAILED else [],
            }
            for number, item in enumerate(standing.items[:MOST_ITEMS])
        ],
        "hold": hold and {**asdict(hold), "reason": hold.reason[:_TEXT], "since": _time(hold.since)},
        "problems": [problem[:_TEXT] for problem in standing.problems[:MOST_PROBLEMS]],
        "passedAt": _time(standing.passed_at),
        "nextAt": _time(standing.next_at),
        "succeededAt": _time(standing.succeeded_at),
        "wroteAt": _time(standing.wrote_at),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """Tries in vain of one message to one channel, who has it already, and when it is tried again."""

    times: int
    again_at: datetime
    reached: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Audience:
    """Who hears of the loop: people over the channels of the configuration, GitHub on its commits."""

    herald: Herald | None = None
    forge: Forge | None = None
    patience: Patience = field(default_factory=Patience)
    _tries: dict[str, _Try] = field(default_factory=dict)

    def tell(self, standing: Standing) -> tuple[str, ...]:
        """Tell what was not told yet; the identities of everything that is settled by now, newest last. What could not
        be told is told at a later pass, as long as it is true."""
        told = list(standing.told)
        if self.herald is not None:
            remarks = {f"{remark.id}>{channel}": (remark, channel)
                       for remark in news(standing) for channel in self.herald.senders}  # fmt: skip
            self._tries = {identity: made for identity, made in self._tries.items() if identity in remarks}
            now = standing.passed_at or datetime.now(UTC)
            told += [
                identity for identity, (remark, channel) in remarks.items()
                if identity not in told and self._is_settled(self.herald, identity, remark, channel, now)
            ]  # fmt: skip
        status = status_of(standing) if self.forge is not None else None
        if self.forge is not None and status is not None and status.identity not in told and self.forge.say(status):
            told.append(status.identity)
        return tuple(told[-MOST_TOLD:])

    def _is_settled(self, herald: Herald, identity: str, remark: Remark, channel: str, now: datetime) -> bool:
        """Whether nothing more is to be done for a message: it is there, or never will be. Tries when it is time."""
        before = self._tries.get(identity)
        # A wait that is longer than any is of a clock that was set back.
        if before is not None and 0 < (before.again_at - now).total_seconds() <= MOST_ASKED:
            return False
        outcome = herald.tell(channel, remark, reached=before.reached if before else frozenset())
        if isinstance(outcome, GivenUp):
            LOGGER.warning("the notice %r to the channel %s was given up: %s", remark.title, channel, outcome.why)
        elif isinstance(outcome, Delivered) and outcome.but:
            LOGGER.warning("the notice %r to the channel %s: %s", remark.title, channel, outcome.but)
        if not isinstance(outcome, Again):
            self._tries.pop(identity, None)
            return True
        times = before.times + 1 if before else 1
        seconds = pause(self.patience, times, asked=outcome.after, spread=random.random())  # noqa: S311  # no secret
        LOGGER.warning("the notice %r to the channel %s was not sent: %s; it is tried again", remark.title, channel,
                       outcome.why)  # fmt: skip
        reached = outcome.reached | (before.reached if before else frozenset())
        self._tries[identity] = _Try(times=times, again_at=now + timedelta(seconds=seconds), reached=reached)
        return False


class Teller:
    """Tells a target how the loop stands, as far as it wants to know: what fails here is told at the next change."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._deaf = False
        self._told: datetime | None = None

    def tell(self, standing: Standing, *, changed: bool) -> None:
        """Tell it what changed, or that the loop is still at work."""
        at = standing.passed_at
        stale = self._told is None or at is None or not 0 <= (at - self._told).total_seconds() < AGAIN
        if self._deaf or not standing.managed_by or not (changed or stale):
            return
        try:
            self._client.loops.report(standing_form(standing))
        except ApiRefusal as refused:
            self._deaf = refused.status in {403, 404, 405}  # it has no such place, or our key may not
        except Failure:
            return
        else:
            self._told = at


def _commit(commit: Commit | None) -> dict[str, Any] | None:
    if commit is None:
        return None
    return {"sha": commit.sha, "author": commit.author[:500], "subject": commit.subject[:1000], "at": _time(commit.at)}


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
