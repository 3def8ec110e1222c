"""Serving: from a data folder to an answering server, and back.

`EmbeddedServer` runs in threads of this process; `serve` blocks until a signal. Starting is synchronous: when
it is done the server answers.
"""

from __future__ import annotations

import hmac
import logging
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import uvicorn

from interact_gitops.errors import Failure, Refused
from interact_gitops.server.app import build_app
from interact_gitops.server.clock import Clock, utc_now
from interact_gitops.server.data_folder import Credentials, FolderLock, read_credentials, write_credentials
from interact_gitops.server.identity import PERMISSIONS, key_digest
from interact_gitops.server.instance import Instance
from interact_gitops.server.listening.address import bound_socket, demand_safe, in_url
from interact_gitops.server.listening.connections import bounded
from interact_gitops.server.options import ServerOptions
from interact_gitops.server.store import organisations

log = logging.getLogger(__name__)

_START_SECONDS = 15.0
_GRACE_SECONDS = 3
_FILES = 8_192
FIRST_ORGANISATION, FIRST_KEY = "local", "initial"


class EmbeddedServer:
    """A server on this machine: started when made, stopped by `stop` or on leaving the `with` block.

    `EmbeddedServer(folder)` takes the fields of ServerOptions. Raises Refused when the folder or the port
    is taken, ConfigurationInvalid for a bad agents file.
    """

    def __init__(self, data: Path, *, clock: Clock = utc_now, **options: Any) -> None:
        self.options = ServerOptions(data=Path(data), **options)
        demand_safe(self.options)
        self._stopped = False
        self._warming: threading.Thread | None = None
        with _Undo() as undo:
            self._lock = FolderLock(self.options.data)
            undo.add(self._lock.release)
            self.instance = Instance(self.options, clock=clock)
            undo.add(self.instance.close)
            self._socket = bound_socket(self.options)
            undo.add(self._socket.close)
            self.options = replace(self.options, port=self._socket.getsockname()[1])
            self.url = f"http://{in_url(self.options.host)}:{self.options.port}"
            credentials = self._credentials()
            self.api_key, self.organization_id = credentials.api_key, credentials.organization_id
            self._executor = ThreadPoolExecutor(self.options.request_threads, thread_name_prefix="request")
            undo.add(lambda: self._executor.shutdown(wait=True))
            self.instance.start()
            undo.add(lambda: self.instance.stop(drain_seconds=0))
            self.app = build_app(self.instance, self._executor)
            self._start_http()
            undo.keep()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def http_alive(self) -> bool:
        """Whether connections are being answered."""
        return self._thread.is_alive()

    @property
    def data(self) -> Path:
        """The server's folder."""
        return self.options.data

    def create_organization(self, name: str) -> tuple[str, str]:
        """A further organisation: its id, and a key of it that may do everything."""
        organization_id = self.instance.create_organisation(name)
        return organization_id, self.create_key(organization_id=organization_id, name=FIRST_KEY)

    def create_key(
        self,
        permissions: Iterable[str] = PERMISSIONS,
        *,
        organization_id: str | None = None,
        name: str = "further",
    ) -> str:
        """A further key, by default of the first organisation."""
        wanted = set(permissions)
        if not wanted or not wanted <= set(PERMISSIONS):
            raise Refused(f"a key has at least one of the permissions {', '.join(PERMISSIONS)}, and no other")
        return self.instance.create_key(organization_id or self.organization_id, wanted, name=name)

    def stop(self, *, drain_seconds: float | None = None) -> None:
        """Stops answering, lets running chats end for `drain_seconds`, interrupts the rest. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        self.instance.stopping.set()
        self._http.should_exit = True
        self._thread.join()
        self._executor.shutdown(wait=True)
        if self._warming is not None:
            self._warming.join()  # a process that ends within DuckDB's code is aborted
        drain = self.options.drain_seconds if drain_seconds is None else drain_seconds
        self.instance.stop(drain_seconds=drain)
        self._lock.release()

    def warm(self) -> None:
        """Makes the sample warehouse ready in the background, and works out the schedules that the first page shows."""
        self._warming = threading.Thread(target=self._warm, name="warm-up", daemon=True)
        self._warming.start()

    def _warm(self) -> None:
        with suppress(sqlite3.Error):  # a store that cannot be read is noticed by whoever needs it
            self.app.state.board.entries(self.organization_id)
        try:
            self.instance.crew.warm()
        except (Failure, OSError):
            log.exception("the sample warehouse cannot be made; runs that need it will fail")

    def _start_http(self) -> None:
        config = uvicorn.Config(
            self.app,
            http=bounded(self.options.bounds, self.instance.metrics.observe_dropped),
            log_config=None,
            log_level="error",  # its warnings are about what strangers send, as often as they like
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._http = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._http.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._http.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise Refused("the HTTP server did not start", remedy="see the log")
            time.sleep(0.002)

    def _credentials(self) -> Credentials:
        """The key of earlier starts when it still works, else a new one; the file follows the address."""
        found = read_credentials(self.options.data)
        if found is None or not self._works(found):
            found = self._new_credentials()
        if found.url != self.url or read_credentials(self.options.data) is None:
            found = replace(found, url=self.url)
            write_credentials(self.options.data, found)
        return found

    def _works(self, credentials: Credentials) -> bool:
        digest = key_digest(credentials.api_key)
        with self.instance.database.read() as db:
            keys = organisations.keys_with_prefix(db, credentials.api_key)
        return any(
            hmac.compare_digest(key.digest, digest) and key.organisation_id == credentials.organization_id
            for key in keys
        )

    def _new_credentials(self) -> Credentials:
        with self.instance.database.read() as db:
            known = organisations.organisation_ids(db)
        organisation_id = known[0] if known else self.instance.create_organisation(FIRST_ORGANISATION)
        key = self.instance.create_key(organisation_id, PERMISSIONS, name=FIRST_KEY)
        return Credentials(url="", api_key=key, organization_id=organisation_id)


def serve(data: Path, *, started: Callable[[EmbeddedServer], None] = lambda _server: None, **options: Any) -> None:
    """Serves until SIGINT or SIGTERM, then stops gracefully; a second signal does not wait for runs.

    `started` is called once the server answers. For the main thread. Raises what EmbeddedServer raises.
    """
    wanted = threading.Event()
    at_once = threading.Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        (at_once if wanted.is_set() else wanted).set()

    _raise_file_limit()
    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server = EmbeddedServer(data, **options)
        server.warm()
        try:
            started(server)
            while not wanted.wait(1.0):
                if not server.http_alive:
                    raise Refused("the HTTP server ended by itself", remedy="see the log")
        finally:
            _stop(server, at_once)
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _raise_file_limit() -> None:
    """More files than the usual 1,024, which are for programs that use select(2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _stop(server: EmbeddedServer, at_once: threading.Event) -> None:
    """Stops in a thread of its own, so that a second signal can be heard meanwhile."""
    stopping = threading.Thread(target=server.stop, name="stop")
    stopping.start()
    while stopping.is_alive():
        stopping.join(0.1)
        if at_once.is_set():
            server.instance.runs.interrupt()
    stopping.join()


class _Undo:
    """Undoes the steps of a start that fails half-way, last first."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        self._steps.append(step)

    def keep(self) -> None:
        self._steps.clear()

    def __enter__(self) -> _Undo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for step in reversed(self._steps):
            step()
