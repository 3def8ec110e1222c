"""The client's lock: taken, renewed in the background, lost, released; against the embedded server and through a
front that spoils requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from interact_gitops.interact import locks
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import Forbidden, Locked, ServerFault, UnexpectedAnswer
from interact_gitops.server.serving import EmbeddedServer

from .scripted import CARRIED_OUT, Reply, Request, Scripted, Trouble, forward, problem


@pytest.fixture
def pass_by(embedded: EmbeddedServer) -> Iterator[Callable[[float], None]]:
    """Lets time pass for the server."""
    true, passed = embedded.instance.clock, timedelta()

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    embedded.instance.clock = lambda: true() + passed
    yield wait
    embedded.instance.clock = true


@pytest.fixture
def front(embedded: EmbeddedServer) -> Iterator[Scripted]:
    with Scripted(forward(embedded.url), slow_seconds=0.4) as server:
        yield server


@pytest.fixture
def fronted(embedded: EmbeddedServer, front: Scripted, request: pytest.FixtureRequest) -> Iterator[Client]:
    organization, key = embedded.create_organization(request.node.name)
    with Client(front.url, key, organization, timeout_seconds=0.3, sleep=lambda _seconds: None) as client:
        yield client


def eventually(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_at_a_time(home: Client) -> None:
    with home.locks.held(managed_by="acme/jobs", holder="ada") as lease:
        assert lease is not None
        assert lease.held()
        with pytest.raises(Locked, match="ada is applying what acme/jobs manages") as caught:
            home.locks.take(managed_by="acme/jobs", holder="bob")
        assert caught.value.holder == "ada"
        assert (caught.value.since or "") < (caught.value.until or "")
        assert caught.value.retry_after == 2
        with home.locks.held(managed_by="acme/others", holder="bob") as other:
            assert other is not None
    with home.locks.held(managed_by="acme/jobs", holder="bob") as lease:
        assert lease is not None


def test_it_is_released_after_a_failure(home: Client) -> None:
    with pytest.raises(ZeroDivisionError), home.locks.held(managed_by="m", holder="ada"):
        raise ZeroDivisionError
    home.locks.take(managed_by="m", holder="bob").release()  # type: ignore[union-attr]


def test_it_is_renewed_while_it_is_held(fronted: Client, front: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1)
    with fronted.locks.held(managed_by="m", holder="ada") as lease:
        assert lease is not None
        time.sleep(1.5)
        assert lease.held()
        with pytest.raises(Locked):
            fronted.locks.take(managed_by="m", holder="bob")
    renewals = [request for request in front.requests if request.path.endswith("/renew")]
    assert 3 <= len(renewals) <= 5
    assert front.requests[-1].method == "DELETE"


def test_it_is_lost_to_whoever_took_it(
    home: Client, pass_by: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE_SECONDS", 2)
    stalled = home.locks.take(managed_by="m", holder="ada")
    assert stalled is not None
    pass_by(5)
    with home.locks.held(managed_by="m", holder="bob") as other:
        assert other is not None
        eventually(lambda: not stalled.held())
        assert other.held()
        stalled.release()  # of nothing: the other's lock stays
        assert other.held()
        with pytest.raises(Locked, match="bob is applying"):
            home.locks.take(managed_by="m", holder="cy")


def test_after_a_stall_the_target_is_asked_before_anything_else(
    home: Client, pass_by: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that slept past its lease must not start a write before it knows."""
    true, slept = locks._clock, 0.0
    monkeypatch.setattr(locks, "_clock", lambda: true() + slept)
    alone = home.locks.take(managed_by="alone", holder="ada")
    taken = home.locks.take(managed_by="taken", holder="ada")
    assert alone is not None
    assert taken is not None
    slept = 3600
    pass_by(3600)
    other = home.locks.take(managed_by="taken", holder="bob")
    assert alone.held()  # nobody wanted it: it can be renewed
    assert not taken.held()
    for lease in (alone, taken, other):
        assert lease is not None
        lease.release()


def test_a_target_that_is_away_for_long_is_a_lost_lock_until_it_is_back(
    fronted: Client, front: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1)
    lease = fronted.locks.take(managed_by="m", holder="ada")
    assert lease is not None
    front.trouble = lambda _request, _number: "503"
    assert lease.held()
    eventually(lambda: not lease.held())
    front.trouble = lambda _request, _number: None
    assert lease.held()
    lease.release()


def test_a_release_that_fails_is_no_failure(fronted: Client, front: Scripted) -> None:
    lease = fronted.locks.take(managed_by="m", holder="ada")
    assert lease is not None
    front.trouble = lambda _request, _number: "500 before"
    lease.release()
    assert [trouble for _, trouble in front.troubles] == ["500 before"]  # asked once


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_a_lost_answer_is_no_lost_lock(fronted: Client, front: Scripted, trouble: Trouble) -> None:
    front.trouble = lambda _request, number: trouble if number == 1 else None
    lease = fronted.locks.take(managed_by="m", holder="ada")
    assert lease is not None
    assert lease.held()
    with pytest.raises(Locked):
        fronted.locks.take(managed_by="m", holder="bob")
    lease.release()
    fronted.locks.take(managed_by="m", holder="bob").release()  # type: ignore[union-attr]


@pytest.mark.parametrize("status", [404, 405])
def test_a_target_without_locks(scripted: Callable[..., tuple[Scripted, Client]], status: int) -> None:
    server, client = scripted(lambda _request: problem(status, "not_found"))
    with client.locks.held(managed_by="m", holder="ada") as lease:
        assert lease is None
    assert len(server.requests) == 1


def test_a_key_that_may_not_write(embedded: EmbeddedServer, request: pytest.FixtureRequest) -> None:
    organization, _ = embedded.create_organization(request.node.name)
    key = embedded.create_key(["agent_jobs_read"], organization_id=organization)
    with Client(embedded.url, key, organization) as client:
        with pytest.raises(Forbidden, match=r"take the lock: .*agent_jobs_write"):
            client.locks.take(managed_by="m", holder="ada")


@pytest.mark.parametrize("body", [{}, {"lock": 1}, {"lock": {}}, {"lock": {"id": ""}}, {"lock": {"id": 5}}])
def test_an_answer_that_names_no_lock(scripted: Callable[..., tuple[Scripted, Client]], body: object) -> None:
    _, client = scripted(lambda _request: Reply(status=201, body=body))
    with pytest.raises(UnexpectedAnswer, match="take the lock: the answer names no lock"):
        client.locks.take(managed_by="m", holder="ada")


def test_whoever_is_in_the_way_need_not_be_named(scripted: Callable[..., tuple[Scripted, Client]]) -> None:
    answers: Iterator[dict[str, object]] = iter([{}, {"holder": 5, "lockedAt": "", "expiresAt": ["x"]}])

    def answer(_request: Request) -> Reply:
        return problem(409, "locked", **next(answers))

    _, client = scripted(answer)
    for _ in range(2):
        with pytest.raises(Locked) as caught:
            client.locks.take(managed_by="m", holder="ada")
        assert (caught.value.holder, caught.value.since, caught.value.until) == (None, None, None)
        assert caught.value.retry_after is None


def test_a_target_that_cannot_lock_now(scripted: Callable[..., tuple[Scripted, Client]]) -> None:
    _, client = scripted(lambda _request: problem(503, "unavailable"))
    with pytest.raises(ServerFault, match="take the lock"):
        client.locks.take(managed_by="m", holder="ada")


def test_nobody_waits_long_for_a_target_that_does_not_answer(
    fronted: Client, front: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal that hangs is left behind, and ends without a word when its connections are closed under it."""
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1)
    monkeypatch.setattr(locks, "_LONGEST_JOIN_SECONDS", 0.1)
    lease = fronted.locks.take(managed_by="m", holder="ada")
    assert lease is not None
    front.trouble = lambda _request, _number: "slow"
    time.sleep(0.4)  # a renewal is under way
    began = time.monotonic()
    lease.release()
    assert time.monotonic() - began < 0.25
    fronted._transport.close()
    lease._thread.join(10)
    assert not lease._thread.is_alive()
