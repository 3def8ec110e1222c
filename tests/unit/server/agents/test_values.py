"""Rows as JSON: everything an engine may give becomes JSON that reads back as itself."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.server.agents.connectors.values import json_value

KEYS = st.one_of(st.text(), st.integers(), st.dates(), st.booleans())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.text(st.characters()),
    st.binary(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(KEYS, inner), st.frozensets(SCALARS)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_json_that_reads_back_as_itself(value):
    converted = json_value(value)
    text = canonical_json(converted)
    assert json.loads(text) == converted
    text.encode("utf-8")
    assert canonical_json(json_value(value)) == text
    assert json_value(converted) == converted


@given(st.integers())
def test_whole_numbers_are_exact_in_a_browser(value):
    converted = json_value(value)
    assert int(str(converted)) == value
    if isinstance(converted, int):
        assert int(float(converted)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**127), str(-(2**127))),
        (math.nan, None),
        (-math.inf, None),
        (Decimal("12.00"), 12),
        (Decimal("12.50"), 12.5),
        (Decimal("1e3"), 1000),
        (Decimal("12345678901234567890.5"), "12345678901234567890.5"),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (date(2026, 11, 23), "2026-11-23"),
        (datetime(2026, 11, 23, 8, tzinfo=UTC), "2026-11-23T08:00:00+00:00"),
        (time(8, 30), "08:30:00"),
        (timedelta(days=1), "PT86400S"),
        (timedelta(milliseconds=-1500), "PT-1.5S"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"a"), "61"),
        ({1: (Decimal("1.0"), {b"a"})}, {"1": [1, ["61"]]}),
        ({True: 1, None: 2}, {"true": 1, "null": 2}),
        (frozenset({"b", "a"}), ["a", "b"]),
        ("\ud800", "?"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_examples(value, expected):
    converted = json_value(value)
    assert converted == expected
    assert type(converted) is type(expected)
