"""What a trigger asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A checked trigger body. `scheduled_at` None means now; `digest` is over the body as sent.

    `of_schedule`: the server's own schedule asks, so that a pause or a handed-over schedule forbids it.
    `parameters` asks for one chat, `combinations` for one each; neither for what the job itself fans out to.
    """

    initiator: str
    digest: str
    parameters: Mapping[str, Any] | None = None
    combinations: tuple[Mapping[str, Any], ...] | None = None
    max_parallel: int | None = None
    scheduled_at: datetime | None = None
    trigger: str = "api"
    expected_definition_hash: str | None = None
    idempotency_key: str | None = None
    of_schedule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The chats of a run, as (id, parameters). `replayed`: they were started by an earlier request."""

    job_id: str
    group_seq: int
    fan_out: bool
    chats: tuple[tuple[str, Mapping[str, Any]], ...]
    replayed: bool = False
