"""Creations that are asked for twice under one idempotency key, and answered as the first time."""

from __future__ import annotations

import json
from typing import Literal

from interact_gitops.server.api.calls import Reply
from interact_gitops.server.failures import IdempotencyMismatch
from interact_gitops.server.store import idempotency
from interact_gitops.server.store.database import Connection

Kind = Literal["job", "channel"]
# A trigger's scope is its job's id; a creation has one per kind.
_SCOPES: dict[Kind, str] = {"job": "jobs", "channel": "channels"}


def replayed(db: Connection, organisation_id: str, kind: Kind, key: str, digest: str) -> Reply | None:
    """The answer that this creation had before, if it had one. Raises IdempotencyMismatch for another body."""
    spent = idempotency.find(db, organisation_id, _SCOPES[kind], key)
    if spent is None:
        return None
    if spent.request_digest != digest:
        raise IdempotencyMismatch(
            f"the idempotency key {key!r} was used to create another {kind}",
            remedy=f"use a new key for a new {kind}",
        )
    assert spent.answer is not None  # a creation's key
    headers = {"ETag": json.loads(spent.answer)[kind]["etag"], "Idempotency-Replayed": "true"}
    return Reply(status=201, content=spent.answer.encode(), headers=headers)


def remember(
    db: Connection, organisation_id: str, kind: Kind, key: str, digest: str, reply: Reply, *, now: str
) -> None:
    """Note a creation's answer in the transaction that creates."""
    use = idempotency.Spent(request_digest=digest, answer=reply.content.decode(), group_seq=None)
    idempotency.spend(db, organisation_id, _SCOPES[kind], key, use, now=now)
