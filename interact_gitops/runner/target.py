"""The `Target` seam: what a runner asks of the place where jobs run.

`remote.py` is a target behind the API, hosted or served; the embedded server has one in its own process. A target
says what became of a request, and never raises for it: what a runner does then is decided by data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from interact_gitops.errors import Failure

Verdict: TypeAlias = Literal["started", "busy", "later", "denied", "gone", "refused", "unknown"]
ChatState: TypeAlias = Literal["active", "succeeded", "failed", "cancelled", "unknown"]


class TargetSilent(Failure):
    """The target could not be asked, or gave no answer that makes sense; `retry_after` seconds where it said so."""

    def __init__(self, message: str, *, remedy: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One start of one job. `payload` is the JSON body as frozen in the ledger; the key makes a repetition harmless
    where the target honours it. The answer is waited for at most `seconds`."""

    remote_job: str
    payload: str = field(repr=False)
    idempotency_key: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request.

    - `started`: `chats` are its ids, in the order of the combinations;
    - `busy`: the target has a run of the job in progress, `in_the_way` is its chat where it said so;
    - `later`: certainly not started, to be sent again after `retry_after` seconds;
    - `denied`: certainly not started, since the key may not: nothing else will start either;
    - `gone`: certainly not started, since the target has no such job (any more);
    - `refused`: certainly not started, and never will be;
    - `unknown`: nobody can say.
    """

    verdict: Verdict
    said: str | None = None
    chats: tuple[str, ...] = ()
    in_the_way: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenChat:
    """A chat as the target's list shows it. `run_key` is the idempotency key that started it, where the list says;
    `created_at` is by our clock as far as the target tells its own."""

    id: str
    state: ChatState
    status: str
    created_at: datetime | None = None
    run_key: str | None = None
    error: str | None = None


class Target(Protocol):
    """One organisation of one Interact. Methods may be called from several threads."""

    @property
    def repeats(self) -> bool:
        """Whether a request that is repeated under its idempotency key starts nothing twice."""
        ...

    @property
    def retries(self) -> bool:
        """Whether the target itself tries failed runs again and ends those that take too long."""
        ...

    def start(self, request: Request) -> Answer:
        """Start a job."""
        ...

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        """The job's chats that began after `since`, by id; one request, or one per page.

        Raises TargetSilent.
        """
        ...

    def cancel(self, chat: str) -> bool:
        """Ask for a chat's end; false where the target has no way to. Raises TargetSilent."""
        ...


def payload_of(trigger: str, scheduled_at: datetime, body: Mapping[str, Any]) -> dict[str, Any]:
    """A trigger's body on a target with the definitions API (interact-api.md, section 2)."""
    return {**body, "trigger": trigger, "scheduledAt": scheduled_at.isoformat().replace("+00:00", "Z")}
