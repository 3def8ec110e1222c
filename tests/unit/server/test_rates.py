"""Token buckets, and whom a wrong key holds up."""

from __future__ import annotations

import time

import pytest

from interact_gitops.server.api import rates as module
from interact_gitops.server.api.rates import Rates, WrongKeys
from interact_gitops.server.failures import RateLimited
from interact_gitops.server.identity import key_digest, new_api_key
from interact_gitops.server.options import RateLimit


def test_a_caller_may_burst_and_then_waits():
    rates = Rates(RateLimit(per_second=0.5, burst=3), "too many")
    for _ in range(3):
        rates.demand("one")
    with pytest.raises(RateLimited, match="too many") as caught:
        rates.demand("one")
    assert caught.value.headers == {"Retry-After": "2"}
    rates.demand("another")


def test_calls_come_back_with_time():
    rates = Rates(RateLimit(per_second=50, burst=1), "too many")
    rates.demand("one")
    time.sleep(0.03)
    rates.demand("one")
    with pytest.raises(RateLimited):
        rates.demand("one")


def test_a_token_that_is_given_back_is_there_again_and_no_more_than_that():
    rates = Rates(RateLimit(per_second=0.001, burst=2), "too many")
    for _ in range(10):
        rates.demand("one")
        rates.give_back("one")
        rates.give_back("one")
    rates.demand("one")
    rates.demand("one")
    with pytest.raises(RateLimited):
        rates.demand("one")


def test_very_many_callers_fill_no_memory(monkeypatch):
    monkeypatch.setattr(module, "_MOST_BUCKETS", 100)
    rates = Rates(RateLimit(per_second=0.001, burst=1), "too many")
    for number in range(1_000):
        rates.demand(str(number))
    assert len(rates._buckets) <= 100
    with pytest.raises(RateLimited):
        rates.demand("999")


def _guess(keys: WrongKeys, address: str, times: int) -> int:
    """Tries as many wrong keys; how many were looked at."""
    looked = 0
    for _ in range(times):
        try:
            keys.demand(address, key_digest(new_api_key()))
        except RateLimited:
            continue
        looked += 1
    return looked


def test_guesses_from_one_address_are_few_and_others_are_not_held_up():
    keys = WrongKeys(RateLimit(per_second=0.001, burst=5))
    assert _guess(keys, "192.0.2.1", 1_000) == 5
    assert _guess(keys, "192.0.2.2", 1_000) == 5


def test_a_key_that_has_worked_is_not_held_up_by_guesses_behind_its_address():
    keys = WrongKeys(RateLimit(per_second=0.001, burst=5))
    own, later = key_digest(new_api_key()), key_digest(new_api_key())
    keys.demand("192.0.2.1", own)
    keys.works("192.0.2.1", own)
    assert _guess(keys, "192.0.2.1", 100) == 5, "a key that works has given its token back"
    for _ in range(100):
        keys.demand("192.0.2.1", own)
    with pytest.raises(RateLimited, match="too many wrong API keys"):
        keys.demand("192.0.2.1", later)  # not looked at: the answer would tell whether it was guessed
    with pytest.raises(RateLimited):
        _demand_from_elsewhere(keys, own)


def _demand_from_elsewhere(keys: WrongKeys, digest: bytes) -> None:
    """A key that works at one address is a guess at another, until it is right there."""
    _guess(keys, "198.51.100.7", 100)
    keys.demand("198.51.100.7", digest)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("a socket", "another", False),
    ],
)
def test_whom_addresses_belong_to(one, other, same):
    keys = WrongKeys(RateLimit(per_second=0.001, burst=1))
    assert _guess(keys, one, 1) == 1
    assert _guess(keys, other, 1) == (0 if same else 1)
