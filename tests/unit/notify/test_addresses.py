"""Where webhooks may lead, and what the mail relay's address says."""

from __future__ import annotations

import threading
import time

import pytest

from interact_gitops.errors import Refused
from interact_gitops.notify.addresses import NotAllowed, Unresolved, is_open, literal_fault, look_up, resolved
from interact_gitops.notify.posting import Web, post
from interact_gitops.notify.relay import is_address, read_relay
from interact_gitops.notify.sender import GivenUp

CLOSED = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::", "::7f00:1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_internal_addresses_are_closed(address):
    assert not is_open(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_internet_is_open(address):
    assert is_open(address)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/x", "https://[::1]:8/", "http://localhost", "http://a.localhost/", "http://169.254.169.254/"],
)
def test_what_is_wrong_with_an_address_as_written(url):
    said = literal_fault(url, frozenset())
    assert said is not None
    assert "--allow-private" in said


def test_allowed_or_named_addresses_are_looked_at_later():
    assert literal_fault("http://127.0.0.1:9/x", {"127.0.0.1"}) is None
    assert literal_fault("https://hooks.example.com/x", set()) is None
    assert literal_fault("https://8.8.8.8/x", set()) is None


def test_every_address_of_a_name_is_judged_and_kept():
    place = look_up("https://hooks.example.com/a?b=c", set(), seconds=1, resolve=lambda *_: ["8.8.8.8", "1.1.1.1"])
    assert (place.secure, place.host, place.port, place.path) == (True, "hooks.example.com", 443, "/a?b=c")
    assert place.addresses == ("8.8.8.8", "1.1.1.1")
    assert look_up("http://x:81", {"x"}, seconds=1, resolve=lambda *_: ["10.0.0.1"]).addresses == ("10.0.0.1",)
    for answers in (["10.0.0.1"], ["8.8.8.8", "127.0.0.1"]):
        with pytest.raises(NotAllowed, match="--allow-private"):
            look_up("https://hooks.example.com/a", set(), seconds=1, resolve=lambda *_, found=answers: found)


def test_a_name_that_changes_its_answer_is_asked_once():
    """DNS rebinding: the second answer would be loopback, and it is never asked for."""
    asked = []

    def resolve(host, port, seconds):
        asked.append(host)
        return ["203.0.113.9"] if len(asked) > 1 else ["10.9.9.9"]

    web = Web(stopping=threading.Event(), resolve=resolve)
    assert isinstance(post("http://rebinding.example.com/", b"", {}, web=web), GivenUp)
    assert asked == ["rebinding.example.com"]


def test_an_address_with_a_password_is_not_sent_to():
    with pytest.raises(NotAllowed, match="password"):
        look_up("https://a:b@hooks.example.com/", set(), seconds=1)


def test_numbers_that_mean_loopback_are_loopback():
    for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1"):
        with pytest.raises((NotAllowed, Unresolved)):
            look_up(f"http://{host}/", set(), seconds=5)


def test_a_look_up_has_a_limit(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(0.5) or [])
    with pytest.raises(Unresolved, match="within"):
        resolved("slow.example.com", 80, 0.05)


@pytest.mark.parametrize(
    ("url", "host", "port", "security", "user", "password"),
    [
        ("smtps://u:p%40ss@mail.example.com", "mail.example.com", 465, "tls", "u", "p@ss"),
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls", None, None),
        ("smtp://u:canary@mail.example.com:2525?tls=starttls", "mail.example.com", 2525, "starttls", "u", "canary"),
        ("smtp://localhost:25?tls=none", "localhost", 25, "none", None, None),
        ("smtp://u:canary@127.0.0.1?tls=none", "127.0.0.1", 25, "none", "u", "canary"),
    ],
)
def test_a_relays_address(url, host, port, security, user, password):
    relay = read_relay(url, "interact@example.com")
    assert (relay.host, relay.port, relay.security, relay.user, relay.password) == (
        host,
        port,
        security,
        user,
        password,
    )
    assert password is None or password not in repr(relay)


@pytest.mark.parametrize(
    "url",
    ["", "mail.example.com", "http://u:canary@x", "smtp://", "smtp://u:canary@x:99999", "smtp://u:canary@x?tls=maybe",
     "smtp://u:canary@x?other=1", "smtp://u:canary@x/path", "smtp://u:canary@mail.example.com?tls=none",
     "smtps://u:canary@[x"],
)  # fmt: skip
def test_a_relays_address_that_cannot_be_read_is_not_repeated(url):
    with pytest.raises(Refused) as refused:
        read_relay(url, "interact@example.com")
    assert "canary" not in str(refused.value)


def test_a_relay_needs_a_sender():
    with pytest.raises(Refused, match="not an address"):
        read_relay("smtp://x", "nobody")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a@b, c@d", "A <a@b>", "a b@c", "a@b c", "a@b;c", '"a"@b', "a@-b", "é@b",
     "a@b\u202e", "x" * 65 + "@b", "a@" + "b" * 300],
)  # fmt: skip
def test_what_is_no_address(text):
    assert not is_address(text)


@pytest.mark.parametrize("text", ["a@b", "ada.l+x@mail.example.com", "o'neil@example.com"])
def test_what_is_an_address(text):
    assert is_address(text)
