"""Email against a real mail server: what arrives, who does not get it, and how it is signed in to."""

from __future__ import annotations

import ssl
import threading
import time

import pytest

from interact_gitops.notify.messages.composing import compose
from interact_gitops.notify.relay import Relay
from interact_gitops.notify.sender import Again, Delivered, GivenUp
from interact_gitops.notify.senders.email import EmailSender, compose_mail

from .conftest import Post, event

HOSTILE = "Report\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script> \u202e"


def sender(port, *to, **changes):
    given = {"host": "127.0.0.1", "security": "none", "sender": "interact@example.com", "port": port}
    relay = Relay(**{**given, **changes})
    return EmailSender(receivers=to or ("ada@example.com",), relay=relay, stopping=threading.Event(), seconds=1.5)


@pytest.fixture
def server_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_mail_arrives_with_text_and_html(post_office, message):
    post = post_office()
    assert sender(post.port, "ada@example.com", "bob@example.com").send(message) == Delivered()
    (mail,) = post.mails
    assert post.receivers == [("ada@example.com", "bob@example.com")]
    assert mail["Subject"] == "Weekly report: failed"
    assert mail["From"] == "Interact <interact@example.com>"
    assert mail["To"] == "ada@example.com, bob@example.com"
    assert mail["Message-ID"] == "<dlv_1@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.isoformat() == "2026-11-23T07:00:05+00:00"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Run it again:  interact-gitops run weekly -p days=7" in plain
    assert "interact-gitops run weekly -p days=7" in html


def test_no_text_makes_a_header(message):
    told = compose(event(job_name=HOSTILE, agent=HOSTILE), delivery="dlv_1", topic="x", public_url=None)
    mail = compose_mail(told, "interact@example.com", ("ada@example.com",))
    assert set(mail.keys()) == {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
                                "Content-Type"}  # fmt: skip
    raw = mail.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "a@b, c@d", "nobody", "A <a@b>"])
def test_an_address_that_is_none_is_given_up(post_office, message, address):
    post = post_office()
    outcome = sender(post.port, "ada@example.com", address).send(message)
    assert isinstance(outcome, GivenUp)
    assert "not an email address" in outcome.why
    assert post.mails == []


def test_without_a_relay_nothing_is_sent(message):
    outcome = EmailSender(receivers=("a@b",), relay=None, stopping=threading.Event()).send(message)
    assert outcome == GivenUp(
        why="the server has no mail relay", remedy="start it with --smtp-url or INTERACT_SMTP_URL"
    )


def test_a_receiver_who_is_put_off_is_tried_again_alone(post_office, message):
    post = post_office(Post(refuse={"bob@example.com": "450 greylisted", "eve@example.com": "550 no such user"}))
    mailer = sender(post.port, "ada@example.com", "bob@example.com", "eve@example.com")
    outcome = mailer.send(message)
    assert isinstance(outcome, Again)
    assert outcome.why == "bob@example.com: 450 greylisted; eve@example.com: 550 no such user"
    assert outcome.reached == {"ada@example.com", "eve@example.com"}
    post.refuse = {}
    assert mailer.send(message, reached=outcome.reached) == Delivered()
    assert post.receivers == [("ada@example.com",), ("bob@example.com",)]
    assert [mail["To"] for mail in post.mails] == ["ada@example.com, bob@example.com, eve@example.com"] * 2


def test_a_receiver_who_does_not_exist_keeps_nobody_else_from_the_mail(post_office, message):
    post = post_office(Post(refuse={"eve@example.com": "550 no such user"}))
    assert sender(post.port, "ada@example.com", "eve@example.com").send(message) == Delivered(
        but="eve@example.com: 550 no such user"
    )
    assert sender(post.port, "eve@example.com").send(message) == GivenUp(why="eve@example.com: 550 no such user")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("554 5.7.1 spam", GivenUp(why="the mail relay answered 554 5.7.1 spam")),
        ("451 try later", Again(why="the mail relay answered 451 try later")),
    ],
)
def test_what_the_relay_says_to_the_mail(post_office, message, answer, outcome):
    assert sender(post_office(Post(data=answer)).port).send(message) == outcome


def test_signing_in_over_starttls(post_office, message, server_tls, certificate, monkeypatch):
    post = post_office(tls_context=server_tls, require_starttls=True, auth=True)
    good = {"security": "starttls", "user": "ada", "password": "c4nary"}
    untrusted = sender(post.port, **good).send(message)
    assert isinstance(untrusted, Again)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert sender(post.port, **good).send(message) == Delivered()
    refused = sender(post.port, **{**good, "password": "wrong-c4nary"}).send(message)
    assert isinstance(refused, GivenUp)
    assert "535" in refused.why
    assert "c4nary" not in refused.why
    plain = sender(post.port).send(message)
    assert isinstance(plain, GivenUp)
    assert len(post.mails) == 1


def test_tls_from_the_first_byte(post_office, message, server_tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post = post_office(ssl_context=server_tls)
    assert sender(post.port, security="tls").send(message) == Delivered()
    assert len(post.mails) == 1


def test_a_relay_without_starttls_is_not_used_in_the_clear(post_office, message):
    post = post_office()
    outcome = sender(post.port, security="starttls").send(message)
    assert isinstance(outcome, GivenUp)
    assert outcome.remedy == "see tls= and the user in --smtp-url"
    assert post.mails == []


def test_a_relay_that_is_not_there_or_not_known(message):
    assert isinstance(sender(1).send(message), Again)
    assert sender(25, host="nobody.invalid").send(message).why.startswith("the mail relay is not found")


def test_a_relay_that_says_nothing_is_not_waited_for(mute, message):
    started = time.monotonic()
    outcome = sender(mute).send(message)
    assert isinstance(outcome, Again)
    assert "1 s" in outcome.why or "2 s" in outcome.why or "in time" in outcome.why
    assert time.monotonic() - started < 3.0
