"""Locks that keep two applies of one owner apart: taken for a limited time, renewed while apply works, released.

The server's clock decides what has expired. The id is what the holder proves itself with, so it is told to
nobody else: whoever is in the way is named by `holder`, and waited for at most until `expiresAt`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.clock import seconds_between, to_text
from interact_gitops.server.failures import IdempotencyMismatch, Locked, NotFound
from interact_gitops.server.identity import new_id
from interact_gitops.server.store import locks
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.locks import StoredLock

_ASK_AGAIN_SECONDS = 2  # a holder may be done long before its lease ends


def take_lock(call: Call) -> Reply:
    """POST /api/locks"""
    body = call.body("LockRequest")
    key, digest = call.idempotency_key(), body_digest(body)
    now = call.instance.now()
    fresh = StoredLock(
        id=new_id("lock"),
        organisation_id=call.caller.organisation_id,
        managed_by=body["managedBy"],
        holder=body["holder"],
        request_key=key,
        request_digest=digest,
        created_at=now,
        expires_at=_end(call, body["leaseSeconds"]),
    )
    with call.instance.database.write() as db:
        present = locks.find_by_owner(db, fresh.organisation_id, fresh.managed_by)
        if present is not None:
            if key is not None and present.request_key == key:
                return _again(present, digest)
            if present.expires_at > now:
                raise _locked(present, now)
        locks.put(db, fresh)
    return _one(fresh, status=201)


def renew_lock(call: Call) -> Reply:
    """POST /api/locks/{lock_id}/renew: also after the lease has ended, if nobody took the lock meanwhile."""
    with call.instance.database.read() as db:
        _lock(db, call)
    seconds = call.body("RenewRequest")["leaseSeconds"]
    with call.instance.database.write() as db:
        renewed = replace(_lock(db, call), expires_at=_end(call, seconds))
        locks.extend(db, renewed.id, expires_at=renewed.expires_at)
    return _one(renewed)


def release_lock(call: Call) -> Reply:
    """DELETE /api/locks/{lock_id}"""
    with call.instance.database.write() as db:
        locks.remove(db, _lock(db, call).id)
    return Reply(status=204)


def _again(present: StoredLock, digest: str) -> Reply:
    """The answer to a request that took the lock before. Raises IdempotencyMismatch."""
    if present.request_digest != digest:
        raise IdempotencyMismatch(
            "the idempotency key was used to take the lock with another body", remedy="use a new key"
        )
    return _one(present, status=201, headers={"Idempotency-Replayed": "true"})


def _locked(lock: StoredLock, now: str) -> Locked:
    seconds = max(1, min(_ASK_AGAIN_SECONDS, math.ceil(seconds_between(now, lock.expires_at))))
    return Locked(
        f"{lock.holder} is applying what {lock.managed_by} manages, since {lock.created_at}",
        members={"holder": lock.holder, "lockedAt": lock.created_at, "expiresAt": lock.expires_at},
        remedy=f"wait for it; unless it is renewed, the lock expires at {lock.expires_at}",
        headers={"Retry-After": str(seconds)},
    )


def _end(call: Call, seconds: int) -> str:
    return to_text(call.instance.clock() + timedelta(seconds=seconds))


def _lock(db: Connection, call: Call) -> StoredLock:
    found = locks.find(db, call.caller.organisation_id, call.path["lock_id"])
    if found is None:
        raise NotFound(
            "there is no such lock (any more)", remedy="it expired and somebody else took it; take a new one"
        )
    return found


def _one(lock: StoredLock, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    form: dict[str, Any] = {
        "id": lock.id,
        "managedBy": lock.managed_by,
        "holder": lock.holder,
        "createdAt": lock.created_at,
        "expiresAt": lock.expires_at,
    }
    return answer({"lock": form}, status=status, headers=headers)
