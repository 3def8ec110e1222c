"""Microsoft Teams, through a Workflows webhook ("Send webhook alerts to a channel")."""

from __future__ import annotations

from dataclasses import dataclass, field

from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.posting import Web, post
from interact_gitops.notify.sender import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsSender:
    """`url` is the webhook's address, a secret."""

    url: str = field(repr=False)
    web: Web

    def send(self, message: Message, *, reached: frozenset[str] = frozenset()) -> Outcome:  # noqa: ARG002 - the seam's signature; there is one receiver
        """See `Sender`."""
        return post(self.url, forms.teams(message), {"Content-Type": "application/json"}, web=self.web)
