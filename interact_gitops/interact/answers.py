"""What an HTTP answer means, from its status, headers and bytes. Pure.

The status comes first: a proxy's HTML or an empty body must not hide that the answer was 404 or 429. Only a
2xx answer has to be the API's.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from interact_gitops.interact.errors import GarbledAnswer, ServerFault, TargetFailure, UnexpectedAnswer, refusal

LONGEST_RETRY_AFTER = 86_400.0  # seconds; whoever asks for more is given up on anyhow
_EXCERPT = 120  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One answer as it came. `body` is None for what is not JSON; `retry_after` is in seconds."""

    status: int
    body: Any
    text: str
    etag: str | None
    retry_after: float | None


def received(status: int, headers: Mapping[str, str], raw: bytes, what: str, *, now: float) -> Received:
    """One answer, read. `what` names the request in failures, `now` is the time in unix seconds.

    Raises GarbledAnswer for a 2xx whose JSON does not parse, UnexpectedAnswer for a 2xx that is not the
    API's, and for a redirect.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    text = raw.decode("utf-8", errors="replace")  # JSON is UTF-8 (RFC 8259, 8.1), and so is the API's CSV
    body: Any = None
    if (kind == "application/json" or kind.endswith("+json")) and status != 204:
        try:
            body = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            if status < 300:
                said = f"{what}: the answer ({status}) is not valid JSON: {excerpt(text)}"
                raise GarbledAnswer(said, remedy="try again") from error
    elif status < 300 and raw and kind != "text/csv":
        said = f"{what}: the answer ({status}) is not the Interact API's: {excerpt(text)}"
        strange = UnexpectedAnswer(said, remedy="check the target's URL, and any proxy on the way")
        strange.maybe_done = True  # a proxy may have put its page in the place of a real success
        raise strange
    if 300 <= status < 400:
        said = f"{what}: the target redirects, which is not followed: the key must not travel"
        raise UnexpectedAnswer(said, remedy=f"set the URL to {headers.get('location', 'its new place')[:200]}")
    return Received(
        status=status,
        body=body,
        text=text,
        etag=headers.get("etag"),
        retry_after=retry_after(headers.get("retry-after"), now=now),
    )


def problem(answer: Received, what: str) -> TargetFailure:
    """The failure that an answer of 400 and above means."""
    members: Mapping[str, Any] = answer.body if isinstance(answer.body, dict) else {}
    if answer.status < 500:
        refused = refusal(answer.status, members, what, text=excerpt(answer.text))
        refused.retry_after = answer.retry_after
        return refused
    said = members.get("detail") or members.get("title") or excerpt(answer.text) or "no details"
    return ServerFault(f"{what}: the target failed with {answer.status}: {str(said)[:2000]}", remedy="try again later")


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds from a `Retry-After` header, as a number or an HTTP date (RFC 9110, 10.2.3); at most a day."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        when = email.utils.parsedate_to_datetime(text)
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def clock_ahead(date: str | None, *, now: float) -> float | None:
    """By how many seconds the clock of whoever sent this `Date` header is ahead of ours; None without one."""
    try:
        return email.utils.parsedate_to_datetime(date or "").timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def excerpt(text: str) -> str:
    """The beginning of a text on one quoted line; empty for none."""
    words = " ".join(text[: 10 * _EXCERPT].split())
    return repr(words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…") if words else ""


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
