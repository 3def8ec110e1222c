"""A ledger's tables as text files, and back: what a commit holds. Pure but for the session.

A file holds two hundred rows of a table, so that a commit is as large as what it changes; a row is a JSON array in a
line of its own. A row's file follows from its key, and never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from interact_gitops.ledger.database import Session
from interact_gitops.ledger.errors import LedgerCorrupt

VERSION = "version.json"
FORMAT = "1"
_ROWS = 200
_TABLES = {"targets": "id", "jobs": "target, job", "runs": "seq", "parts": "run, ordinal", "chats": "target, chat",
           "transitions": "seq", "notices": "seq"}  # fmt: skip
_NUMBERED = {"targets": 0, "runs": 0, "parts": 0, "transitions": 0, "notices": 0}  # the column that numbers a row


def dump(session: Session, *, schema: int, nonces: tuple[str, ...]) -> dict[str, bytes]:
    """Every table as files. `nonces` are the writes that made it what it is, newest last."""
    head = {"formatVersion": FORMAT, "schema": schema, "numbers": _numbers(session), "writes": list(nonces)}
    files = {VERSION: json.dumps(head, indent=1).encode() + b"\n"}
    for table, order in _TABLES.items():
        columns = _columns(session, table)
        lines: dict[str, list[str]] = {}
        for row in session.all(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):  # noqa: S608  # our own names
            lines.setdefault(_file(table, row), []).append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
        head_line = json.dumps(columns)
        for name, rows in lines.items():
            files[name] = "\n".join([head_line, *rows, ""]).encode()
    return files


def load(session: Session, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Put the files' rows in the place of whatever the tables hold; the writes that made them.

    Raises LedgerCorrupt for files that no ledger wrote.
    """
    session.do("PRAGMA defer_foreign_keys = ON")
    for table in reversed(_TABLES):
        session.do(f"DELETE FROM {table}")  # noqa: S608  # our own names
    if not files:
        session.do("DELETE FROM sqlite_sequence")
        return ()
    try:
        head = json.loads(files[VERSION])
        for name in sorted(files):
            if name != VERSION:
                _load_file(session, name, files[name])
        session.do("DELETE FROM sqlite_sequence")
        numbers = [{"name": name, "seq": seq} for name, seq in head["numbers"]]
        form = ":rows AS v(name TEXT, seq INTEGER)"
        session.bulk(f"INSERT INTO sqlite_sequence (name, seq) SELECT v.name, v.seq FROM {form}", numbers)  # noqa: S608  # our own words
        return tuple(str(nonce) for nonce in head["writes"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        said = f"the ledger's files cannot be read: {type(error).__name__}: {error}"
        raise LedgerCorrupt(
            said, remedy="somebody changed them by hand: put the reference back to an earlier commit"
        ) from error


def schema_of(files: Mapping[str, bytes]) -> int:
    """The schema of the program that wrote them. Raises LedgerCorrupt."""
    try:
        head = json.loads(files[VERSION])
        if head["formatVersion"] != FORMAT:
            return 1 << 30  # newer than any that is known
        return int(head["schema"])
    except (ValueError, KeyError, TypeError) as error:
        said = f"the commit is no ledger's: {VERSION} is missing or cannot be read"
        raise LedgerCorrupt(said, remedy="name another reference, or put it back to an earlier commit") from error


def _load_file(session: Session, name: str, raw: bytes) -> None:
    table = name.partition("/")[0]
    if table not in _TABLES:
        raise ValueError(f"there is no table {table[:40]!r}")
    first, *lines = raw.decode("utf-8").splitlines()
    known = set(_columns(session, table))
    columns = [str(column) for column in json.loads(first)]
    if not set(columns) <= known:
        raise ValueError(f"{table} has no column {sorted(set(columns) - known)[0][:40]!r}")
    rows = [dict(zip(columns, json.loads(line), strict=True)) for line in lines if line]
    named = ", ".join(columns)
    said = ", ".join(f"v.{column}" for column in columns)
    form = ", ".join(f"{column} TEXT" for column in columns)
    session.bulk(f"INSERT INTO {table} ({named}) SELECT {said} FROM :rows AS v({form})", rows)  # noqa: S608  # names were checked


def _columns(session: Session, table: str) -> tuple[str, ...]:
    """The columns that are written: generated ones follow from the others."""
    rows = session.all("SELECT name FROM pragma_table_xinfo(:name) WHERE hidden = 0 ORDER BY cid", name=table)
    return tuple(row[0] for row in rows)


def _file(table: str, row: tuple[Any, ...]) -> str:
    numbered = _NUMBERED.get(table)
    if numbered is None:  # jobs and chats: by their name's beginning
        name = str(row[1])
        return f"{table}/{sum(name.encode()) % 64:02d}.jsonl"
    return f"{table}/{int(row[numbered]) // _ROWS:06d}.jsonl"


def _numbers(session: Session) -> list[list[Any]]:
    return [list(row) for row in session.all("SELECT name, seq FROM sqlite_sequence ORDER BY name")]


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[tuple[str, bytes | None]]:
    """The files that differ: what they hold afterwards, None for those that are gone."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, after.get(name)
