"""Reading bodies: what is refused before any schema is asked."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.server.api.bodies import DEEPEST, parse, read_body
from interact_gitops.server.failures import Invalid, Malformed, UnsupportedMediaType

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe", "not UTF-8: byte 0"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b"[9223372036854775808]", "more than 64 bits"),
        (b"[-9223372036854775808]", "more than 64 bits"),
        (b"[" + b"9" * 5000 + b"]", "more than 64 bits"),
        (b"[1e999]", "too large"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nests deeper"),
        (b"[" * 500_000, "nests deeper"),
        (b'{"a":' * 100_000, "nests deeper"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else value,
)
def test_what_not_everybody_reads_alike_is_refused(raw, said):
    with pytest.raises(Malformed, match=said):
        parse(raw)


def test_the_deepest_that_is_read():
    assert parse(b"[" * (DEEPEST - 1) + b"1" + b"]" * (DEEPEST - 1))
    assert parse(b"9223372036854775807") == 2**63 - 1


@given(JSON)
def test_json_is_read_as_it_was_written(value):
    try:
        raw = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert parse(raw) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_malformed(raw):
    with contextlib.suppress(Malformed):
        parse(raw)


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_a_body_says_that_it_is_json(content_type):
    with pytest.raises(UnsupportedMediaType):
        read_body(b"{}", content_type, "EmptyRequest")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_the_content_type_of_json(content_type):
    assert read_body(b"{}", content_type, "EmptyRequest") == {}


def test_no_body_needs_no_content_type_and_is_an_empty_object():
    assert read_body(b"", None, "EmptyRequest") == {}
    assert read_body(b" \n", None, "TriggerRequest") == {}


def test_every_fault_has_its_pointer():
    with pytest.raises(Invalid) as caught:
        read_body(b'{"parameters": {"a/b~c": null}, "maxParallel": 0, "x": 1}', "application/json", "TriggerRequest")
    found = {fault.pointer for fault in caught.value.faults}
    assert found == {"/parameters/a~1b~0c", "/maxParallel", "/x"}
