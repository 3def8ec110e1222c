"""Why the server declines a call. Each class has its HTTP status and its stable `code` (RFC 9457 problems)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from interact_gitops.errors import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFault:
    """One thing wrong in a request: where (a JSON pointer into the body, or a query parameter), and what."""

    pointer: str
    message: str
    code: str = "invalid"
    remedy: str | None = None
    parameter: str | None = None


class Declined(Failure):
    """A call that is answered with a problem. `members` are further fields of that problem."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "malformed"
    title: ClassVar[str] = "The request cannot be read"

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        faults: Iterable[BodyFault] = (),
        members: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)
        self.members = dict(members or {})
        self.headers = dict(headers or {})


class Malformed(Declined):
    """Not HTTP, UTF-8 or JSON as it must be."""


class BadHost(Declined):
    """A Host header that is not this server's: a browser was led here by another name (DNS rebinding)."""

    code = "bad_host"
    title = "Unknown host"


class Unauthenticated(Declined):
    """No key, no organisation, or a key that does not exist (any more)."""

    status, code, title = 401, "unauthenticated", "Not authenticated"


class Forbidden(Declined):
    """A key that may not do this, or not in this organisation."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Declined):
    """No such path or object in the key's organisation."""

    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(Declined):
    """The path exists, the method on it does not."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"


class TooSlow(Declined):
    """A head or a body that took too long to come."""

    status, code, title = 408, "too_slow", "The request came too slowly"


class RunInProgress(Declined):
    """Overlap rule `skip`: the job's previous run has not ended. `chatId` is a chat of it."""

    status, code, title = 409, "run_in_progress", "A run of this job is in progress"


class AgentInactive(Declined):
    """The job's agent takes no runs."""

    status, code, title = 409, "agent_inactive", "The agent is not active"


class DefinitionChanged(Declined):
    """The job is not the one that the caller planned the run for."""

    status, code, title = 409, "definition_changed", "The definition changed"


class KeyTaken(Declined):
    """Another object of the organisation has this key or name."""

    status, code, title = 409, "key_taken", "The key is taken"


class Protected(Declined):
    """A job that says `protect: true` is not deleted."""

    status, code, title = 409, "protected", "The job is protected"


class Locked(Declined):
    """Somebody else is applying what the same owner manages."""

    status, code, title = 409, "locked", "Somebody else is applying"


class AlreadyFinished(Declined):
    """A chat that has ended cannot be cancelled."""

    status, code, title = 409, "already_finished", "The run has ended"


class AlreadySent(Declined):
    """A message that has arrived is not sent again."""

    status, code, title = 409, "already_sent", "The message has arrived"


class Stale(Declined):
    """`If-Match` names a revision that is not the present one."""

    status, code, title = 412, "stale", "Changed since it was read"


class TooLarge(Declined):
    """A body over the limit."""

    status, code, title = 413, "too_large", "The request is too large"


class UnsupportedMediaType(Declined):
    """A body that does not say it is JSON."""

    status, code, title = 415, "unsupported_media_type", "The body must be JSON"


class Invalid(Declined):
    """A readable request that says something impossible; every fault with its pointer."""

    status, code, title = 422, "invalid", "The request is not valid"

    def __init__(self, message: str, *, faults: Iterable[BodyFault] = (), remedy: str | None = None) -> None:
        """A problem without `faults` is one of the request as a whole."""
        found = tuple(faults) or (BodyFault(pointer="", message=message, remedy=remedy),)
        super().__init__(message, faults=found, remedy=remedy)


class IdempotencyMismatch(Declined):
    """An `Idempotency-Key` that was used before with another body."""

    status, code, title = 422, "idempotency_mismatch", "The idempotency key was used for something else"


class PreconditionRequired(Declined):
    """A write that needs `If-Match`."""

    status, code, title = 428, "precondition_required", "If-Match is required"


class RateLimited(Declined):
    """More calls than the key may make."""

    status, code, title = 429, "rate_limited", "Too many calls"


class Bug(Declined):
    """Our mistake; the log has the details."""

    status, code, title = 500, "internal", "The server met a bug"


class Unavailable(Declined):
    """The store cannot be written or read just now, or the server is stopping."""

    status, code, title = 503, "unavailable", "Not available"
