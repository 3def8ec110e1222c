"""What databases say when they cannot go on, in our words: what happened, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from interact_gitops.ledger.errors import (
    Committed,
    LedgerCorrupt,
    LedgerFailure,
    LedgerForeign,
    LedgerFull,
    LedgerLocked,
    LedgerLost,
    LedgerReadOnly,
    LedgerUnavailable,
)
from interact_gitops.ledger.records import stored_text

if TYPE_CHECKING:
    import psycopg

Words: TypeAlias = tuple[type[LedgerFailure], str, str]
"""The kind of failure, what follows `the ledger PLACE`, and the remedy."""

POSTGRES_SCHEMA = "interact_gitops"
"""Where the tables stand in a PostgreSQL database."""

NO_ROOM: Words = (LedgerFull, "has no room left on its disk", "make room; nothing is sent until then")


def sqlite_failure(path: Path, error: sqlite3.Error, committed: Committed) -> LedgerFailure:
    """What SQLite says, in our words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    unheard: Words = (LedgerUnavailable, f"cannot be used: {error}", "see `interact-gitops ledger status`")
    kind, said, remedy = _SQLITE.get(code, unheard)
    return kind(f"the ledger {path} {said}", remedy=remedy, committed=committed)


_SQLITE: Mapping[int, Words] = {
    sqlite3.SQLITE_FULL: NO_ROOM,
    sqlite3.SQLITE_IOERR: (
        LedgerFull,
        "cannot be written: the disk failed or is full",
        "make room, or check the disk; nothing is sent until then",
    ),
    sqlite3.SQLITE_BUSY: (
        LedgerLocked,
        "is locked by another process",
        "see what uses the file; a backup tool must not hold it for long",
    ),
    sqlite3.SQLITE_LOCKED: (LedgerLocked, "is locked by another process", "see what uses the file"),
    sqlite3.SQLITE_READONLY: (
        LedgerReadOnly,
        "can be read and not written",
        "check the permissions of the file and its folder, and whether the disk is mounted read-only",
    ),
    sqlite3.SQLITE_PERM: (LedgerReadOnly, "can be read and not written", "check the permissions of the file"),
    sqlite3.SQLITE_CANTOPEN: (
        LedgerUnavailable,
        "cannot be opened",
        "check the permissions of the file and of its folder",
    ),
    sqlite3.SQLITE_CORRUPT: (LedgerCorrupt, "is damaged", "restore it from a backup, or begin a new one elsewhere"),
    sqlite3.SQLITE_NOTADB: (
        LedgerForeign,
        "is no SQLite database",
        "restore it, or choose another file for the ledger",
    ),
}


def postgres_failure(where: str, error: psycopg.Error, committed: Committed) -> LedgerFailure | None:
    """What PostgreSQL says, in our words; None for what no trouble of the database explains (a bug of ours)."""
    import psycopg

    code = error.sqlstate or ""
    for prefix, (kind, said, remedy) in _POSTGRES.items():
        if code.startswith(prefix):
            return kind(f"the ledger {where} {said}", remedy=remedy, committed=committed)
    if isinstance(error, psycopg.OperationalError) or code.startswith(("08", "57")):
        lines = stored_text(str(error)).strip().splitlines() or ["no reason given"]
        return LedgerLost(
            f"the ledger {where} cannot be reached: {lines[0]}",
            remedy="check that the database runs and may be reached from here; a runner goes on by itself",
            committed=committed,
        )
    return None


_POSTGRES: Mapping[str, Words] = {
    "53100": NO_ROOM,
    "53300": (LedgerUnavailable, "takes no more connections", "raise max_connections, or start fewer runners"),
    "55P03": (LedgerLocked, "is locked by another session", "see pg_stat_activity for who holds it"),
    "57014": (LedgerUnavailable, "did not answer in time", "see pg_stat_activity for what it is busy with"),
    "25006": (LedgerReadOnly, "can be read and not written", "name the primary, not a standby"),
    "42501": (
        LedgerReadOnly,
        "refuses this role",
        f'grant it: CREATE SCHEMA {POSTGRES_SCHEMA} AUTHORIZATION "the role in the URL"',
    ),
    "28": (LedgerUnavailable, "refuses this user or password", "check the user, the password and pg_hba.conf"),
    "3D000": (LedgerUnavailable, "does not exist: no such database", "create the database, or correct the URL"),
    "42P01": (LedgerForeign, "lacks a table of the ledger", f"restore the schema {POSTGRES_SCHEMA}, or drop it whole"),
    "XX001": (LedgerCorrupt, "is damaged", "restore it from a backup"),
    "XX002": (LedgerCorrupt, "is damaged", "restore it from a backup"),
}
