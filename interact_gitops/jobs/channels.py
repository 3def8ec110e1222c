"""Notification channels as the API speaks of them: the fields of a definition, and their hash. Pure.

A channel's address and signing secret never come back from the API: what stands for them are fingerprints,
made under the server's own key (server.md, Notifications).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interact_gitops.jobs.wire import canonical_json

TOPICS = ("completed_run", "failed_run", "anomaly")
# Write-only field → the field that stands for it in answers.
FINGERPRINTS: Mapping[str, str] = {"url": "urlFingerprint", "secret": "secretFingerprint"}
CHANNEL_FIELDS = ("name", "type", "level", "topics", "to", *FINGERPRINTS.values())


def channel_definition(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a channel's definition in one form: lists whose order says nothing are sorted.

    Raises KeyError or TypeError for a body without them.
    """
    return {name: sorted(body[name]) if name in {"topics", "to"} else body[name] for name in CHANNEL_FIELDS}


def channel_hash(body: Mapping[str, Any]) -> str:
    """64 hex digits over a channel's definition, fingerprints included; anything else in the body is ignored."""
    import hashlib  # loads OpenSSL, which validation has no use for

    return hashlib.sha256(canonical_json(channel_definition(body)).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as the configuration declares it, at `path` and `line`.

    `secrets` are its write-only fields (`url`, `secret`) as far as they could be resolved; `missing` says of the
    others why not, in words without a secret. `leads_to` is what of its address is no secret: whose it is.
    """

    name: str
    type: str
    level: str = "info"
    topics: tuple[str, ...] = TOPICS
    to: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    missing: Mapping[str, str] = field(default_factory=dict)
    leads_to: str | None = None
    path: str
    line: int
