"""What can go wrong with a target, as failures that a person can act on.

Failure
├── Unreachable            no answer, or none in time
├── UnexpectedAnswer       an answer that is not the API's (a proxy's HTML, a redirect, too much of it)
│   ├── NotStarted         `success: false` to a trigger: nothing was started
│   └── GarbledAnswer      a 2xx whose JSON does not parse: the request may well have been carried out
├── ServerFault            5xx, after retries
├── RunInProgress          exit 5: the overlap rule; carries the running chat
└── ApiRefusal             the API said no: one class per stable problem code (interact-api.md, section 2)
    └── Unauthenticated, Forbidden, NotFound, Stale, Invalid, …
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import Failure, RunSkipped


class TargetFailure(Failure):
    """A request that did not end well. `maybe_done`: an earlier attempt of it may have been carried out.

    `retry_after`: in how many seconds the target wants to be asked again, where it said so.
    """

    maybe_done = False
    retry_after: float | None = None


class Unreachable(TargetFailure):
    """The target did not answer. `sent` is false when the request certainly never left."""

    def __init__(self, message: str, *, remedy: str | None = None, sent: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.sent = sent


class UnexpectedAnswer(TargetFailure):
    """Something answered that is not the Interact API."""


class NotStarted(UnexpectedAnswer):
    """The target says that it did not start what it was asked to, and not why."""


class GarbledAnswer(UnexpectedAnswer):
    """A success whose JSON does not parse: it broke off on the way, so what it tells of may be done."""


class ServerFault(TargetFailure):
    """The target failed inside (5xx), and went on failing."""


class ApiRefusal(TargetFailure):
    """The API refused. `status` is the HTTP status, `code` the problem's stable code, `members` the problem.

    The remedy is the target's own where its problem has one, but where we know better what to do from here.
    """

    remedy_text: str = "see the target's documentation for what it accepts"
    knows_better = False

    def __init__(self, message: str, *, status: int, code: str, members: Mapping[str, Any]) -> None:
        said = members.get("remedy")
        theirs = isinstance(said, str) and said and not self.knows_better
        super().__init__(message, remedy=said if theirs else self.remedy_text)
        self.status = status
        self.code = code
        self.members = members


class Unauthenticated(ApiRefusal):
    """401: the key is missing, wrong or deleted."""

    remedy_text = "check the API key of this target; a deleted key stops working at once"
    knows_better = True


class Forbidden(ApiRefusal):
    """403: the key lacks the permission, or belongs to another organisation."""

    remedy_text = "use a key of this organisation that has the permission"


class NotFound(ApiRefusal):
    """404: there is no such thing in this organisation."""

    remedy_text = "check the id and the organisation; it may have been deleted meanwhile"


class Stale(ApiRefusal):
    """412: the thing changed since it was read."""

    remedy_text = "plan again: somebody changed it meanwhile"
    knows_better = True


class PreconditionRequired(ApiRefusal):
    """428: the target wants to know which revision is meant."""

    remedy_text = "read it again and send its ETag as If-Match"


class KeyTaken(ApiRefusal):
    """409: another job has this key."""

    remedy_text = "adopt that job, or choose another key"
    knows_better = True


class Protected(ApiRefusal):
    """409: the job is protected on the target."""

    remedy_text = "apply it once with `protect: false`, then delete it"
    knows_better = True


class DefinitionChanged(ApiRefusal):
    """409: the job is no longer the one that was meant."""

    remedy_text = "read the job again"


class AgentInactive(ApiRefusal):
    """409: the job's agent takes no runs."""

    remedy_text = "activate the agent in Interact, or give the job another one"


class AlreadyFinished(ApiRefusal):
    """409: the run has ended, and cannot be cancelled."""

    remedy_text = "nothing is left to do: the run has ended"


class Locked(ApiRefusal):
    """409: somebody else holds the lock; `holder`, `since` and `until` are the target's words, or None."""

    remedy_text = "wait until they are done; a lock that nobody renews expires by itself"

    @property
    def holder(self) -> str | None:
        """Who has it."""
        return self._said("holder")

    @property
    def since(self) -> str | None:
        """When they took it, RFC 3339 by the target's clock."""
        return self._said("lockedAt")

    @property
    def until(self) -> str | None:
        """When it ends unless it is renewed."""
        return self._said("expiresAt")

    def _said(self, name: str) -> str | None:
        said = self.members.get(name)
        return said[:_LONGEST_WORD] if isinstance(said, str) and said else None


class Invalid(ApiRefusal):
    """422: the body does not fit; `faults` are its (JSON pointer, message) pairs, all of them."""

    remedy_text = "correct what is named here"

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        """Every fault that the target found."""
        return _faults(self.members)


class IdempotencyMismatch(ApiRefusal):
    """422: the key was used before with another body."""

    remedy_text = "start again: a new attempt takes a new key"


class RateLimited(ApiRefusal):
    """429, after retries."""

    remedy_text = "try again later, or with less --parallelism"


class TooLarge(ApiRefusal):
    """413: the body is over the limit."""

    remedy_text = "make the definition smaller, or split the job"


class RunInProgress(TargetFailure, RunSkipped):
    """409: the job's previous run is still in progress; `chat_id` names it where the target says."""

    def __init__(self, message: str, *, chat_id: str | None) -> None:
        remedy = "wait for it, or set `overlap: allow` or `queue_one`"
        if chat_id:
            stop = f"`interact-gitops cancel {chat_id} --all`"
            remedy = f"{chat_id} is one of its chats; wait, stop them all with {stop}, or set `overlap: allow`"
        super().__init__(message, remedy=remedy)
        self.chat_id = chat_id


_BY_CODE: Mapping[str, type[ApiRefusal]] = {
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "stale": Stale,
    "precondition_required": PreconditionRequired,
    "key_taken": KeyTaken,
    "protected": Protected,
    "definition_changed": DefinitionChanged,
    "agent_inactive": AgentInactive,
    "already_finished": AlreadyFinished,
    "locked": Locked,
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
    428: PreconditionRequired,
    429: RateLimited,
}


_SHOWN_FAULTS = 5
_LONGEST_WORD = 300  # characters of what a target says in one field
_LONGEST = 2000  # characters of what a target says, in one place


def refusal(status: int, problem: Mapping[str, Any], what: str, *, text: str = "") -> TargetFailure:
    """The failure that a 4xx answer means.

    `problem` may be empty: hosted error bodies are not documented. `text` is then a short excerpt of the answer.
    """
    code = str(problem.get("code") or "")
    if code == "run_in_progress":
        chat_id = problem.get("chatId")
        return RunInProgress(f"{what}: a run of this job is in progress", chat_id=str(chat_id) if chat_id else None)
    plain = f"the target answered {status} {text}".rstrip()
    said = str(problem.get("detail") or problem.get("title") or plain)[:_LONGEST]
    # A fault of the request as a whole, or the only one, says what the detail says.
    listed = [(f"{pointer or 'body'}: {message}", message) for pointer, message in _faults(problem)]
    faults = [fault for fault, message in listed if said not in (fault, message)]
    more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
    message = f"{what}: {said}" + (f" ({'; '.join(faults[:_SHOWN_FAULTS])}{more})" if faults else "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or ApiRefusal
    return kind(message, status=status, code=code, members=problem)


def _faults(problem: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = problem.get("errors")
    if not isinstance(listed, list):
        return ()
    found = ((str(f.get("pointer") or ""), str(f.get("message"))) for f in listed if isinstance(f, Mapping))
    return tuple((pointer[:_LONGEST], message[:_LONGEST]) for pointer, message in found)
