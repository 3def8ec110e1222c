"""The mail relay that the operator gives: one address with everything in it, kept out of every message. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from interact_gitops.errors import Refused

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """`security`: TLS from the first byte, STARTTLS, or none at all. `sender` is the address that mails come from."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def read_relay(url: str, sender: str) -> Relay:
    """`smtps://user:password@host`, `smtp://host:587` (STARTTLS), `smtp://host:25?tls=none`.

    Raises Refused, without repeating the address.
    """
    what = "the mail relay (--smtp-url, INTERACT_SMTP_URL)"
    remedy = "write smtps://USER:PASSWORD@HOST, smtp://HOST:587, or smtp://HOST:25?tls=none; % escapes other characters"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Refused(f"{what} cannot be read", remedy=remedy) from error
    options = parse_qs(parts.query)
    tls = options.pop("tls", ["starttls"])[-1]
    known = parts.scheme in {"smtp", "smtps"} and tls in {"starttls", "none"} and not options
    if not known or not host or parts.path not in {"", "/"} or parts.fragment:
        raise Refused(f"{what} cannot be read", remedy=remedy)
    if not is_address(sender):
        raise Refused("the address that mails come from (--mail-from, INTERACT_MAIL_FROM) is not an address",
                      remedy="write it as name@example.com")  # fmt: skip
    security: Literal["tls", "starttls", "none"] = (
        "tls" if parts.scheme == "smtps" else "none" if tls == "none" else "starttls"
    )
    if security == "none" and parts.password is not None and host not in LOOPBACK:
        raise Refused(f"{what} would send its password in the clear", remedy="leave out tls=none, or the password")
    return Relay(
        host=host,
        port=port or {"tls": 465, "starttls": 587, "none": 25}[security],
        security=security,
        sender=sender,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def is_address(text: str) -> bool:
    """Whether a text is one plain email address: no name, no comment, no line break, nothing beside it."""
    return len(text) <= 254 and text.isascii() and text.isprintable() and _ADDRESS.fullmatch(text) is not None
