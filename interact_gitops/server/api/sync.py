"""How the sync loops stand: they say it, people read it, and nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from interact_gitops.server.api.bodies import invalid
from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.failures import BodyFault
from interact_gitops.server.store import sync

# Schemas do not check formats; whoever reads a standing takes these for times.
_TIMES = (
    ("passedAt",), ("nextAt",), ("succeededAt",), ("reportedAt",), ("wroteAt",), ("head", "at"), ("good", "at"),
    ("hold", "since"),
)  # fmt: skip


def list_sync(call: Call) -> Reply:
    """GET /api/sync"""
    with call.instance.database.read() as db:
        return answer({"sync": sync.every(db, call.caller.organisation_id)})


def report_sync(call: Call) -> Reply:
    """PUT /api/sync"""
    standing = call.body("SyncStanding")
    faults = tuple(_time_faults(standing))
    if faults:
        raise invalid(faults)
    with call.instance.database.write() as db:
        sync.put(db, call.caller.organisation_id, standing, at=call.instance.now())
    return Reply(status=204)


def _time_faults(standing: Mapping[str, Any]) -> Iterator[BodyFault]:
    for path in _TIMES:
        text: Any = standing
        for name in path:
            text = None if text is None else text.get(name)
        if text is not None and not _is_time(text):
            said = f"{text[:60]!r} is not a time as in 2026-11-23T07:00:00Z"
            remedy = "write RFC 3339 with an offset"
            yield BodyFault(pointer="/" + "/".join(path), message=said, code="time", remedy=remedy)


def _is_time(text: str) -> bool:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return False
    return found.tzinfo is not None and "T" in text
