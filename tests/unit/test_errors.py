"""The error tree: messages with remedies, positions that sort, exit codes, near names."""

import pytest

from interact_gitops import errors
from interact_gitops.errors import ExitCode, Failure, ParametersInvalid, Position, Problem, ProblemsFound, did_you_mean


def test_positions_sort_and_read_as_editors_write_them():
    places = [Position("b"), Position("a", 10, 1), Position("a", 2, 7), Position("a", 2, 1)]
    assert [str(place) for place in sorted(places)] == ["a:2:1", "a:2:7", "a:10:1", "b:1:1"]


def test_a_failure_says_the_fact_and_the_remedy():
    assert str(Failure("no")) == "no"
    assert str(Failure("no", remedy="do this")) == "no\n  do this"
    assert Failure("no").exit_code is ExitCode.FAILED


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("RunFailed", 4),
        ("RunSkipped", 5),
        ("Refused", 1),
        ("GuardHeld", 1),
        ("SelectionInvalid", 1),
        ("DefinitionsInvalid", 1),
    ],
)
def test_exit_codes(name, code):
    assert getattr(errors, name).exit_code == code


def test_problems_are_sorted_and_errors_counted():
    first = Problem(position=Position("a"), message="m", code="c")
    warning = Problem(position=Position("b"), message="m", code="c", severity="warning", remedy="r")
    second = Problem(position=Position("c"), message="m", code="c")
    found = ProblemsFound([second, warning, first], what="jobs.d")
    assert found.problems == (first, warning, second)
    assert found.message == "2 problems in jobs.d"
    assert ProblemsFound([first, warning], what="x").message == "1 problem in x"
    assert str(warning) == "b:1:1: warning: m [c]\n  r"


def test_failures_keep_what_is_needed_to_point_at_them():
    schedule = errors.ScheduleInvalid("m", code="c", offset=3, remedy="r")
    assert (schedule.code, schedule.offset, schedule.remedy) == ("c", 3, "r")
    template = errors.TemplateInvalid("m", line=2, column=5)
    assert (template.code, template.line, template.column) == ("template", 2, 5)
    parameters = ParametersInvalid([("a", "is bad"), ("b", "is worse")], job="x")
    assert parameters.message == "parameters of x: a: is bad; b: is worse"


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("shedule", ["schedule", "name"], "did you mean 'schedule'?"),
        ("NL", ["nl", "de"], "did you mean 'nl'?"),
        ("zzz", ["schedule"], None),
        ("x", [], None),
    ],
)
def test_near_names(word, known, said):
    assert did_you_mean(word, known) == said
