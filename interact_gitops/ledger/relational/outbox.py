"""Notices on their way out, and the alarms that make some of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from interact_gitops.ledger.database import Session
from interact_gitops.ledger.records import Notice, RunLine, stored_text
from interact_gitops.ledger.relational.adding import write_notices
from interact_gitops.ledger.relational.claiming import EXPIRED, lease
from interact_gitops.ledger.relational.reading import LINE, read_lines
from interact_gitops.ledger.relational.rows import given, instant, text_or_none, to_text
from interact_gitops.ledger.requests import Delivered, Delivery

_TO_ALARM = f"SELECT {LINE} FROM runs WHERE target = :target AND alarm_at <= :now ORDER BY alarm_at, seq LIMIT :limit"  # noqa: S608 - our own columns
_TO_SEND = (
    "SELECT seq FROM notices WHERE target = :target AND outcome IS NULL AND due_at <= :now AND"  # noqa: S608 - nothing but the text of claiming
    f" {EXPIRED} ORDER BY seq LIMIT :limit FOR UPDATE SKIP LOCKED"
)


def alarms(session: Session, target: int, *, limit: int, now: datetime) -> tuple[RunLine, ...]:
    """See `Outbox.alarms`."""
    return read_lines(session, session.all(_TO_ALARM, target=target, now=to_text(now), limit=limit))


def ring(
    session: Session, target: int, keys: Sequence[str], notices: Sequence[Notice], *, now: datetime
) -> tuple[str, ...]:
    """See `Outbox.ring`."""
    rung = session.all(
        "UPDATE runs SET alarm_at = NULL WHERE target = :target AND key = ANY(:keys) AND alarm_at IS NOT NULL"
        " RETURNING key",
        target=target,
        keys=sorted(set(keys)),
    )
    found = tuple(row[0] for row in rung)
    write_notices(session, target, [notice for notice in notices if notice.run_key in found], now=now)
    return found


def take(
    session: Session, target: int, *, owner: str, lease_seconds: float, limit: int, now: datetime
) -> tuple[Delivery, ...]:
    """See `Outbox.take_notices`."""
    time = session.clock
    rows = session.all(
        _TO_SEND,
        target=target, now=to_text(now), limit=limit,
        epoch=time.epoch, seconds=time.seconds, wall_now=to_text(time.wall),
    )  # fmt: skip
    if not rows:
        return ()
    taken = session.all(
        "UPDATE notices SET tries = tries + 1, owner = :owner, leased_until = :wall, lease_epoch = :epoch,"
        " lease_until = :until WHERE seq = ANY(:seqs)"
        " RETURNING seq, id, channel, topic, body, run_key, tries, created_at",
        owner=owner,
        seqs=[row[0] for row in rows],
        **lease(time, lease_seconds),
    )
    return tuple(
        Delivery(
            notice=Notice(id=name, channel=channel, topic=topic, body=body, run_key=run_key),
            tries=tries - 1,
            created_at=instant(created_at),
        )
        for _, name, channel, topic, body, run_key, tries, created_at in sorted(taken)
    )


def settle(session: Session, target: int, results: Sequence[Delivered], *, owner: str, now: datetime) -> None:
    """See `Outbox.settle_notices`."""
    session.bulk(
        "UPDATE notices SET outcome = v.outcome, settled_at = v.settled_at, error = v.error,"  # noqa: S608 - our own columns
        " due_at = coalesce(v.due_at, notices.due_at), owner = NULL, leased_until = NULL, lease_epoch = NULL,"
        f" lease_until = NULL FROM {given('target', 'id', 'outcome', 'settled_at', 'error', 'due_at')}"
        " WHERE notices.target = v.target AND notices.id = v.id AND notices.owner = :owner AND notices.outcome IS NULL",
        [
            {
                "target": target,
                "id": result.id,
                "outcome": None if result.outcome == "again" else result.outcome,
                "settled_at": None if result.outcome == "again" else to_text(now),
                "error": None if result.error is None else stored_text(result.error),
                "due_at": text_or_none(result.again_at),
            }
            for result in sorted(results, key=lambda result: result.id)
        ],
        owner=owner,
    )
