"""Query parameters, cursors and times."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.server.api.queries import read_query
from interact_gitops.server.clock import from_text, seconds_between, to_text
from interact_gitops.server.failures import Invalid
from interact_gitops.server.store.paging import cut, read_cursor, write_cursor

KNOWN = ("limit", "cursor", "createdAfter", "status")


def query(**values):
    return read_query(list(values.items()), KNOWN)


@pytest.mark.parametrize("value", ["", "0", "501", "-1", "1.0", "+1", " 1", "١", "1" * 400, "ten"])
def test_a_limit_is_a_number_from_1_to_500(value):
    with pytest.raises(Invalid) as caught:
        query(limit=value).limit()
    assert caught.value.faults[0].parameter == "limit"


def test_limits():
    assert query().limit() is None
    assert (query(limit="1").limit(), query(limit="500").limit(), query(limit="007").limit()) == (1, 500, 7)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("limt", "1")], "unknown query parameter 'limt'"),
        ([("limit", "1"), ("limit", "1")], "given twice"),
        ([("status", "x" * 501)], "more than 500"),
    ],
)
def test_what_is_not_known_is_refused(pairs, said):
    with pytest.raises(Invalid, match=said):
        read_query(pairs, KNOWN)


def test_a_typing_error_is_explained():
    with pytest.raises(Invalid) as caught:
        read_query([("limt", "1")], KNOWN)
    assert caught.value.remedy == "did you mean 'limit'?"


def test_a_choice():
    assert query(status="queued").choice("status", ("queued",)) == "queued"
    assert query().choice("status", ("queued",)) is None
    with pytest.raises(Invalid, match="is not one of queued, running"):
        query(status="QUEUED").choice("status", ("queued", "running"))


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2026-11-23", "2026-11-23T07:00:00", "1969-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
              "0001-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z"],
)  # fmt: skip
def test_a_time_has_an_offset_and_is_near(value):
    with pytest.raises(Invalid):
        query(createdAfter=value).later_than("createdAfter")


def test_times_are_compared_in_whole_milliseconds_and_nothing_later_is_lost():
    def bound(text):
        return query(createdAfter=text).later_than("createdAfter")

    assert bound("2026-11-23T08:00:00.123+01:00") == "2026-11-23T07:00:00.123Z"
    assert bound("2026-11-23T08:00:00.123 01:00") == "2026-11-23T07:00:00.123Z"
    # A chat made at .1238 is stored as .123: it is later than .1234 and must be found.
    assert bound("2026-11-23T07:00:00.1234Z") < to_text(from_text("2026-11-23T07:00:00.1238Z"))
    assert query().later_than("createdAfter") is None


@given(st.datetimes(min_value=datetime(1971, 1, 2), max_value=datetime(2990, 1, 1), timezones=st.just(UTC)))
def test_stored_times_sort_as_times(instant):
    assert from_text(to_text(instant)) <= instant
    assert len(to_text(instant)) == 24


def test_durations_are_never_negative():
    assert seconds_between("2026-11-23T07:00:00.000Z", "2026-11-23T07:00:01.500Z") == 1.5
    assert seconds_between("2026-11-23T07:00:01.000Z", "2026-11-23T07:00:00.000Z") == 0


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_is_read_back(seq):
    assert read_cursor("jobs", write_cursor("jobs", seq)) == seq


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_is_refused(text):
    with contextlib.suppress(ValueError):
        assert read_cursor("jobs", text) >= 0


def test_a_cursor_belongs_to_its_list():
    for wrong in (write_cursor("chats", 1), write_cursor("jobs", -1), write_cursor("jobs", 10**30), "", "é"):
        with pytest.raises(ValueError):
            read_cursor("jobs", wrong)


def test_a_page_has_a_cursor_only_when_more_follows():
    assert cut([1, 2], 2, kind="n", seq=int).next_cursor is None
    page = cut([1, 2, 3], 2, kind="n", seq=int)
    assert list(page.items) == [1, 2]
    assert page.next_cursor is not None
    assert read_cursor("n", page.next_cursor) == 2
