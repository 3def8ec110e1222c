"""A generic webhook: JSON, signed where the channel has a secret."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from interact_gitops.notify.messages import forms
from interact_gitops.notify.messages.message import Message
from interact_gitops.notify.posting import Web, post
from interact_gitops.notify.sender import Outcome
from interact_gitops.notify.signing import signed


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """`url` and `secret` are secrets; without `secret` nothing is signed."""

    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    web: Web

    def send(self, message: Message, *, reached: frozenset[str] = frozenset()) -> Outcome:  # noqa: ARG002 - the seam's signature; there is one receiver
        """See `Sender`. The header Interact-Delivery is the same for every try, so that a receiver can tell them."""
        body = forms.webhook(message)
        headers = {"Content-Type": "application/json", "Interact-Delivery": message.id}
        if self.secret is not None:
            headers |= signed(body, self.secret, now=time.time())
        return post(self.url, body, headers, web=self.web, secrets=(self.secret,))
