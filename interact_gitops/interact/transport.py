"""One request to a target, sent as often as is safe. The only module that knows httpx.

A request is repeated after 429, 5xx, a timeout, a broken connection or a garbled answer only when repeating
it cannot do anything twice: reads, writes with `If-Match`, and writes with an `Idempotency-Key`.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from interact_gitops import __version__
from interact_gitops.errors import Failure
from interact_gitops.interact.addresses import check_url, is_loopback
from interact_gitops.interact.answers import Received, clock_ahead, problem, received
from interact_gitops.interact.errors import ApiRefusal, GarbledAnswer, TargetFailure, UnexpectedAnswer, Unreachable
from interact_gitops.interact.masking import Mask

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
    """A target's connection pool; safe to use from several threads. `clock` counts seconds, `sleep` waits them.

    `mask` takes the key out of every answer, and whatever other secrets it is told of.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float,
        attempts: int = MAX_ATTEMPTS,
        patience: float = PATIENCE,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        httpx = _import_httpx()
        self.url = url.rstrip("/")
        check_url(self.url)
        for name, value in headers.items():
            if not (value and value.isascii() and value.isprintable() and value.strip() == value):
                raise Failure(f"the {name} of the target cannot be sent: it is empty, or has strange characters in it")
        self.mask = Mask(value for name, value in headers.items() if name.lower() == "x-api-key")
        self.clock_ahead: float | None = None  # seconds that the target's clock was ahead in its last answer
        self._most_attempts = attempts
        self._patience = patience
        self._given_up = threading.Event()
        self._sleep = sleep or self._given_up.wait
        self._clock = clock
        self._httpx = httpx.Client(
            base_url=self.url,
            headers={**headers, "User-Agent": f"interact-gitops/{__version__}", "Accept": "application/json, text/csv"},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
            follow_redirects=False,  # the key must not travel to another host
            # Plain http is for loopback only (check_url): reading the certificates would cost 50 ms for nothing.
            verify=urlsplit(self.url).scheme == "https",
        )

    def close(self) -> None:
        """Close every connection."""
        self._httpx.close()

    def give_up(self) -> None:
        """From now on no request is sent a second time, and who waits to do so gives up at once."""
        self._given_up.set()

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
        deadline, wait = self._clock() + self._patience, FIRST_WAIT
        attempt = maybe_done = 0
        while True:
            attempt += 1
            asked: float | None = None
            failure: TargetFailure
            try:
                answer = self._once(request, what, deadline)
            except Unreachable as unreachable:
                # Who refuses a connection on this machine is not there, and will not be in a second.
                gone = not unreachable.sent and is_loopback(self.url)
                failure, again = unreachable, not gone and (repeatable or not unreachable.sent)
                maybe_done += unreachable.sent
            except GarbledAnswer as garbled:
                failure, again = garbled, repeatable
                maybe_done += 1
            else:
                if answer.status < 300:
                    return Answer(status=answer.status, body=answer.body, text=answer.text, etag=answer.etag,
                                  attempts=1 + maybe_done)  # fmt: skip
                failure = problem(answer, what)
                again = answer.status in _RETRIED and (repeatable or answer.status == 429)
                asked = answer.retry_after
                maybe_done += answer.status >= 500 or answer.status == 408
            pause = max(asked or 0.0, wait * random.uniform(0.5, 1.0))  # noqa: S311  # spreads retries, guards nothing
            again = again and attempt < self._most_attempts and self._clock() + pause <= deadline
            if again and not self._given_up.is_set():
                self._sleep(pause)
            if not again or self._given_up.is_set():
                failure.maybe_done = maybe_done > 0
                if maybe_done and request.method != "GET" and not isinstance(failure, ApiRefusal):
                    failure.message += "; it may have been carried out all the same"
                raise failure
            wait = min(wait * 2, LONGEST_WAIT)

    def _once(self, request: httpx.Request, what: str, deadline: float) -> Received:
        import httpx

        try:
            response = self._httpx.send(request, stream=True)
            try:
                raw = self._read(response, what, deadline)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unreachable(what, "cannot be reached", sent=False) from error
        except httpx.TimeoutException as error:
            raise self._unreachable(what, "did not answer in time", sent=True) from error
        except httpx.HTTPError as error:
            raise self._unreachable(what, f"broke the connection off ({type(error).__name__})", sent=True) from error
        told = {name: self.mask.text(value) for name, value in response.headers.items()}
        self.clock_ahead = clock_ahead(told.get("date"), now=time.time())
        answer = received(response.status_code, told, self.mask.raw(raw), what, now=time.time())
        if answer.status < 300 or answer.body is None:
            return answer
        # A refusal is quoted: as decoded, since in its bytes a secret can be escaped in many ways.
        body = self.mask.value(answer.body)
        return replace(answer, body=body, text=json.dumps(body, ensure_ascii=False))

    def _read(self, response: httpx.Response, what: str, deadline: float) -> bytes:
        """The whole body, within the size and the time that one request may take."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > LARGEST_ANSWER:
                raise UnexpectedAnswer(f"{what}: the answer is over {LARGEST_ANSWER >> 20} MiB")
            if self._clock() > deadline:
                how = f"did not finish its answer within {self._patience:.0f} seconds"
                raise self._unreachable(what, how, sent=True)
            parts.append(part)
        return b"".join(parts)

    def _unreachable(self, what: str, how: str, *, sent: bool) -> Unreachable:
        remedy = "start it with `interact-gitops serve`" if is_loopback(self.url) else "check the URL and the network"
        return Unreachable(f"{what}: {self.url} {how}", remedy=remedy, sent=sent)


def _import_httpx() -> ModuleType:
    """httpx, without the command line that it brings along: that imports rich and pygments, for a third of a plan's
    start-up. httpx is ready for its absence."""
    command_line = "httpx._main"
    absent = command_line not in sys.modules
    if absent:
        sys.modules[command_line] = None  # type: ignore[assignment]  # how Python says that a module is not there
    try:
        import httpx
    finally:
        if absent:
            del sys.modules[command_line]
    return httpx


def _given(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in query.items() if value is not None} if query else None
