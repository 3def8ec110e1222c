"""One request to a target, sent as often as is safe. The only module that knows httpx.

A request is repeated after 429, 5xx, a timeout or a broken connection only when repeating it cannot do
anything twice: reads, writes with `If-Match`, and writes with an `Idempotency-Key`.
"""

from __future__ import annotations

import email.utils
import ipaddress
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from interact_gitops import __version__
from interact_gitops.errors import Failure
from interact_gitops.interact.errors import ServerFault, TargetFailure, UnexpectedAnswer, Unreachable, refusal

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
FIRST_WAIT, LONGEST_WAIT = 0.2, 20.0  # seconds between attempts, doubled each time
MAX_ATTEMPTS = 6
PATIENCE = 120.0  # seconds, all attempts of one request together
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer; `attempts` is above 1 when an earlier one may have been carried out."""

    status: int
    body: Any
    text: str
    etag: str | None
    attempts: int


class Transport:
    """A target's connection pool; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        self.url = url.rstrip("/")
        _check_url(self.url)
        self._sleep = sleep
        self._httpx = httpx.Client(
            base_url=self.url,
            headers={**headers, "User-Agent": f"interact-gitops/{__version__}", "Accept": "application/json, text/csv"},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
            follow_redirects=False,  # the key must not travel to another host
        )

    def close(self) -> None:
        """Close every connection."""
        self._httpx.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Send one request and return its 2xx answer. `what` names it in failures, as in "create job x".

        Raises Unreachable, UnexpectedAnswer, ServerFault, or the ApiRefusal that the answer means.
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if content is not None else {})}
        request = self._httpx.build_request(method, path, params=_given(query), content=content, headers=sent)
        return self._attempts(request, what, repeatable=repeatable or method == "GET")

    def _attempts(self, request: httpx.Request, what: str, *, repeatable: bool) -> Answer:
        began, wait = time.monotonic(), FIRST_WAIT
        attempt = 0
        maybe_done = 0
        while True:
            attempt += 1
            asked: float | None = None
            try:
                answer = self._once(request, what)
            except Unreachable as failure:
                again = repeatable or not failure.sent
                problem: TargetFailure = failure
                maybe_done += failure.sent
            else:
                if answer.status < 400:
                    return Answer(status=answer.status, body=answer.body, text=answer.text, etag=answer.etag,
                                  attempts=1 + maybe_done)  # fmt: skip
                problem = _problem(answer, what)
                again = answer.status in _RETRIED and (repeatable or answer.status == 429)
                asked = answer.retry_after
                maybe_done += answer.status >= 500
            pause = max(asked or 0.0, wait * random.uniform(0.5, 1.0))  # noqa: S311  # spreads retries, guards nothing
            if not again or attempt >= MAX_ATTEMPTS or time.monotonic() - began + pause > PATIENCE:
                problem.maybe_done = maybe_done > 0
                raise problem
            self._sleep(pause)
            wait = min(wait * 2, LONGEST_WAIT)

    def _once(self, request: httpx.Request, what: str) -> _Received:
        import httpx

        try:
            with_stream = self._httpx.send(request, stream=True)
            try:
                raw = _read_capped(with_stream, what)
            finally:
                with_stream.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(what, "cannot be reached", sent=False) from error
        except httpx.TimeoutException as error:
            raise self._unreachable(what, "did not answer in time", sent=True) from error
        except httpx.HTTPError as error:
            raise self._unreachable(what, f"broke the connection off ({type(error).__name__})", sent=True) from error
        return _received(with_stream, raw, what)

    def _unreachable(self, what: str, how: str, *, sent: bool) -> Unreachable:
        remedy = "start it with `interact-gitops serve`" if _is_loopback(self.url) else "check the URL and the network"
        return Unreachable(f"{what}: {self.url} {how}", remedy=remedy, sent=sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received:
    status: int
    body: Any
    text: str
    etag: str | None
    retry_after: float | None


def _received(response: httpx.Response, raw: bytes, what: str) -> _Received:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = raw.decode(response.charset_encoding or "utf-8", errors="replace")
    body: Any = None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            body = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswer(f"{what}: the answer is not valid JSON", remedy="try again") from error
    elif raw and kind != "text/csv" and response.status_code < 500:
        _not_the_api(what, response.status_code, text)
    if 300 <= response.status_code < 400:
        said = f"{what}: the target redirects, which is not followed: the key must not travel"
        raise UnexpectedAnswer(said, remedy=f"set the URL to {response.headers.get('location', 'its new place')[:200]}")
    return _Received(
        status=response.status_code,
        body=body,
        text=text,
        etag=response.headers.get("etag"),
        retry_after=_retry_after(response.headers.get("retry-after")),
    )


def _problem(answer: _Received, what: str) -> TargetFailure:
    problem = answer.body if isinstance(answer.body, dict) else {}
    if answer.status < 500:
        return refusal(answer.status, problem, what)
    said = problem.get("detail") or problem.get("title") or _excerpt(answer.text) or "no details"
    return ServerFault(f"{what}: the target failed with {answer.status}: {said}", remedy="try again later")


def _not_the_api(what: str, status: int, text: str) -> NoReturn:
    said = f"{what}: the answer ({status}) is not the Interact API's: {_excerpt(text)}"
    raise UnexpectedAnswer(said, remedy="check the target's URL, and any proxy on the way")


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 120 else line[:119] + "…") if line else ""


def _read_capped(response: httpx.Response, what: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER:
            raise UnexpectedAnswer(f"{what}: the answer is over {LARGEST_ANSWER >> 20} MiB")
        parts.append(part)
    return b"".join(parts)


def _retry_after(value: str | None) -> float | None:
    """Seconds from a `Retry-After` header, as a number or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - time.time())


def _given(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in query.items() if value is not None} if query else None


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        named = parts.hostname
        _ = parts.port
    except ValueError:
        named = None
    if not named or parts.scheme not in {"http", "https"}:
        raise Failure(f"the target's URL {url!r} is not one", remedy="write https://HOST, or http://127.0.0.1:PORT")
    if parts.scheme == "http" and not _is_loopback(url):
        raise Failure(f"the target's URL {url!r} would send the API key unencrypted", remedy="use https")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
