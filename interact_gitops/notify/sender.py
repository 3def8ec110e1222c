"""The `Sender` seam: one message to one place, and what became of it. Senders raise nothing that is expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from interact_gitops.notify.messages.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """It is there. `but` says what went wrong all the same, such as a receiver who does not exist."""

    but: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Not now. `after`: seconds that the receiver asked for. `reached` got it already and must not get it twice."""

    why: str
    after: float | None = None
    reached: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Never, as things are: trying again would end the same."""

    why: str
    remedy: str | None = None


Outcome: TypeAlias = Delivered | Again | GivenUp


class Sender(Protocol):
    """Sends to one channel."""

    def send(self, message: Message, *, reached: frozenset[str] = frozenset()) -> Outcome:
        """Send one message; receivers in `reached` have it from an earlier try.

        Takes seconds at most, and may be called again with the same message: what tells two tries apart for a
        receiver is nothing, `message.id` being the same.
        """
        ...
