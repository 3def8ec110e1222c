"""Where a webhook may point to: the open internet, and what the operator allows by name.

A channel's address is somebody else's text. One that leads to this machine, its network or a cloud's metadata service
would make the server send, and answer for, what it should not. The addresses that a name has are looked up once,
judged, and connected to as they are: a second answer of the name server changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Resolve = Callable[[str, int, float], list[str]]


class NotAllowed(Exception):
    """An address that is not sent to. The text names no secret."""


class Unresolved(Exception):
    """A name that has no address just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A webhook's address, taken apart and looked up. `path` includes the query."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def is_open(address: str) -> bool:
    """Whether an IP address is of the open internet, looking through the ways of writing an IPv4 address as IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _NAT64 or ip in _COMPATIBLE):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_open(str(inner))
    if any(ip in network for network in _INTERNAL if network.version == ip.version):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


# Global by their numbers (to some versions of Python), and yet internal: site-local addresses (RFC 3879), protocol
# assignments (RFC 6890; Oracle's metadata is at 192.0.0.192), and what Azure's machines have their secrets from.
_INTERNAL = tuple(map(ipaddress.ip_network, ("fec0::/10", "192.0.0.0/24", "168.63.129.16/32")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, 2.5.5.1


def literal_fault(url: str, allowed: Collection[str]) -> str | None:
    """What is wrong with an address as written, before any name is looked up; None for nothing."""
    host = urlsplit(url).hostname or ""
    if host in allowed:
        return None
    if host == "localhost" or host.endswith(".localhost"):
        return _said("this machine")
    try:
        return None if is_open(host) else _said("a loopback, private or otherwise internal address")
    except ValueError:
        return None


def look_up(url: str, allowed: Collection[str], *, seconds: float, resolve: Resolve | None = None) -> Place:
    """The place of a webhook's address. `allowed`: host names that may be anywhere.

    Raises NotAllowed, Unresolved.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("an address with a user name or password in it is not sent to")
    found = (resolve or resolved)(host, port, seconds)
    if host not in allowed:
        closed = next((address for address in found if not is_open(address)), None)
        if closed is not None:
            raise NotAllowed(_said(closed))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(secure=secure, host=host, port=port, path=path, addresses=tuple(found))


def resolved(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name, within a time. Raises Unresolved."""
    found: list[list[str]] = []

    def ask() -> None:
        try:
            found.append(_distinct(info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError):
            found.append([])

    # The system's own look-up knows no time limit, so it gets a thread that nobody waits for longer than that.
    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(seconds)
    if not found:
        raise Unresolved(f"its name was not found within {seconds:.0f} s")
    if not found[0]:
        raise Unresolved("its name is not known")
    return found[0]


def _distinct(addresses: Iterable[str | int]) -> list[str]:
    return list(dict.fromkeys(str(address) for address in addresses))


def _said(what: str) -> str:
    return f"the address leads to {what}, which is not sent to; the server allows it with --allow-private HOST"
