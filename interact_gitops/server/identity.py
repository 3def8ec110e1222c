"""Identifiers, API keys and fingerprints."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import string
import time
import uuid
from typing import Literal, TypeAlias

Permission: TypeAlias = Literal["agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write"]
PERMISSIONS: tuple[Permission, ...] = ("agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write")

_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH = 48
PREFIX_LENGTH = 12
"""How much of a key is stored readable, to find its row: `int_` and 8 of its 48 random characters."""


def new_id(kind: str) -> str:
    """An opaque identifier that says what it is: job_…, chat_…, org_…"""
    return f"{kind}_{secrets.token_hex(12)}"


def new_api_key() -> str:
    """`int_` and 48 random characters (285 bits)."""
    return "int_" + "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))


def key_digest(key: str) -> bytes:
    """What is stored of a key. A plain hash will do: nobody guesses 285 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def fingerprint(secret: str, *, under: bytes) -> str:
    """32 hex digits that tell two secrets apart and give neither away without the server's own key."""
    return hmac.new(under, secret.encode(), hashlib.sha256).hexdigest()[:32]


def own_run_key(job_key: str) -> str:
    """The run key of a trigger that brought none: `{job}!{UUIDv7}` (ledger.md, Identity)."""
    return f"{job_key}!{_uuid7()}"


def _uuid7() -> uuid.UUID:
    """RFC 9562, section 5.7; the standard library has it from 3.14 on."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 2 << 62)
