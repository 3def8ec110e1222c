"""What a server is started with, made into what it sends with."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from interact_gitops.errors import Refused
from interact_gitops.notify.posting import Web
from interact_gitops.notify.relay import read_relay
from interact_gitops.notify.senders.choosing import Means
from interact_gitops.server.options import ServerOptions

_NEVER_IN_A_LINK = set(" \"'<>|\\`")


def read_means(options: ServerOptions) -> Means:
    """The means to send with. Raises Refused."""
    if options.public_url is not None:
        _demand_link(options.public_url)
    relay = None
    if options.smtp_url is not None:
        if options.mail_from is None:
            remedy = "name the address that they come from: --mail-from or INTERACT_MAIL_FROM"
            raise Refused("a mail relay is given, and no sender for the mails", remedy=remedy)
        relay = read_relay(options.smtp_url, options.mail_from)
    allowed = frozenset(host.strip().lower().strip("[]") for host in options.allow_private)
    web = Web(allowed=allowed, stopping=threading.Event())
    return Means(web=web, relay=relay, apprise=options.allow_apprise)


def _demand_link(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        good = False
    if not good or not url.isprintable() or _NEVER_IN_A_LINK & set(url):
        said = f"--public-url {url[:100]!r} is not an address that people can open"
        raise Refused(said, remedy="write it as https://interact.example.com")
