"""Lengths that stand in the query, and those that do not."""

from __future__ import annotations

import pytest

from interact_gitops.server.agents.connectors.lengths import length_fault
from interact_gitops.server.agents.connectors.lexing import tokens


@pytest.mark.parametrize(
    "sql",
    [
        "select repeat('x', 100000)",
        "select lpad(id::varchar, 10, '0'), rpad(coalesce(name, 'a,b'), 20) from t",
        "select repeat(a || repeat('y', 3), 2) from t",
        "select printf('%05d of %.2f, 100%%', n, m), format('{:,} and {:>20}', n, m)",
        "select * from range(100000000), generate_series(date '2026-01-01', $run_date, interval 1 day)",
        "select range(n), range from t where range < 5e9",
        "select list_resize([1, 2], 3)",
        "select repeat, lpad from t",
    ],
)
def test_a_length_that_can_be_read(sql):
    assert length_fault(tokens(sql)) is None


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        ("select repeat('x', 100001)", "repeat"),
        ("select REPEAT ('x', 99999 + 99999)", "repeat"),
        ("select repeat('x', $n)", "repeat"),
        ("select repeat('x', n) from t", "repeat"),
        ("select repeat('x')", "repeat"),
        ("select 'x'.repeat(9)", "repeat"),
        ('select "lpad"(a, (5), a)', "lpad"),
        ("select rpad('x', 1_000)", "rpad"),
        ("select list_resize([1], 1e6)", "list_resize"),
        ("select upper(repeat(lower('x'), 9999999))", "repeat"),
        ("select printf('%100001d', n)", "printf"),
        ("select printf('%.*f', 9, n)", "printf"),
        ("select printf('%-*d', 9, n)", "printf"),
        ("select printf(f, n) from t", "printf"),
        ("select printf('%' || 'd', n)", "printf"),
        ("select printf('%9' 'd', n)", "printf"),
        ("select format('{:>{}}', n, 9)", "format"),
        ("select format('{:9999999}', n)", "format"),
        ("select range(100000001)", "range"),
        ("select range(1_000_000_000)", "range"),
        ("select range(1, 2e9::bigint)", "range"),
        ("select * from generate_series(1, 9999999999999999999999)", "generate_series"),
        ("select range(0x7fffffff)", "range"),
    ],
)
def test_a_length_that_cannot_be_read_or_is_too_great(sql, function):
    assert f"it uses {function} with" in str(length_fault(tokens(sql)))


def test_brackets_are_so_deep_at_most():
    """Reading them is not interrupted; those within a text are none."""
    assert length_fault(tokens(f"select {'(' * 200}1{')' * 200}, '{'(' * 500}', [1], {{'a': (1)}}")) is None
    for deep in ("(" * 201 + "1" + ")" * 201, "repeat(" * 10_000, "[" * 100 + "(" * 101):
        assert length_fault(tokens(f"select {deep}")) == "it has brackets more than 200 deep"
