"""When two bodies ask for the same."""

from __future__ import annotations

import hashlib

from interact_gitops.jobs.wire import canonical_json


def body_digest(body: object) -> str:
    """64 hex digits over what a body says, not over how it is written."""
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()
