"""Values of parameters: defaults filled in, values judged, text read by type."""

import time

import pytest

from interact_gitops.errors import ParametersInvalid
from interact_gitops.jobs.parameters import MAX_TEXT, complete, parse_value, pattern_readable, value_fault


def test_defaults_are_filled_in_and_the_order_is_the_jobs(small_job):
    job = small_job(parameters={"b": {"type": "string"}, "a": {"type": "integer", "default": 7}})
    assert list(complete(job, {"b": "x"}).items()) == [("b", "x"), ("a", 7)]


def test_every_fault_is_told(small_job):
    job = small_job(parameters={"days": {"type": "integer"}, "country": {"type": "string", "enum": ["NL"]}})
    with pytest.raises(ParametersInvalid) as caught:
        complete(job, {"country": "BE", "dayz": 1})
    assert caught.value.faults == (
        ("dayz", "the job has no such parameter; did you mean 'days'?"),
        ("days", "a value is required: the parameter has no default"),
        ("country", "'BE' is not allowed here (write one of: NL)"),
    )
    with pytest.raises(ParametersInvalid, match="its parameters: none"):
        complete(small_job(), {"x": 1})


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "integer"}, 7, None),
        ({"type": "integer"}, True, "this must be a whole number, not true"),
        ({"type": "integer"}, None, "this must be a whole number, not empty"),
        ({"type": "string", "pattern": r"^\d+$"}, "12\n", r"'12\n' does not match the pattern ^\d+$"),
        ({"type": "string", "minLength": 2}, "", "this text is empty"),
        ({"type": "string", "minLength": 2}, "a", "this text has 1 character, at least 2 are needed"),
        ({"type": "string"}, "x" * (MAX_TEXT + 1), "the text has 10,001 characters, the limit is 10,000"),
        ({"type": "string", "format": "date"}, "2026-02-28", None),
        ({"type": "string", "format": "date"}, "20260228", "'20260228' is not a date written as YYYY-MM-DD"),
        ({"type": "string", "format": "email"}, "not one", None),
        ({"type": "number", "exclusiveMinimum": 0}, 0, "0 is not above 0"),
        ({"type": "number", "multipleOf": 0.5}, 0.3, "0.3 is not a multiple of 0.5"),
        ({"type": "string"}, "\ud800", "this value cannot be checked"),
        ({"type": "integer", "default": 1, "examples": [1]}, {1: 2}, "this value cannot be checked"),
        ({"type": "string", "pattern": "("}, "x", "this value cannot be checked"),
    ],
)
def test_a_value_fits_or_is_told_why_not(schema, value, fault):
    said = value_fault(schema, value)
    assert said == fault or (fault and said and said.startswith(fault + ":"))


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(.*)(.*)(.*)(.*)x", "a{1,900}b"])
def test_a_hostile_pattern_costs_no_time(pattern):
    started = time.process_time()
    assert value_fault({"type": "string", "pattern": pattern}, "a" * 9_999 + "!")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("pattern", "readable"),
    [
        ("^a+$", True),
        (r"\d\p{L}", True),
        ("(", False),
        ("(?!x)", False),
        (r"(a)\1", False),
        ("((a{99}){99}){99}", False),
    ],
)
def test_patterns_are_of_the_kind_that_runs_in_linear_time(pattern, readable):
    assert pattern_readable(pattern) is readable


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "TRUE", True), ("boolean", "no", "no"), ("integer", "7", 7), ("integer", "7.5", 7.5),
        ("integer", "true", "true"), ("integer", "", ""), ("number", "1e999", "1e999"), ("number", "2.5", 2.5),
        ("string", "7", "7"), (None, "7", "7"),
    ],
)  # fmt: skip
def test_text_is_read_by_the_parameters_type(kind, text, value):
    assert parse_value({"type": kind} if kind else {}, text) == value
    assert type(parse_value({"type": kind} if kind else {}, text)) is type(value)
