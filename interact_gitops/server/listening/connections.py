"""One connection under bounds: uvicorn drops a client only between requests, so slow ones are dropped here.

uvicorn's protocol does the talking. Beside it each connection looks at itself once a second: whom does it wait
for, and since when? A client that takes too long over a head or a body is told (408) and dropped; one that is idle,
or does not read its answer, is dropped. A phase lasts until the next one begins, however many bytes trickle in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from interact_gitops.server.api.problems import MEDIA_TYPE, problem
from interact_gitops.server.failures import Declined, Malformed, TooSlow
from interact_gitops.server.listening.bounds import Bounds, Phase
from interact_gitops.server.listening.framing import StrictConnection

_LOOK_EVERY_SECONDS = 1.0
_LARGEST_PIECE = 16 * 1024  # of a head that comes in pieces

Observer = Callable[[str], None]
"""Told why a connection was dropped: a phase, `crowded`, or `malformed`."""


def bounded(bounds: Bounds, observe: Observer) -> type[asyncio.Protocol]:
    """The protocol that uvicorn makes for each connection."""
    return type("BoundedConnection", (Connection,), {"terms": Terms(bounds=bounds, observe=observe)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all connections of a server have in common."""

    bounds: Bounds
    observe: Observer


class Connection(H11Protocol):
    """A connection that takes no longer than the bounds allow."""

    terms: ClassVar[Terms]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.conn = StrictConnection(h11.SERVER, max_incomplete_event_size=_LARGEST_PIECE)
        self._phase: tuple[Phase, object] = ("idle", None)
        self._since = 0.0
        self._received = 0
        self._moved_before = 0
        self._look_again: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Somebody connected: if there are too many, the one that keeps us waiting longest makes room."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look_again = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look)
        if len(self.connections) > self.terms.bounds.connections:
            waiting = [one for one in self.connections if isinstance(one, Connection) and one._phase[0] != "work"]
            # This one is the youngest of them: it goes only when all others are being answered.
            min(waiting, key=lambda one: one._since)._drop("crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        if self._look_again is not None:
            self._look_again.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        self._received += len(data)
        super().data_received(data)
        self._follow()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._follow()

    def resume_writing(self) -> None:
        """The client has read most of what was written."""
        super().resume_writing()
        self._follow()

    def on_response_complete(self) -> None:
        """The answer is written, if not read."""
        super().on_response_complete()
        self._follow()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP, or HTTP of two meanings: nothing more is read."""
        self.terms.observe("malformed")
        self._decline(Malformed(msg))

    def _follow(self) -> None:
        """Notes when the connection begins to wait for somebody else."""
        phase = (self._present(), self.cycle)
        if phase != self._phase:
            self._phase, self._since, self._moved_before = phase, self.loop.time(), self._moved()

    def _present(self) -> Phase:
        answered = self.cycle is not None and self.cycle.response_complete
        unread = self.transport.get_write_buffer_size()
        if self.transport.is_closing() or (unread and (answered or self.flow.write_paused)):
            return "answer"
        if self.cycle is not None and not answered:
            # A body that we do not take (reading is paused) is not the client's delay.
            sending = self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused
            return "body" if sending else "work"
        return "head" if self.conn.trailing_data[0] else "idle"

    def _moved(self) -> int:
        """A count that grows with what comes in a body, or goes of an answer."""
        if self._phase[0] == "answer":
            return -self.transport.get_write_buffer_size()
        return self._received

    def _look(self) -> None:
        self._follow()
        phase = self._phase[0]
        patience = self.terms.bounds.patience(phase, max(0, self._moved() - self._moved_before))
        if patience is None or self.loop.time() - self._since < patience:
            self._look_again = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look)
        elif phase in ("head", "body") and not self.transport.is_closing():
            self.terms.observe(phase)
            self._decline(TooSlow(f"the request's {phase} did not come in time", remedy="send it at once"))
            self._look_again = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look)
        else:
            self._drop(phase)

    def _drop(self, reason: str) -> None:
        self.terms.observe(reason)
        self.connections.discard(self)  # at once: its place is taken before its loss is told
        self.transport.abort()

    def _decline(self, declined: Declined) -> None:
        """Says why, if nothing was said yet, and hangs up."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            reply = problem(declined)
            headers = [
                ("content-type", MEDIA_TYPE), ("content-length", str(len(reply.content))), ("connection", "close"),
                ("cache-control", "no-store"), ("x-content-type-options", "nosniff"),
            ]  # fmt: skip
            reason = HTTPStatus(reply.status).phrase.encode()
            response = h11.Response(status_code=reply.status, headers=headers, reason=reason)
            for event in (response, h11.Data(data=reply.content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # or its answer would be written after ours
            self.cycle.message_event.set()
        self.transport.close()
