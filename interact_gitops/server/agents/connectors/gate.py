"""The gate: one SELECT, and no function that reaches beyond the rows.

This is the second depth of three. It is a denylist because people's own functions are welcome; what a name
missed here can still do is bounded by the read-only session and the limits. DuckDB's own parser says what
kind of statement a text is (duckdb.py); for other engines sqlglot reads it here.
"""

from __future__ import annotations

import fnmatch
import itertools
import logging
from collections.abc import Iterable

from interact_gitops.server.agents.connectors.connector import QueryFailed
from interact_gitops.server.agents.connectors.lengths import length_fault
from interact_gitops.server.agents.connectors.lexing import Token, code, functions_called

REMEDY = "a query is one SELECT (or WITH … SELECT) that only reads tables"

# Files, networks, other servers, settings, locks, sequences, sleeping, and functions that run SQL from a
# string.
_REACHING = """
    pg_* lo_* dblink* set_config setval nextval currval lastval ts_stat txid_current inet_server_*
    inet_client_* query_to_xml* table_to_xml* cursor_to_xml* schema_to_xml* database_to_xml*
    read_* write_* parquet_* sniff_csv glob csv_scan json_scan* sqlite_scan sqlite_attach sqlite_query
    postgres_scan* postgres_attach postgres_query postgres_execute mysql_scan mysql_query mysql_execute
    iceberg_* delta_scan st_read* arrow_scan* pandas_scan python_* query query_table sql_auto_complete
    getenv current_setting set_* enable_* disable_* truncate_* *checkpoint copy_database import_database
    *external_resource* json_execute_serialized_sql add_parquet_key duckdb_* which_secret pragma_* test_*
    load_extension readfile writefile edit fts3_tokenizer sqlite_* zeroblob randomblob lsdir fsdir shell
    system sleep sleep_*
"""
_ANY_ENGINE = tuple(_REACHING.split())

# Readers of one value or of the catalogue, which the patterns above would also catch.
_READING = """
    pg_typeof pg_size_pretty pg_column_size pg_get_expr pg_get_viewdef pg_table_is_visible set_bit set_byte
"""
_HARMLESS = frozenset(_READING.split())

_WRITING = frozenset(("insert", "update", "delete", "merge", "truncate"))

_RELATIONS = (
    "pg_authid",
    "pg_shadow",
    "pg_user_mapping*",
    "pg_largeobject*",
    "pg_stat_*",
    "duckdb_*",
    "pragma_*",
)


def refuse_reach(found: tuple[Token, ...]) -> None:
    """Raises QueryFailed (refused) when the text calls, or reads from, something beyond the tables, or makes texts of
    any length."""
    called = functions_called(found) - _HARMLESS
    named = {token.name for token in code(found) if token.kind in ("word", "quoted")}
    bad = _matching(called, _ANY_ENGINE) or _matching(named, _RELATIONS)
    if bad:
        raise refused(f"it uses {bad[0]}, which reaches beyond the tables")
    too_long = length_fault(found)
    if too_long is not None:
        raise refused(too_long)
    # DuckDB, too, takes WITH x AS (DELETE … RETURNING …) SELECT, and calls it a SELECT.
    for opening, token in itertools.pairwise(code(found)):
        if opening.text == "(" and token.kind == "word" and token.name in _WRITING:
            raise refused(f"it contains {token.name.upper()}")


def refuse_all_but_select(sql: str, *, dialect: str) -> None:
    """Raises QueryFailed (refused) unless sqlglot reads `sql` as exactly one statement that only reads."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    # It logs a warning for each statement it does not know; those are refused below, with a message.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        parsed = sqlglot.parse(sql, dialect=dialect)
    except (SqlglotError, RecursionError) as error:
        raise refused(f"it cannot be read as {dialect} SQL") from error
    # What stands after the last `;` is nothing, or comments on the semicolon.
    statements = [one for one in parsed if one is not None and not isinstance(one, exp.Semicolon)]
    if len(statements) != 1:
        raise refused(f"it holds {len(statements)} statements")
    statement = statements[0]
    if not isinstance(statement, exp.Query):
        raise refused(f"it is a {statement.key.upper()} statement")
    for node in statement.walk():
        _refuse_node(node)


def refused(reason: str) -> QueryFailed:
    """The failure for a text that is not run."""
    return QueryFailed(f"the query was not run: {reason}", kind="refused", remedy=REMEDY)


def _refuse_node(node: object) -> None:
    from sqlglot import exp

    writes = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command, exp.Set, exp.Pragma, exp.Attach, exp.Detach)
    if isinstance(node, writes) and not isinstance(node, exp.Query):
        raise refused(f"it contains {node.key.upper()}")


def _matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    return sorted(name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))
