"""The ledger's SQLite file as such: made with the right mode, switched to WAL, its scripts in single statements."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from pathlib import Path

from interact_gitops.ledger.errors import LedgerFull, LedgerReadOnly, LedgerUnavailable


def statements(sql: str) -> list[str]:
    """The single statements of a script (`executescript` would commit on its own account)."""
    found, pending = [], ""
    for line in sql.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found


_KINDS = {errno.EROFS: LedgerReadOnly, errno.ENOSPC: LedgerFull, errno.EDQUOT: LedgerFull}


def make_file(path: Path) -> tuple[int, int]:
    """Sees to it that the file is there, and says which it is. Made by us with its mode first: SQLite gives its
    side files the mode of the file."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except PermissionError:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(handle)
        os.close(handle)
        return found.st_dev, found.st_ino
    except OSError as error:
        kind = {errno.EROFS: LedgerReadOnly, errno.ENOSPC: LedgerFull, errno.EDQUOT: LedgerFull}.get(
            error.errno or 0, LedgerUnavailable
        )
        raise kind(
            f"the ledger {path} cannot be opened: {(error.strerror or 'no reason given').lower()}",
            remedy="check the path and its permissions, or name another with --ledger",
        ) from error


def set_wal(connection: sqlite3.Connection, *, patience: float) -> None:
    """The first switch to WAL fails at once, busy timeout or not, while another process makes it."""
    end = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
