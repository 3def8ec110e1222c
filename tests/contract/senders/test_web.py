"""Slack, Teams and generic webhooks against receivers that behave in every way that receivers do."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from interact_gitops.notify.sender import Again, Delivered, GivenUp
from interact_gitops.notify.senders.apprise import AppriseSender
from interact_gitops.notify.senders.choosing import Means, sender_for
from interact_gitops.notify.senders.webhook import WebhookSender

WEB_KINDS = ("slack", "teams", "webhook")


@pytest.fixture(params=WEB_KINDS)
def send(request, hooks, web, message):
    """Sends to a path of the receiver, by each kind of web sender."""

    def to(path, web=web):
        sender = sender_for(request.param, Means(web=web), url=hooks.url + path, secret="s3cret", receivers=())
        return sender.send(message)

    return to


def test_a_message_arrives_once(send, hooks):
    assert send("/ok/canary-1") == Delivered()
    (got,) = hooks.received
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("interact-gitops/")
    json.loads(got.body)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/gone/canary-1", GivenUp(why="it answered 404: no_service[31m ***")),
        ("/broken/canary-1", Again(why="it answered 500: <html>Internal Server Error</html>")),
        ("/busy/canary-1", Again(why="it answered 429: rate_limited", after=7.0)),
        ("/elsewhere/canary-1", GivenUp(why="it answered 302 with a redirect, and none is followed")),
        ("/reset/canary-1", Again(why="the connection broke: Connection reset by peer")),
        ("/garbage/canary-1", Again(why="the connection broke: BadStatusLine")),
        ("/huge/canary-1", Delivered()),
    ],
)
def test_what_becomes_of_it(send, hooks, path, outcome):
    started = time.monotonic()
    assert send(path) == outcome
    assert len(hooks.received) == 1  # a redirect leads nowhere
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_nobody_is_waited_for_longer_than_the_limit(send, path):
    started = time.monotonic()
    assert send(path) == Again(why="no answer within 1 s")
    assert time.monotonic() - started < 2.0


def test_a_program_that_ends_breaks_a_send_off(send, web):
    slow = replace(web, seconds=30.0)
    threading.Timer(0.3, slow.stopping.set).start()
    started = time.monotonic()
    assert isinstance(send("/hang", slow), Again)
    assert time.monotonic() - started < 2.0


def test_a_receiver_that_is_not_there(send, hooks):
    hooks.close()
    assert send("/ok") == Again(why="the connection broke: Connection refused")


def test_internal_addresses_are_refused_unless_named(send, web, hooks):
    strict = replace(web, allowed=frozenset({"localhost"}))
    outcome = send("/ok", strict)
    assert isinstance(outcome, GivenUp)
    assert "127.0.0.1" in outcome.why
    assert "--allow-private" in outcome.why
    assert hooks.received == []


def test_the_host_is_the_name_and_the_connection_the_address_that_was_judged(web, message, hooks):
    port = hooks.url.rpartition(":")[2]
    pinned = replace(web, allowed=frozenset({"hooks.example.com"}), resolve=lambda *_: ["127.0.0.1"])
    sender = WebhookSender(url=f"http://hooks.example.com:{port}/ok?a=b", secret=None, web=pinned)
    assert sender.send(message) == Delivered()
    (got,) = hooks.received
    assert (got.path, got.headers["host"]) == ("/ok?a=b", f"hooks.example.com:{port}")
    assert "interact-signature" not in got.headers


def test_a_name_that_is_not_known_may_be_known_later(web, message):
    sender = WebhookSender(url="http://nobody.invalid/", secret=None, web=web)
    assert isinstance(sender.send(message), Again)


def test_an_address_with_odd_characters_is_given_up(web, message, hooks):
    sender = WebhookSender(url=f"{hooks.url}/a b\tc", secret=None, web=web)
    assert isinstance(sender.send(message), GivenUp)


def test_tls_is_checked(web, message, tls_hooks, certificate, monkeypatch):
    sender = WebhookSender(url=f"{tls_hooks.url}/ok", secret=None, web=web)
    outcome = sender.send(message)
    assert isinstance(outcome, Again)
    assert "certificate" in outcome.why
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert sender.send(message) == Delivered()
    # The name counts, not the address that it was found at.
    elsewhere = replace(web, allowed=frozenset({"hooks.example.com"}), resolve=lambda *_: ["127.0.0.1"])
    port = tls_hooks.url.rpartition(":")[2]
    other = WebhookSender(url=f"https://hooks.example.com:{port}/ok", secret=None, web=elsewhere).send(message)
    assert isinstance(other, Again)
    assert "certificate" in other.why
    assert len(tls_hooks.received) == 1


def test_every_try_carries_the_same_id_and_a_signature_of_its_own(web, message, hooks, monkeypatch):
    sender = WebhookSender(url=f"{hooks.url}/broken", secret="s3cret", web=web)
    sender.send(message)
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.5)
    sender.send(message)
    first, second = hooks.received
    assert first.body == second.body
    assert first.headers["interact-delivery"] == second.headers["interact-delivery"] == "dlv_1"
    assert second.headers["interact-timestamp"] == "4000000000"
    assert first.headers["interact-signature"] != second.headers["interact-signature"]


def test_no_secret_is_shown(web):
    for kind in (*WEB_KINDS, "apprise"):
        sender = sender_for(kind, Means(web=web), url="https://c4nary.example.com", secret="c4nary", receivers=())
        assert "c4nary" not in repr(sender)
    with pytest.raises(ValueError, match="pager"):
        sender_for("pager", Means(web=web), url="https://x", secret=None, receivers=())


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # in apprise's own imports
def test_apprise_sends_where_the_operator_lets_it(hooks, message):
    url = hooks.url.replace("http://", "json://")
    assert AppriseSender(url=f"{url}/ok", allowed=False).send(message) == GivenUp(
        why="the server sends nothing through apprise", remedy="start it with --allow-apprise"
    )
    assert AppriseSender(url=f"{url}/ok", allowed=True).send(message) == Delivered()
    body = json.loads(hooks.received[0].body)
    assert body["title"] == "Weekly report: failed"
    assert "no rows" in body["message"]
    assert isinstance(AppriseSender(url=f"{url}/broken", allowed=True).send(message), Again)
    assert isinstance(AppriseSender(url="nosuch://x", allowed=True).send(message), GivenUp)
