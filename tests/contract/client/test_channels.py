"""The client's channels against the embedded server, and against one that loses answers."""

from __future__ import annotations

from typing import Any

import pytest

from interact_gitops.interact import paging
from interact_gitops.interact.channels import read_channel
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import KeyTaken, NotFound, Stale, UnexpectedAnswer
from interact_gitops.interact.records import Misread
from interact_gitops.jobs.channels import channel_definition, channel_hash
from interact_gitops.server.serving import EmbeddedServer

from .scripted import Reply, Request, Scripted, Trouble, forward

CANARY = "https://hooks.example.com/canary-71c"


def body(home: Client, name: str = "slack", **changes: Any) -> dict[str, Any]:
    """What apply sends: the hash covers the secret, by the fingerprint that this server makes of it."""
    said = {"name": name, "type": "slack", "level": "info", "topics": ["anomaly"], "to": [], "managedBy": "m"}
    prints = {"urlFingerprint": home.channels.fingerprints([CANARY])[CANARY], "secretFingerprint": None}
    return {**said, "url": CANARY, "appliedHash": channel_hash(channel_definition({**said, **prints, **changes})),
            **changes}  # fmt: skip


def test_one_channel_from_end_to_end(home: Client) -> None:
    made = home.channels.create(body(home), idempotency_key="k")
    assert home.channels.create(body(home), idempotency_key="k") == made
    assert home.channels.list() == [made]
    assert made.definition["urlFingerprint"] == home.channels.fingerprints([CANARY, "x"])[CANARY]
    assert made.applied_hash == channel_hash(made.definition)
    assert CANARY not in repr(made)
    with pytest.raises(KeyTaken):
        home.channels.create(body(home), idempotency_key="another")
    louder = home.channels.replace(made.id, body(home, level="error"), etag=made.etag or "")
    assert louder.definition == {**made.definition, "level": "error"}
    with pytest.raises(Stale):
        home.channels.replace(made.id, body(home), etag=made.etag or "")
    home.channels.delete(made.id, etag=louder.etag or "")
    with pytest.raises(NotFound):
        home.channels.delete(made.id, etag=louder.etag or "")
    assert home.channels.list() == []


def test_pages(home: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from interact_gitops.interact import channels

    monkeypatch.setattr(channels, "PAGE", 2)
    assert paging.PAGE > 2
    for number in range(5):
        home.channels.create(body(home, f"c{number}"), idempotency_key=f"k{number}")
    assert [channel.name for channel in home.channels.list()] == [f"c{number}" for number in range(5)]


def test_no_secret_is_no_question(home: Client) -> None:
    assert home.channels.fingerprints([]) == {}


LOST: list[Trouble] = ["500 after", "html 502 after", "reset after", "closed after", "truncated", "garbled", "slow"]


@pytest.mark.parametrize("trouble", LOST)
def test_a_lost_answer_is_no_second_write(
    embedded: EmbeddedServer, home: Client, trouble: Trouble, request: pytest.FixtureRequest
) -> None:
    organization, key = embedded.create_organization(request.node.name + " lost")
    with Scripted(forward(embedded.url), slow_seconds=0.6) as front:
        spoilt: set[str] = set()

        def spoil(asked: Request, _number: int) -> Trouble | None:
            if asked.method == "GET" or asked.path.endswith("fingerprints") or asked.method in spoilt:
                return None
            spoilt.add(asked.method)
            return trouble

        front.trouble = spoil
        with Client(front.url, key, organization, timeout_seconds=0.5, sleep=lambda _seconds: None) as client:
            made = client.channels.create(body(client), idempotency_key="k")
            louder = client.channels.replace(made.id, body(client, level="error"), etag=made.etag or "")
            assert louder.definition["level"] == "error"
            assert [channel.etag for channel in client.channels.list()] == ['"2"']
            client.channels.delete(made.id, etag=louder.etag or "")
            assert client.channels.list() == []
    assert spoilt == {"POST", "PUT", "DELETE"}


def test_a_name_that_is_taken_while_the_answer_was_lost_is_found_by_its_content(scripted: Any) -> None:
    told = {"id": "chn_1", "name": "slack", "type": "slack", "level": "info", "topics": [], "to": [], "managedBy": "m",
            "urlFingerprint": "f", "secretFingerprint": None}  # fmt: skip
    mine = {"name": "slack", "managedBy": "m", "appliedHash": channel_hash(told)}
    answers = [Reply(status=500), Reply(status=409, body={"code": "key_taken", "detail": "taken"},
               kind="application/problem+json"), Reply(body={"channels": [told], "nextCursor": None})]  # fmt: skip

    def serve() -> Client:
        replies = iter(answers)
        client: Client = scripted(lambda _request: next(replies))[1]
        return client

    assert serve().channels.create(mine, idempotency_key="k").id == "chn_1"
    with pytest.raises(KeyTaken):
        serve().channels.create({**mine, "appliedHash": "0" * 64}, idempotency_key="k")


@pytest.mark.parametrize(
    "answer",
    [{"channel": []}, {"fingerprints": []}, {"fingerprints": [1]}, [], {"channels": [{}]}, {"channels": [{"id": "a"}]}],
)
def test_an_answer_of_another_form_is_said(scripted: Any, answer: Any) -> None:
    _, client = scripted(lambda _request: Reply(body=answer))
    for call in (
        lambda: client.channels.create({"name": "a"}, idempotency_key="k"),
        lambda: client.channels.fingerprints(["s"]),
        client.channels.list,
    ):
        with pytest.raises(UnexpectedAnswer):
            call()


@pytest.mark.parametrize("wrong", [{"type": 1}, {"topics": "a"}, {"to": [1]}, {"urlFingerprint": 1}, {"managedBy": []}])
def test_a_channel_of_another_form_is_misread(wrong: dict[str, Any]) -> None:
    right = {"id": "c", "name": "a", "type": "slack", "level": "info", "topics": [], "to": []}
    assert read_channel(right).managed_by is None
    with pytest.raises(Misread, match="the channel a in another form"):
        read_channel({**right, **wrong})
