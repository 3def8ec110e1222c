"""Any other service, through the optional library apprise (`pip install 'interact-gitops[apprise]'`).

Apprise opens its own connections: where they lead is not checked here, so the operator has to allow it as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.escaping import unpinged
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.sender import Again, Delivered, GivenUp, Outcome

_SECONDS = "10"
_TYPES = {"info": "info", "warning": "warning", "error": "failure"}
MOST_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseSender:
    """`url` is an address of apprise's, a secret. `allowed` is the operator's word."""

    url: str = field(repr=False)
    allowed: bool

    def send(self, message: Message, *, reached: frozenset[str] = frozenset()) -> Outcome:  # noqa: ARG002 - the seam's signature; there is one receiver
        """See `Sender`."""
        if not self.allowed:
            return GivenUp(why="the server sends nothing through apprise", remedy="start it with --allow-apprise")
        try:
            import apprise
        except ImportError:
            remedy = "pip install 'interact-gitops[apprise]' where the server runs"
            return GivenUp(why="apprise is not installed", remedy=remedy)
        service = apprise.Apprise.instantiate(self.url, suppress_exceptions=True)
        if service is None:
            return GivenUp(why="apprise does not know this kind of address")
        service.socket_connect_timeout = service.socket_read_timeout = float(_SECONDS)
        done = service.notify(
            title=unpinged(message.title),
            body=unpinged(forms.short_text(message, MOST_CHARACTERS)),
            notify_type=apprise.NotifyType(_TYPES[message.level]),
        )
        # All that apprise tells of a failure is that it was one.
        return Delivered() if done else Again(why="apprise could not deliver it")
