"""The lock that keeps two applies of one configuration apart: `client.locks`.

A lease of `LEASE_SECONDS` is renewed in the background every third of it, and released at the end; who is
killed leaves a lock that expires by itself. It is for people's peace, not for correctness: every write is
guarded by an etag or a unique key all the same, so that a holder who comes back too late undoes nothing.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interact_gitops.errors import Failure
from interact_gitops.interact.bodies import part, whole
from interact_gitops.interact.errors import ApiRefusal, NotFound, UnexpectedAnswer

if TYPE_CHECKING:
    from interact_gitops.interact.transport import Transport

LEASE_SECONDS = 30
_LONGEST_JOIN_SECONDS = 3.0
_LOCKS = "/api/locks"
_TAKE = "take the lock"


class Lease:
    """A lock that is held. Safe to use from several threads."""

    def __init__(self, transport: Transport, lock_id: str, *, until: float, seconds: int) -> None:
        self._transport = transport
        self._path = f"{_LOCKS}/{part(lock_id)}"
        self._seconds = seconds
        self._until = until
        self._lost = False
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lock", daemon=True)
        self._thread.start()

    def held(self) -> bool:
        """Whether nobody else can have the lock now. Asks the target when the lease has run out meanwhile, as it
        does on a machine that slept."""
        if not self._lost and _clock() >= self._until:
            self._renew()
        return not self._lost and _clock() < self._until

    def release(self) -> None:
        """Give it back. It is asked for once, and not waited for long: where that fails, the lock expires by itself."""
        self._over.set()
        self._thread.join(_LONGEST_JOIN_SECONDS)

    def _keep(self) -> None:
        while not self._over.wait(self._seconds / 3) and not self._lost:
            self._renew()
        self._over.wait()
        # RuntimeError: nobody waited, and the connections were closed meanwhile.
        with suppress(Failure, RuntimeError):
            self._transport.send("DELETE", self._path, what="release the lock")

    def _renew(self) -> None:
        with self._turn:
            asked = _clock()
            try:
                self._transport.send(
                    "POST", f"{self._path}/renew", what="renew the lock", body={"leaseSeconds": self._seconds},
                    repeatable=True,
                )  # fmt: skip
            except NotFound:
                self._lost = True  # it ended, and somebody else has it or had it
            except Failure:
                return  # it may come back before the lease ends; `held` tells
            except RuntimeError:  # the connections were closed under a renewal that took too long to wait for
                if not self._over.is_set():
                    raise
            else:
                self._until = asked + self._seconds


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks of one organisation."""

    transport: Transport

    def take(self, *, managed_by: str, holder: str, key: str | None = None) -> Lease | None:
        """The lock of an ownership mark; None on a target that has no locks (404, 405).

        `holder` is shown to others who want it. `key` names the request, for one that is repeated.
        Raises Locked while somebody else has it, Forbidden for a key that may not write.
        """
        body = {"managedBy": managed_by, "holder": holder, "leaseSeconds": LEASE_SECONDS}
        headers = {"Idempotency-Key": f"lock-{key or uuid.uuid4().hex}"}
        asked = _clock()
        try:
            answer = self.transport.send("POST", _LOCKS, what=_TAKE, body=body, headers=headers, repeatable=True)
        except ApiRefusal as refused:
            if refused.status in {404, 405}:
                return None
            raise
        lock = whole(answer, _TAKE).get("lock")
        if not isinstance(lock, dict) or not isinstance(lock.get("id"), str) or not lock["id"]:
            raise UnexpectedAnswer(f"{_TAKE}: the answer names no lock", remedy="check the target's version")
        return Lease(self.transport, lock["id"], until=asked + LEASE_SECONDS, seconds=LEASE_SECONDS)

    @contextmanager
    def held(self, *, managed_by: str, holder: str) -> Iterator[Lease | None]:
        """The lock for the length of a block, released at its end however it ends. Raises as `take`."""
        lease = self.take(managed_by=managed_by, holder=holder)
        try:
            yield lease
        finally:
            if lease is not None:
                lease.release()


def _clock() -> float:
    """Seconds that also pass while the machine sleeps, where there is such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
