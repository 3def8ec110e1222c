"""Signatures of generic webhooks: HMAC-SHA256 over time and body, for receivers to check (docs/notifications.md).

The time is signed too, so that a receiver can turn away what is old: a body that somebody caught and sends again.
"""

from __future__ import annotations

import hashlib
import hmac

TIMESTAMP, SIGNATURE = "Interact-Timestamp", "Interact-Signature"


def signed(body: bytes, secret: str, *, now: float) -> dict[str, str]:
    """The headers that sign a body. `now` in seconds since 1970."""
    timestamp = str(int(now))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={digest}"}
