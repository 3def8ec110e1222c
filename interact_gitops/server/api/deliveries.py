"""What was told to whom: test messages, deliveries, dead ones, sending again."""

from __future__ import annotations

from typing import Any

from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.api.channels import find_channel
from interact_gitops.server.api.queries import DEFAULT_LIMIT
from interact_gitops.server.failures import AlreadySent, NotFound
from interact_gitops.server.notifying.outbox import give_up_at, tell_test
from interact_gitops.server.store import deliveries
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.deliveries import STATES, StoredDelivery
from interact_gitops.server.store.paging import cut

CURSOR = "deliveries"


def test_channel(call: Call) -> Reply:
    """POST /api/notifications/channels/{channel_id}/test: what becomes of it is told by its delivery."""
    call.body("EmptyRequest")
    with call.instance.database.write() as db:
        channel = find_channel(db, call)
        delivery_id = tell_test(db, channel, now=call.instance.now())
        reply = _one(db, call, delivery_id, status=202)
    call.instance.courier.wake()
    return reply


def list_deliveries(call: Call) -> Reply:
    """GET /api/notifications/deliveries"""
    limit = call.query.limit() or DEFAULT_LIMIT
    with call.instance.database.read() as db:
        found = deliveries.listed(
            db,
            call.caller.organisation_id,
            state=call.query.choice("state", STATES),
            channel=call.query.text("channel"),
            before=call.query.cursor(CURSOR),
            count=limit + 1,
        )
    page = cut(found, limit, kind=CURSOR, seq=lambda delivery: delivery.seq)
    return answer({"deliveries": [delivery_form(one) for one in page.items], "nextCursor": page.next_cursor})


def get_delivery(call: Call) -> Reply:
    """GET /api/notifications/deliveries/{delivery_id}"""
    with call.instance.database.read() as db:
        return _one(db, call, call.path["delivery_id"])


def resend_delivery(call: Call) -> Reply:
    """POST /api/notifications/deliveries/{delivery_id}/resend: a dead message goes back into the outbox."""
    call.body("EmptyRequest")
    with call.instance.database.write() as db:
        present = _delivery(db, call, call.path["delivery_id"])
        if present.state == "sent":
            said = f"the delivery {present.id} has arrived; nobody is told twice"
            raise AlreadySent(said, remedy="run the job again to be told again")
        now = call.instance.now()
        deliveries.send_again(db, present, now=now, give_up_at=give_up_at(now))
        reply = _one(db, call, present.id, status=202)
    call.instance.courier.hurry((present.organisation_id, present.channel))
    return reply


def delivery_form(delivery: StoredDelivery) -> dict[str, Any]:
    """A delivery on the wire."""
    return {
        "id": delivery.id,
        "event": delivery.event,
        "channel": delivery.channel,
        "topic": delivery.topic,
        "level": delivery.level,
        "state": delivery.state,
        "tries": delivery.tries,
        "error": delivery.error,
        "job": None if delivery.job_key is None else {"key": delivery.job_key, "name": delivery.job_name},
        "chatId": delivery.chat_id,
        "createdAt": delivery.created_at,
        "dueAt": delivery.due_at if delivery.state == "waiting" else None,
        "settledAt": delivery.settled_at,
    }


def _one(db: Connection, call: Call, delivery_id: str, *, status: int = 200) -> Reply:
    return answer({"delivery": delivery_form(_delivery(db, call, delivery_id))}, status=status)


def _delivery(db: Connection, call: Call, delivery_id: str) -> StoredDelivery:
    found = deliveries.find(db, call.caller.organisation_id, delivery_id)
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id[:60]}")
    return found
