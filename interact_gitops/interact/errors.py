"""What can go wrong with a target, as failures that a person can act on.

Failure
├── Unreachable            no answer, or none in time
├── UnexpectedAnswer       an answer that is not the API's (a proxy's HTML, a redirect, too much of it)
├── ServerFault            5xx, after retries
└── ApiRefusal             the API said no: one class per stable problem code (interact-api.md, section 2)
    ├── Unauthenticated, Forbidden, NotFound, Stale, Invalid, …
    └── RunInProgress      exit 5: the overlap rule; carries the running chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import Failure, RunSkipped


class TargetFailure(Failure):
    """A request that did not end well. `maybe_done`: an earlier attempt of it may have been carried out."""

    maybe_done = False


class Unreachable(TargetFailure):
    """The target did not answer. `sent` is false when the request certainly never left."""

    def __init__(self, message: str, *, remedy: str | None = None, sent: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.sent = sent


class UnexpectedAnswer(TargetFailure):
    """Something answered that is not the Interact API."""


class ServerFault(TargetFailure):
    """The target failed inside (5xx), and went on failing."""


class ApiRefusal(TargetFailure):
    """The API refused. `status` is the HTTP status, `code` the problem's stable code, `members` the problem."""

    remedy_text: str | None = None

    def __init__(self, message: str, *, status: int, code: str, members: Mapping[str, Any]) -> None:
        super().__init__(message, remedy=self.remedy_text)
        self.status = status
        self.code = code
        self.members = members


class Unauthenticated(ApiRefusal):
    """401: the key is missing, wrong or deleted."""

    remedy_text = "check the API key of this target; a deleted key stops working at once"


class Forbidden(ApiRefusal):
    """403: the key lacks the permission, or belongs to another organisation."""

    remedy_text = "use a key of this organisation that has the permission"


class NotFound(ApiRefusal):
    """404: there is no such thing in this organisation."""


class Stale(ApiRefusal):
    """412: the thing changed since it was read."""

    remedy_text = "plan again: somebody changed it meanwhile"


class KeyTaken(ApiRefusal):
    """409: another job has this key."""

    remedy_text = "adopt that job, or choose another key"


class Protected(ApiRefusal):
    """409: the job is protected on the target."""

    remedy_text = "apply it once with `protect: false`, then delete it"


class DefinitionChanged(ApiRefusal):
    """409: the job is no longer the one that was meant."""

    remedy_text = "read the job again"


class AgentInactive(ApiRefusal):
    """409: the job's agent takes no runs."""

    remedy_text = "activate the agent in Interact, or give the job another one"


class Invalid(ApiRefusal):
    """422: the body does not fit; the message names each place."""


class IdempotencyMismatch(ApiRefusal):
    """422: the key was used before with another body."""

    remedy_text = "start again: a new attempt takes a new key"


class RateLimited(ApiRefusal):
    """429, after retries."""

    remedy_text = "try again later, or with less --parallelism"


class TooLarge(ApiRefusal):
    """413: the body is over the limit."""


class RunInProgress(TargetFailure, RunSkipped):
    """409: the job's previous run is still in progress; `chat_id` names it where the target says."""

    def __init__(self, message: str, *, chat_id: str | None) -> None:
        remedy = "wait for it, or set `overlap: allow` or `queue_one`"
        if chat_id:
            remedy = f"it is {chat_id}: see `interact-gitops chat {chat_id}`, or `cancel` it; or set `overlap: allow`"
        super().__init__(message, remedy=remedy)
        self.chat_id = chat_id


_BY_CODE: Mapping[str, type[ApiRefusal]] = {
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "stale": Stale,
    "key_taken": KeyTaken,
    "protected": Protected,
    "definition_changed": DefinitionChanged,
    "agent_inactive": AgentInactive,
    "invalid": Invalid,
    "idempotency_mismatch": IdempotencyMismatch,
    "rate_limited": RateLimited,
    "too_large": TooLarge,
}
_BY_STATUS: Mapping[int, type[ApiRefusal]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    412: Stale,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
}


def refusal(status: int, problem: Mapping[str, Any], what: str) -> TargetFailure:
    """The failure that a 4xx answer means. `problem` may be empty: hosted error bodies are not documented."""
    code = str(problem.get("code") or "")
    if code == "run_in_progress":
        chat_id = problem.get("chatId")
        return RunInProgress(f"{what}: a run of this job is in progress", chat_id=str(chat_id) if chat_id else None)
    said = str(problem.get("detail") or problem.get("title") or f"the target answered {status}")
    faults = [
        f"{fault.get('pointer') or 'body'}: {fault.get('message')}"
        for fault in problem.get("errors") or ()
        if isinstance(fault, Mapping)
    ]
    message = f"{what}: {said}" + (f" ({'; '.join(faults[:5])})" if faults else "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or ApiRefusal
    return kind(message, status=status, code=code, members=problem)
