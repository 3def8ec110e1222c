"""Where a server listens, and what must be true before others may reach it."""

from __future__ import annotations

import ipaddress
import socket

from interact_gitops.errors import Refused
from interact_gitops.server.options import LOOPBACK, ServerOptions

SHORTEST_PASSWORD = 12  # characters


def demand_safe(options: ServerOptions) -> None:
    """Raises Refused for an address that others reach and nobody said they may, and for a password that is guessed."""
    _demand_loopback(options)
    _demand_password(options)


def _demand_loopback(options: ServerOptions) -> None:
    if options.allow_remote or options.host in LOOPBACK:
        return
    try:
        if ipaddress.ip_address(options.host).is_loopback:
            return
    except ValueError:
        pass
    raise Refused(
        f"{options.host} is reachable from other machines",
        remedy="serve on 127.0.0.1, or pass --allow-remote",
    )


def _demand_password(options: ServerOptions) -> None:
    if options.ui_password is not None and len(options.ui_password) < SHORTEST_PASSWORD:
        raise Refused(
            f"the password of the pages is shorter than {SHORTEST_PASSWORD} characters",
            remedy="set a longer INTERACT_UI_PASSWORD, such as three words",
        )


def bound_socket(options: ServerOptions) -> socket.socket:
    """A socket that listens. Raises Refused where that cannot be."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # The protocol must be named: asyncio switches Nagle's algorithm off (40 ms an answer) only where it sees TCP.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Lets a restart take the port over from connections that linger; never a port that someone listens on.
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((options.host, options.port))
        found.listen(1024)
    except (OSError, OverflowError) as error:
        found.close()
        reason = getattr(error, "strerror", None) or error
        raise Refused(
            f"cannot listen on {options.host} port {options.port}: {reason}",
            remedy="choose another --port (0 picks a free one), or an address of this machine",
        ) from error
    return found


def in_url(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
