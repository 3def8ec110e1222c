"""Who is told of the runner and the loop: the channels that the configuration names under `notices`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused, did_you_mean

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.notify.heralds import Herald
    from interact_gitops.notify.senders.choosing import Means


def herald_of(workspace: Workspace, stopping: threading.Event) -> Herald | None:
    """The herald of the configuration's channels; None where it names none. `stopping` breaks off what is being sent.

    Raises Refused for a channel that is not declared, or whose secret is missing.
    """
    wanted = workspace.settings.notices.get("channels", ())
    if not wanted:
        return None
    from interact_gitops.notify.heralds import Herald
    from interact_gitops.notify.senders.choosing import sender_for

    declared = {channel.name: channel for channel in workspace.channels}
    means = _means(workspace, stopping)
    senders = {}
    for name in wanted:
        channel = declared.get(name)
        if channel is None:
            said = f"notices.channels names {name!r}, and no such channel is declared"
            raise Refused(said, remedy=did_you_mean(name, declared) or "declare it under `channels`")
        for part, why in channel.missing.items():
            said = f"{channel.path}:{channel.line}: channels.{name}.{part}: {why}"
            raise Refused(said, remedy="notices are sent from here: set it in this environment")
        senders[name] = sender_for(
            channel.type, means, url=channel.secrets.get("url"), secret=channel.secrets.get("secret"),
            receivers=channel.to,
        )  # fmt: skip
    return Herald(senders=senders)


def _means(workspace: Workspace, stopping: threading.Event) -> Means:
    from interact_gitops.config.references import remember_secret
    from interact_gitops.notify.posting import Web
    from interact_gitops.notify.relay import read_relay
    from interact_gitops.notify.senders.choosing import Means

    relay, sender = workspace.environ.get("INTERACT_SMTP_URL"), workspace.environ.get("INTERACT_MAIL_FROM")
    if relay and not sender:
        raise Refused("INTERACT_SMTP_URL is set, and INTERACT_MAIL_FROM is not", remedy="name the mails' sender in it")
    allowed = frozenset(
        host.strip().lower().strip("[]") for host in workspace.settings.notices.get("allow_private", ())
    )
    return Means(
        web=Web(allowed=allowed, stopping=stopping),
        relay=read_relay(remember_secret(relay), sender) if relay and sender else None,
    )
