"""SQL as tokens."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interact_gitops.server.agents.connectors.connector import QueryFailed
from interact_gitops.server.agents.connectors.gate import refuse_reach
from interact_gitops.server.agents.connectors.lexing import (
    LONGEST_SQL,
    bound,
    functions_called,
    parameters_used,
    tokens,
)

PIECES = st.sampled_from(
    ["select", " ", "'", "''", '"', "$a", "$", "--", "\n", "/*", "*/", "(", ")", ";", "e", "U&", "1", "$$", "x", ","]
)


@given(st.lists(PIECES).map("".join))
@example("'a''b' \"c\"\"d\" $e /* $f */ -- $g")
def test_tokens_are_the_whole_text_or_a_refusal(sql):
    refusal = None
    try:
        text = "".join(token.text for token in tokens(sql))
    except QueryFailed as failure:
        refusal = failure
    assert (refusal.kind == "refused" and refusal.remedy) if refusal else text == sql


def test_parameters_are_found_in_code_only():
    found = tokens("select $b, '$c', \"$d\", $a -- $e\n/* $f */ from t where x = $b")
    assert parameters_used(found) == ("b", "a")
    assert bound(found, {"a": 1, "b": 2, "c": 3}) == {"b": 2, "a": 1}


def test_functions_are_found_however_they_are_written():
    found = tokens('select F (1), s."G"(2), h /* ( */ (3), "i" as j, \'k\' (4), l')
    assert functions_called(found) == {"f", "g", "h"}


@pytest.mark.parametrize(
    "sql",
    ["select $1", "select $a$ x $a$", "select $a$b", "select 'x", "/* a /* b */ c */", "/* a", "e'x'", "E'x'", 'U&"x"',
     "u&'x'", "`x`", "a\rb", "a\0b", "\\", "x" * (LONGEST_SQL + 1)],
)  # fmt: skip
def test_what_engines_read_differently_is_refused(sql):
    with pytest.raises(QueryFailed) as caught:
        tokens(sql)
    assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    "sql", ["select 1 e, 'x'", "select a & 'x'", "a\r\nb", "select -1 - -1", "x'00'", "a$b", "10/2*3"]
)
def test_what_only_looks_odd_is_not(sql):
    assert "".join(token.text for token in tokens(sql)) == sql.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "sql",
    ["select pg_typeof(1)", "select query, sleep, system from t", "select * from events where name = 'pg_sleep(1)'",
     "with query as (select 1) select * from query", "select count(*) from (select 1) t"],
)  # fmt: skip
def test_the_gate_lets_ordinary_names_pass(sql):
    refuse_reach(tokens(sql))
