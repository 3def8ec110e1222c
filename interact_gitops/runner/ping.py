"""A dead man's switch: an address outside is told again and again that the runner is alive, and raises the alarm when
it is not. Asked for at most once a minute, in a thread of its own; an address that does not answer stops nothing."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from interact_gitops.errors import Refused

LOGGER = logging.getLogger("interact_gitops.runner")
EVERY, TIMEOUT = 60.0, 10.0  # seconds


class Switch:
    """Pings `url` (http or https)."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises Refused for something else than an address on the web."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refused("--ping-url is no http or https address", remedy="write https://…, as the service gave it")
        self._url, self._host, self._clock = url, parts.hostname, clock
        self._last = float("-inf")
        self._failing = False
        self._thread: threading.Thread | None = None

    def press(self) -> None:
        """All is well here; tell it unless that was done within the last minute."""
        now = self._clock()
        if now - self._last < EVERY or (self._thread is not None and self._thread.is_alive()):
            return
        self._last = now
        self._thread = threading.Thread(target=self._ping, name="ping", daemon=True)
        self._thread.start()

    def _ping(self) -> None:
        try:
            request = urllib.request.Request(self._url, headers={"User-Agent": "interact-gitops"})  # noqa: S310  # http(s) only: see above
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # likewise
                answer.read(1)
        except (OSError, urllib.error.URLError, ValueError) as error:
            # The address itself is a secret with most services: only the host is said.
            if not self._failing:
                LOGGER.warning("the dead man's switch at %s does not answer: %s", self._host, type(error).__name__)
            self._failing = True
            return
        self._failing = False
