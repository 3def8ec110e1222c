"""Guessing keys: how often, what a guess learns, and whom guessing holds up."""

from __future__ import annotations

import ast
import inspect
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from interact_gitops.server.api import access
from interact_gitops.server.identity import PREFIX_LENGTH, new_api_key
from interact_gitops.server.options import RateLimit
from interact_gitops.server.serving import EmbeddedServer

PATH = "/api/agents"


@pytest.fixture
def counting(tmp_path) -> Iterator[EmbeddedServer]:
    """A server that lets ten keys be tried, and one more each second."""
    limit = RateLimit(per_second=1, burst=10)
    with EmbeddedServer(tmp_path / "data", port=0, wrong_keys=limit, scheduler=False) as server:
        yield server


def ask(server: EmbeddedServer, key: str, *, organization: str | None = None, **more) -> httpx.Response:
    headers = {"X-API-Key": key, "X-Organization-Id": organization or server.organization_id}
    return httpx.get(server.url + PATH, headers=headers, **more)


def test_guesses_are_counted_and_who_has_a_key_is_not_held_up(counting, home):
    assert ask(counting, counting.api_key).status_code == 200
    said = [ask(counting, new_api_key()) for _ in range(40)]
    statuses = Counter(answer.status_code for answer in said)
    assert set(statuses) == {401, 429}
    assert 10 <= statuses[401] <= 16, "ten, and one more for each second that this took"
    last = next(answer for answer in reversed(said) if answer.status_code == 429)
    assert (last.json()["code"], last.headers["Retry-After"]) == ("rate_limited", "1")
    assert home.description.component("Problem", last.json()) == []
    # The owner, behind the same address, meanwhile.
    for _ in range(30):
        assert ask(counting, counting.api_key).status_code == 200
    # Other addresses have their own count: all of 127/8 is ours.
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=counting.url, transport=transport) as elsewhere:
        headers = {"X-API-Key": new_api_key(), "X-Organization-Id": counting.organization_id}
        assert elsewhere.get(PATH, headers=headers).status_code == 401


def test_a_right_guess_is_not_told_apart_while_guesses_are_held_up(counting):
    """Or the bound would bound nothing: a key that has not worked from here is not even looked at."""
    fresh = counting.create_key(name="never used")
    while ask(counting, new_api_key()).status_code == 401:
        pass
    wrong, right = ask(counting, new_api_key()), ask(counting, fresh)
    assert (wrong.status_code, right.status_code) == (429, 429)
    assert wrong.json() == right.json()
    deadline = time.monotonic() + 10
    while ask(counting, fresh).status_code != 200:  # its owner waits as long as Retry-After says
        assert time.monotonic() < deadline
        time.sleep(1)
    assert [ask(counting, fresh).status_code for _ in range(20)] == [200] * 20


def test_a_missing_key_is_no_guess_and_a_wrong_organisation_is_none_either(counting):
    for _ in range(30):
        assert httpx.get(counting.url + PATH).status_code == 401
        assert ask(counting, counting.api_key, organization="org_of_others").status_code == 403
    assert ask(counting, new_api_key()).status_code == 401


def test_guesses_from_many_connections_at_once_are_counted_together(counting):
    statuses: list[int] = []

    def guess() -> None:
        with httpx.Client(base_url=counting.url, headers={"X-Organization-Id": counting.organization_id}) as client:
            for _ in range(10):
                statuses.append(client.get(PATH, headers={"X-API-Key": new_api_key()}).status_code)

    threads = [threading.Thread(target=guess) for _ in range(16)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses)[401] <= 10 + time.monotonic() - began + 1


def test_the_addresses_that_proxies_name_count_for_nothing(counting):
    """Or whoever guesses would be somebody else each time."""
    statuses = Counter(
        httpx.get(counting.url + PATH, headers={"X-API-Key": new_api_key(), name: f"192.0.2.{number}"}).status_code
        for number in range(20)
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded")
    )
    assert statuses[429] > 30


def test_forbidden_calls_count_against_the_keys_own_rate(tmp_path):
    limit = RateLimit(per_second=0.01, burst=5)
    with EmbeddedServer(tmp_path / "data", port=0, rate_limit=limit, scheduler=False) as server:
        reader = server.create_key(("agent_jobs_trigger",))
        assert [ask(server, reader).status_code for _ in range(7)] == [403] * 5 + [429] * 2
        assert [ask(server, server.api_key, organization="x").status_code for _ in range(7)] == [403] * 5 + [429] * 2


def test_secrets_are_compared_in_constant_time():
    """By the source: whatever compares with a key's digest or an organisation's id does it with compare_digest."""
    tree = ast.parse(inspect.getsource(access))
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert not [text for text in compared if "digest" in text or "organisation_id" in text], compared
    assert inspect.getsource(access).count("hmac.compare_digest(") == 2


def test_a_wrong_key_takes_as_long_however_much_of_it_is_right(server, home):
    """The stored part that finds its row is not secret; what is after it is compared by its hash."""
    right = home.key
    guesses = {
        "nothing": new_api_key(),
        "the prefix": right[:PREFIX_LENGTH] + new_api_key()[PREFIX_LENGTH:],
        "all but one": right[:-1] + ("a" if right[-1] != "a" else "b"),
    }
    times: dict[str, list[float]] = {name: [] for name in guesses}
    with httpx.Client(base_url=server.url, headers={"X-Organization-Id": home.organization}) as client:
        for _ in range(100):
            for name, key in guesses.items():
                began = time.perf_counter()
                assert client.get(PATH, headers={"X-API-Key": key}).status_code == 401
                times[name].append(time.perf_counter() - began)
    medians = [statistics.median(one) for one in times.values()]
    assert max(medians) - min(medians) < 0.002
