"""Scalars, durations, and the words in which values are shown."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.durations import format_duration, parse_duration
from interact_gitops.jobs.faults import json_word, named, shown
from interact_gitops.jobs.scalars import ScalarRefused, control_character, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("nUll", "nUll"), ("true", True), ("FALSE", False),
        ("on", "on"), ("NO", "NO"), ("y", "y"), ("12:30", "12:30"), ("2026-01-01", "2026-01-01"), ("0", 0), ("-7", -7),
        ("+7", 7), ("007", 7), ("0o17", 15), ("0x1F", 31), ("0b1", "0b1"), ("1_000", "1_000"), ("1.", 1.0), (".5", 0.5),
        ("1e3", 1000.0), ("-1.5E-2", -0.015), ("1.2.3", "1.2.3"), ("-", "-"), ("+", "+"), (".", "."), ("0o8", "0o8"),
        (".infinity", ".infinity"), ("9223372036854775807", 2**63 - 1), ("٣", "٣"),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_yaml_1_2_says(text, value):
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", ".nan", "1e999", "9223372036854775808", "-9223372036854775809", "0x" + "f" * 99]
)
def test_numbers_that_json_cannot_hold_are_refused(text):
    with pytest.raises(ScalarRefused):
        resolve(text)


@given(st.text())
def test_any_text_has_a_meaning_or_is_refused(text):
    with contextlib.suppress(ScalarRefused):
        assert resolve(text) is None or isinstance(resolve(text), str | int | float)


@given(st.integers(0, 10**9))
def test_durations_round_trip(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


def test_durations_as_written():
    assert parse_duration("1h30m") == 5_400
    assert parse_duration("1w2d3s") == 777_603
    assert format_duration(0) == "0s"
    assert format_duration(5_400) == "1h30m"


def test_control_characters():
    assert control_character("a\tb\nc") is None
    assert control_character("a\x1b[0m") == "\x1b"
    assert control_character("\x85") == "\x85"


@given(st.one_of(st.text(), st.integers(), st.lists(st.text(), max_size=30), st.dictionaries(st.text(), st.text())))
def test_a_value_is_shown_in_one_short_line(value):
    for text in (shown(value), named(value)):
        assert "\n" not in text
        assert "\x1b" not in text
        assert len(text) <= 80


def test_how_values_are_shown():
    assert shown("it's") == '"it\'s"'
    assert shown("x" * 100) == "'" + "x" * 57 + "…'"
    assert shown([True, None]) == "[true, null]"
    assert json_word(object()).startswith('"<object')
    assert [named(v) for v in (None, {}, [], False, 1, "a")] == [
        "empty", "a map", "a list", "false", "the number 1", "the text 'a'",
    ]  # fmt: skip
