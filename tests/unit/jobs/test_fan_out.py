"""Expansion: the product in order, less what is excluded, then what is included."""

import math

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.fan_out import count_before_exclude, expand, idle_excludes, matches
from interact_gitops.jobs.model import FanOut

VALUES = st.sampled_from([1, 2, 1.0, True, False, 0, "1", "a", ""])
NAMES = st.sampled_from("abc")
COMBINATIONS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1), max_size=4).map(tuple)
MATRIX = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3)


def test_the_first_parameter_is_the_slowest():
    assert expand(FanOut(matrix={"b": (1, 2), "a": ("x", "y")})) == (
        {"b": 1, "a": "x"}, {"b": 1, "a": "y"}, {"b": 2, "a": "x"}, {"b": 2, "a": "y"},
    )  # fmt: skip


def test_an_exclude_leaves_out_what_it_matches_and_true_is_not_one():
    fan_out = FanOut(matrix={"a": (1, True, 2)}, exclude=({"a": True},), include=({"a": True},))
    assert [str(c["a"]) for c in expand(fan_out)] == ["1", "2", "True"]
    assert not matches({"a": 1}, {"a": True})
    assert matches({"a": 1, "b": 2}, {"a": 1.0})
    assert not matches({"a": 1}, {"b": 1})


@given(MATRIX, COMBINATIONS, COMBINATIONS)
def test_laws_of_a_matrix(matrix, exclude, include):
    whole = FanOut(matrix=matrix, exclude=exclude, include=include)
    product = expand(FanOut(matrix=matrix))
    assert len(product) == math.prod(map(len, matrix.values()))
    assert count_before_exclude(whole) == len(product) + len(include)
    kept = [c for c in product if not any(matches(c, pattern) for pattern in exclude)]
    assert [*map(repr, expand(whole))] == [*map(repr, [*kept, *include])]
    idle = [i for i, pattern in enumerate(exclude) if not any(matches(c, pattern) for c in product)]
    assert idle_excludes(whole) == idle


@given(COMBINATIONS, COMBINATIONS, COMBINATIONS)
def test_laws_of_a_list(combinations, exclude, include):
    whole = FanOut(combinations=combinations, exclude=exclude, include=include)
    kept = [c for c in combinations if not any(matches(c, pattern) for pattern in exclude)]
    assert [*map(repr, expand(whole))] == [*map(repr, [*kept, *include])]
    assert count_before_exclude(whole) == len(combinations) + len(include)
    idle = [i for i, pattern in enumerate(exclude) if not any(matches(c, pattern) for c in combinations)]
    assert idle_excludes(whole) == idle
