"""Run keys: the same from every runner, different for every run."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Refused
from interact_gitops.ledger import keys

MOMENT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def test_an_occurrence_is_named_in_utc():
    assert keys.scheduled_key("weekly", MOMENT) == "weekly@2026-11-23T07:00Z"
    assert keys.scheduled_key("weekly", MOMENT.astimezone(timezone(timedelta(hours=2)))) == "weekly@2026-11-23T07:00Z"


def test_seconds_are_written_where_a_zones_history_has_them():
    assert keys.scheduled_key("old", MOMENT + timedelta(seconds=28)) == "old@2026-11-23T07:00:28Z"


def test_a_manual_run_is_named_by_its_caller_or_anew():
    assert keys.manual_key("weekly", "deploy-17") == "weekly!deploy-17"
    first, second = keys.manual_key("weekly"), keys.manual_key("weekly")
    assert first != second
    assert uuid.UUID(first.removeprefix("weekly!")).version == 7


@pytest.mark.parametrize("token", ["", "two words", "a#b", "a~2", "ä", "line\n", "x" * 161, "\x00"])
def test_tokens_that_no_header_or_key_can_carry(token):
    with pytest.raises(Refused, match="cannot be an idempotency key"):
        keys.manual_key("weekly", token)


def test_a_part_is_named_by_its_values_not_by_their_order():
    one = keys.part_key("w@t", {"a": 1, "b": "x"})
    assert one == keys.part_key("w@t", {"b": "x", "a": 1})
    assert one.startswith("w@t#")
    assert len(one) == len("w@t#") + 12
    assert one != keys.part_key("w@t", {"a": 1.0, "b": "x"})
    assert keys.part_key("w@t", {"a": True}) != keys.part_key("w@t", {"a": 1})


def test_an_attempt_has_its_own_idempotency_key():
    assert keys.idempotency_key("w@t", 2) == "w@t~2"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://interact.example/", "https://interact.example"),
        ("HTTPS://Interact.Example:443", "https://interact.example"),
        ("http://[::1]:8080/base/", "http://[::1]:8080/base"),
    ],
)
def test_spellings_of_one_target(url, same):
    assert keys.target_name(url, "acme") == f"{same} acme"


def test_other_targets():
    names = {
        keys.target_name(url, organization)
        for url in ("https://a.example", "http://a.example", "https://a.example:8443", "https://a.example/x")
        for organization in ("acme", "other")
    }
    assert len(names) == 8


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_has_its_bits_and_its_order(milliseconds, noise):
    made = keys.uuid7(milliseconds, noise)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == milliseconds
    assert keys.uuid7(milliseconds, noise) == made
