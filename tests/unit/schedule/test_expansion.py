"""Expressions that are accepted, and what they expand to, against an expander that shares no code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.schedule import parse

RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
NAMES = {
    3: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    4: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}


@st.composite
def items(draw, index):
    """(text, values) of one list item; the values by counting, not by parsing."""
    low, high = RANGES[index]

    def spell(value):
        names = NAMES.get(index)
        if names and draw(st.booleans()) and value - low < len(names):
            return draw(st.sampled_from([str.upper, str.lower, str.title]))(names[value - low])
        return draw(st.sampled_from(["{}", "{:02}"])).format(value)

    step = draw(st.integers(1, high + 3))
    shape = draw(st.sampled_from(["*", "*/n", "a", "a-b", "a-b/n"]))
    a = draw(st.integers(low, high))
    b = draw(st.integers(a, high))
    everything = [v for v in range(low, high + 1) if v != 7 or index != 4]
    if shape == "*":
        return "*", set(everything)
    if shape == "*/n":
        return f"*/{step}", {v for v in everything if (v - low) % step == 0}
    if shape == "a":
        return spell(a), {a}
    if shape == "a-b":
        return f"{spell(a)}-{spell(b)}", set(range(a, b + 1))
    return f"{spell(a)}-{spell(b)}/{step}", {v for v in range(a, b + 1) if (v - a) % step == 0}


@st.composite
def fields(draw, index):
    parts = draw(st.lists(items(index), min_size=1, max_size=4))
    values = set().union(*(part[1] for part in parts))
    if index == 4:
        values = {v % 7 for v in values}
    return ",".join(part[0] for part in parts), values


@given(st.data(), st.integers(0, 4))
def test_each_field_expands_to_the_values_it_says(data, index):
    text, values = data.draw(fields(index))
    columns = ["*"] * 5
    columns[index] = text
    parsed = parse(" ".join(columns))
    field = (parsed.minute, parsed.hour, parsed.day, parsed.month, parsed.weekday)[index]
    assert {v for v in range(64) if field.mask >> v & 1} == values
    assert field.starred == text.startswith("*")
    assert field.whole == (len(values) == [60, 24, 31, 12, 7][index])


@pytest.mark.parametrize("text", ["6-6", "6-6/10", "6"])
def test_a_range_of_one_value_is_that_value(text):
    """croniter 7 alone takes 6-6 for the whole field."""
    assert parse(f"{text} * * * *").minute.mask == 1 << 6


def test_seven_is_sunday():
    assert parse("0 0 * * 7").weekday.mask == parse("0 0 * * SUN").weekday.mask == 1
    assert parse("0 0 * * 5-7").weekday.mask == 0b1100001


def test_blanks_around_and_between_do_not_matter():
    assert parse(" \t0  8\t* * 1 ").times == parse("0 8 * * 1").times
    assert parse("  @daily \t 8:05 ").times == (8 * 3600 + 5 * 60,)


def test_a_job_is_fixed_when_neither_minute_nor_hour_begins_with_a_star():
    assert parse("0 8 * * *").fixed
    assert parse("0-59 0-23 * * *").fixed
    assert not parse("*/5 8 * * *").fixed
    assert not parse("0 *,3 * * *").fixed
    assert parse("5,*/5 8 * * *").fixed
    assert parse("@first-weekday").fixed
    assert not parse("@hourly").fixed


def test_day_fields_match_either_unless_one_begins_with_a_star():
    assert parse("0 0 13 * 5").either
    assert not parse("0 0 */2 * 5").either
    assert not parse("0 0 13 * *").either


@pytest.mark.parametrize("text", ["0 0 31 2 1", "0 0 29 2 *", "0 0 29 2 */5", "0 0 31 4,5 *", "0 0 30-31 2,4 *"])
def test_rare_is_not_never(text):
    parse(text)


def test_parsing_is_remembered_and_a_value():
    assert parse("0 8 * * 1") is parse("0 8 * * 1")
    assert parse("0 8 * * 1") == parse("0 8 * * 1")
    assert parse("0 8 * * 1") != parse("0 8 * * 2")
    assert hash(parse("@weekdays")) == hash(parse("@weekdays"))
