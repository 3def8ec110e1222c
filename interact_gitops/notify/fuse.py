"""A limit in time for a whole conversation over a socket: a socket's own timeout starts anew with each byte."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

_LOOK_SECONDS = 0.1


class Fuse:
    """Shuts the connection that it guards at `limit` (of the monotonic clock) or when `stopping` is set; `burnt` then.

    Whoever reads or writes meanwhile gets an error of the connection.
    """

    def __init__(self, limit: float, stopping: threading.Event) -> None:
        self.burnt = False
        self._limit = limit
        self._stopping = stopping
        self._over = threading.Event()
        self._sock: socket.socket | None = None
        self._thread = threading.Thread(target=self._watch, name="fuse", daemon=True)

    def guard(self, sock: socket.socket) -> socket.socket:
        """Watches this connection from now on, in place of an earlier one."""
        self._sock = sock
        if self._thread.ident is None:
            self._thread.start()
        return sock

    def secure(self, sock: socket.socket, host: str) -> ssl.SSLSocket:
        """TLS over a connection, with the handshake watched too. Raises OSError; the connection is then closed."""
        context = ssl.create_default_context()
        secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self.guard(secured)
        try:
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

    def __enter__(self) -> Fuse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, min(_LOOK_SECONDS, self._limit - time.monotonic()))):
            if self._stopping.is_set() or time.monotonic() >= self._limit:
                self.burnt = True
                assert self._sock is not None
                with suppress(OSError):
                    # Of the plain socket below TLS, whose state belongs to the thread that reads.
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
                return


def connected(addresses: Sequence[str], port: int, limit: float) -> socket.socket:
    """A connection to the first address that answers before `limit`. Raises OSError."""
    trouble: OSError = TimeoutError()
    for address in addresses:
        left = limit - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            trouble = error
    raise trouble
