"""The ledger's database on a git reference: SQLite decides, a compare-and-swap of the reference commits.

A transaction is carried out in a private SQLite database that holds what the reference's commit says. If it changed
anything, the tables become a commit, and the reference is moved from the commit that it began with to the new one; only
when that succeeded is the transaction committed here. When the reference moved meanwhile, everything is read anew and
the transaction is carried out again: two runners never both win, wherever they are.

A push whose answer was lost is looked for: each commit names the last writes, by nonces. What cannot be found out is
said to be "maybe" committed, as a database says whose connection broke; every caller can live with that.

Leases of another machine end by the time of day (ledger/clock.py): clocks must agree to well within a lease.
"""

from __future__ import annotations

import random
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from interact_gitops.ledger.clock import LeaseClock
from interact_gitops.ledger.database import refuse_newer
from interact_gitops.ledger.errors import LedgerFailure, LedgerLocked, LedgerLost
from interact_gitops.ledger.git.repository import REFERENCE, Moved, Place, Repository
from interact_gitops.ledger.git.tables import VERSION, changed, dump, load, schema_of
from interact_gitops.ledger.sqlite import SqliteDatabase, SqliteSession

FRESH = 2.0  # seconds for which a look at the reference is good enough to read from
PATIENCE = 60.0  # seconds for which a write tries to be the first
_POLL = 3.0  # seconds between two looks of whoever waits
REMEMBERED = 200  # writes that a commit names
T = TypeVar("T")


class GitDatabase:
    """One reference, for any thread of this process."""

    def __init__(self, place: Place, *, clock: LeaseClock | None = None, fresh: float = FRESH) -> None:
        """Reads the reference. Raises LedgerFailure."""
        self._fresh = fresh
        self._turn = threading.RLock()
        self._closed = threading.Event()
        self._folder = Path(tempfile.mkdtemp(prefix="interact-gitops-ledger-"))
        self._repository = Repository(place, self._folder / "objects")
        try:
            self._local = SqliteDatabase(self._folder / "ledger.db", clock=clock)
            self._newest = self._local.newest
            self._base: str | None = None
            self._files: dict[str, bytes] = {}
            self._writes: tuple[str, ...] = ()
            self._known = False
            self._looked = float("-inf")
            self._look()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def write(self, work: Callable[[SqliteSession], T]) -> T:
        """See `Database`."""
        end = time.monotonic() + PATIENCE
        with self._turn:
            base = self._base
            while True:
                try:
                    self._look()
                    base = self._base
                    return self._local.write(lambda session: self._carried_out(session, work))
                except Moved:
                    self._looked = float("-inf")
                    if time.monotonic() > end:
                        raise self._too_busy() from None
                    time.sleep(random.uniform(0.01, 0.2))  # noqa: S311  # no secret depends on it
                except LedgerFailure as failure:
                    if self._base != base:  # it is there, and could not be kept here
                        failure.committed = "maybe"
                    self._known = False
                    raise

    def read(self, work: Callable[[SqliteSession], T]) -> T:
        """See `Database`. What is read is at most two seconds old."""
        with self._turn:
            self._look()
            return self._local.read(work)

    def wait(self, seconds: float) -> bool:
        """Looks at the reference every few seconds: true when another process moved it."""
        end = time.monotonic() + seconds
        look = time.monotonic() + _POLL
        while (left := end - time.monotonic()) > 0 and not self._closed.wait(min(_POLL, left)):
            if time.monotonic() >= look:
                look = time.monotonic() + _POLL
                if self._repository.head() != self._base:
                    return True
        return False

    def check(self) -> list[str]:
        """See `Database`."""
        with self._turn:
            self._look()
            return self._local.check()

    def describe(self) -> str:
        """The repository and its reference."""
        return f"{self._repository.shown} {REFERENCE}"

    def close(self) -> None:
        """Throws the private copy away."""
        self._closed.set()
        with self._turn:
            self._local.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _look(self) -> None:
        """Make the private database what the reference says, unless that was done a moment ago."""
        if self._known and time.monotonic() - self._looked < self._fresh:
            return
        head, files = self._head_with_files()
        if files is not None:
            self._load(head, files)
        self._looked = time.monotonic()

    def _head_with_files(self) -> tuple[str | None, dict[str, bytes] | None]:
        """Where the reference is, and the files there; None for those where they are known already."""
        end = time.monotonic() + PATIENCE
        while True:
            head = self._repository.head()
            if self._known and head == self._base:
                return head, None
            if head is None:
                return None, {}
            try:
                return head, self._repository.files(head)
            except Moved:
                if time.monotonic() > end:
                    raise self._too_busy() from None

    def _too_busy(self) -> LedgerLocked:
        said = f"others write to the ledger {self.describe()} without a pause"
        return LedgerLocked(said, remedy="start fewer runners, or use PostgreSQL")

    def _load(self, head: str | None, files: dict[str, bytes]) -> None:
        if head is not None:
            refuse_newer(self.describe(), schema_of(files), self._newest)
        self._known = False
        self._writes = self._local.write(lambda session: load(session, files))
        self._base, self._files, self._known = head, files, True

    def _carried_out(self, session: SqliteSession, work: Callable[[SqliteSession], T]) -> T:
        """The transaction, and its commit elsewhere; this one is committed or rolled back after it."""
        before = _touched(session)
        result = work(session)
        if _touched(session) == before:
            return result
        nonce = secrets.token_hex(8)
        writes = (*self._writes[-REMEMBERED:], nonce)
        files = dump(session, schema=self._newest, nonces=writes)
        if all(name == VERSION for name, _ in changed(self._files, files)):
            return result  # rows were written as they were
        commit = self._repository.commit(dict(changed(self._files, files)), parent=self._base, nonce=nonce)
        self._swap(commit, nonce)
        self._base, self._files, self._writes = commit, files, writes
        self._looked = time.monotonic()
        return result

    def _swap(self, commit: str, nonce: str) -> None:
        """Raises Moved when another write was first, LedgerLost when nobody can know."""
        said = self._repository.swap(commit, expected=self._base)
        if said == "won":
            return
        # Also after a refusal: the answer to this very push may have been lost between us and what pushed it again.
        try:
            head, files = self._head_with_files()
        except LedgerFailure as away:
            raise LedgerLost(
                f"the ledger {self.describe()} did not answer to a write, and cannot be read",
                remedy="it is looked at again when it is back", committed="maybe",
            ) from away  # fmt: skip
        if head == commit or (files and nonce in _writes_of(files)):
            return  # others may have written since: the next look reads it
        if files is None and said == "unknown":
            # It is where it was: the push did not arrive, or is still on its way. Once it moved from there, it cannot.
            raise LedgerLost(
                f"the ledger {self.describe()} did not answer to a write", committed="maybe",
                remedy="it is tried again",
            )  # fmt: skip
        raise Moved


def _touched(session: SqliteSession) -> int:
    found: int = session.all("SELECT total_changes()")[0][0]
    return found


def _writes_of(files: dict[str, bytes]) -> tuple[str, ...]:
    import json

    return tuple(json.loads(files[VERSION])["writes"])
