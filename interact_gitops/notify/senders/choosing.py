"""A channel → its sender."""

from __future__ import annotations

from dataclasses import dataclass

from interact_gitops.notify.posting import Web
from interact_gitops.notify.relay import Relay
from interact_gitops.notify.sender import Sender
from interact_gitops.notify.senders.apprise import AppriseSender
from interact_gitops.notify.senders.email import EmailSender
from interact_gitops.notify.senders.slack import SlackSender
from interact_gitops.notify.senders.teams import TeamsSender
from interact_gitops.notify.senders.webhook import WebhookSender


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the operator gave to send with."""

    web: Web
    relay: Relay | None = None
    apprise: bool = False


def sender_for(kind: str, means: Means, *, url: str | None, secret: str | None, receivers: tuple[str, ...]) -> Sender:
    """The sender of a channel of this kind. Raises ValueError for a kind that there is none for."""
    if kind == "email":
        return EmailSender(receivers=receivers, relay=means.relay, stopping=means.web.stopping)
    assert url is not None  # every other kind has one
    if kind == "slack":
        return SlackSender(url=url, web=means.web)
    if kind == "teams":
        return TeamsSender(url=url, web=means.web)
    if kind == "webhook":
        return WebhookSender(url=url, secret=secret, web=means.web)
    if kind == "apprise":
        return AppriseSender(url=url, allowed=means.apprise)
    raise ValueError(kind)
