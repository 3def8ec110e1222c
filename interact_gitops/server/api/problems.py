"""Failures as application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from interact_gitops.server.api.calls import Reply, to_json
from interact_gitops.server.failures import BodyFault, Bug, Declined, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPES = "https://interact-gitops.dev/problems/"


def problem(declined: Declined) -> Reply:
    """The answer that tells of a declined call."""
    body: dict[str, Any] = {
        "type": TYPES + declined.code,
        "title": declined.title,
        "status": declined.status,
        "detail": declined.message,
        "code": declined.code,
    }
    if declined.remedy:
        body["remedy"] = declined.remedy
    if declined.faults:
        body["errors"] = [_fault(fault) for fault in declined.faults]
    body.update(declined.members)
    return Reply(status=declined.status, content=to_json(body), media_type=MEDIA_TYPE, headers=declined.headers)


def unexpected(error: Exception) -> Reply:
    """The answer to what nobody expected: no word of it leaves the log."""
    if isinstance(error, sqlite3.OperationalError):  # a full disk, a lost file system
        log.error("the store cannot be used", exc_info=error)
        return problem(Unavailable("the server's store cannot be used just now", headers={"Retry-After": "1"}))
    log.error("a request met a bug", exc_info=error)
    return problem(Bug("the server met a bug; its log has the details"))


def _fault(fault: BodyFault) -> dict[str, str]:
    found = {"pointer": fault.pointer, "message": fault.message, "code": fault.code}
    if fault.parameter is not None:
        found["parameter"] = fault.parameter
    if fault.remedy is not None:
        found["remedy"] = fault.remedy
    return found
