"""How the sync loops stand: they say it, people read it, and nothing is decided by it."""

from __future__ import annotations

from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.store import sync


def list_sync(call: Call) -> Reply:
    """GET /api/sync"""
    with call.instance.database.read() as db:
        return answer({"sync": sync.every(db, call.caller.organisation_id)})


def report_sync(call: Call) -> Reply:
    """PUT /api/sync"""
    standing = call.body("SyncStanding")
    with call.instance.database.write() as db:
        sync.put(db, call.caller.organisation_id, standing, at=call.instance.now())
    return Reply(status=204)
