"""JSON that is read in one way alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.strict_json import read_strictly

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(TREES, st.booleans())
def test_what_json_writes_is_read_back(value: Any, ascii_only: bool) -> None:
    assert read_strictly(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands in it twice"),
        ("[NaN]", "NaN is no number"),
        ("1e400", "1e400 is too large"),
        ("-1e400", "-1e400 is too large"),
        ("[" * 200_000, "nested too deep"),
        (r'"\ud83e"', "half of a character"),
    ],
)
def test_anything_else_is_said(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_strictly(text)
