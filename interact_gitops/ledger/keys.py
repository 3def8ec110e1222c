"""Run keys: text that two runners derive alike, so that a database constraint can tell a run from its double.

    nightly-report@2026-11-23T07:00Z          the occurrence of a schedule, in UTC, whoever decides it and however
    nightly-report!0199c6f2-…                 a manual or API run: the caller's idempotency key, or a new UUIDv7
    …#3f2a91c0d4e5                            one chat of a fan-out: 12 hex digits over its parameters
    …~2                                       the second attempt: what the target sees as `Idempotency-Key`

Editing a prompt changes no key: an old occurrence never runs again because its text changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

from interact_gitops.errors import Refused
from interact_gitops.jobs.model import Combination
from interact_gitops.jobs.wire import canonical_json

LONGEST_TOKEN = 160
# What may stand in a header, in a URL's path and on a command line without quotes; `#` and `~` are ours.
_TOKEN = re.compile(r"[A-Za-z0-9._:/+=@!,-]+")
_DIGITS = 12


def scheduled_key(job: str, occurrence: datetime) -> str:
    """The key of an occurrence (aware); seconds are written only where a zone's history has them."""
    instant = occurrence.astimezone(UTC)
    return f"{job}@{instant:%Y-%m-%dT%H:%M}{f':{instant:%S}' if instant.second else ''}Z"


def manual_key(job: str, token: str | None = None) -> str:
    """The key of a run that somebody asked for; `token` is the caller's idempotency key. Raises Refused."""
    if token is not None and not (len(token) <= LONGEST_TOKEN and _TOKEN.fullmatch(token)):
        raise Refused(
            f"{token[:40]!r} cannot be an idempotency key:"
            f" it has 1 to {LONGEST_TOKEN} letters, digits and . _ : / + = @ ! , -",
            remedy="choose another, or none: a new one is made",
        )
    return f"{job}!{token or uuid7()}"


def part_key(run_key: str, combination: Combination) -> str:
    """The key of one chat of a fan-out."""
    digest = hashlib.sha256(canonical_json(dict(combination)).encode()).hexdigest()
    return f"{run_key}#{digest[:_DIGITS]}"


def idempotency_key(run_key: str, attempt: int) -> str:
    """What the request of an attempt carries: recovery repeats an attempt, a retry is the next."""
    return f"{run_key}~{attempt}"


def target_name(url: str, organization: str) -> str:
    """A target as rows name it: base URL and organisation. Spelling of scheme, host and a last `/` do not count."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port not in {None, {"http": 80, "https": 443}.get(parts.scheme.lower())} else ""
    return f"{parts.scheme.lower()}://{host}{port}{parts.path.rstrip('/')} {organization}"


def uuid7(milliseconds: int | None = None, noise: bytes | None = None) -> uuid.UUID:
    """RFC 9562, section 5.7 (the standard library has it from 3.14 on); `noise` is 10 random bytes."""
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    value = (stamp & (1 << 48) - 1) << 80 | int.from_bytes(noise or os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 2 << 62)
