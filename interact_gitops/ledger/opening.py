"""A ledger's URL → the ledger.

sqlite:///.interact/ledger.db     a file, relative to the configuration's folder
sqlite:////var/lib/ledger.db      a file, absolute
postgresql://user@host/database   a PostgreSQL database
git:origin                        a reference at a remote of the repository that the configuration is in
git:https://host/path             a reference of another repository
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from interact_gitops.ledger.database import Database
from interact_gitops.ledger.errors import LedgerForeign
from interact_gitops.ledger.protocol import FullLedger

FORMS = "write sqlite:///PATH, postgresql://USER@HOST/DATABASE, git:REMOTE or git:URL"


def open_ledger(url: str, *, folder: Path) -> FullLedger:
    """Opens (and makes, or brings up to date) the ledger at `url`; a relative path starts at `folder`.

    Raises LedgerFailure, which never says the password.
    """
    from interact_gitops.ledger.relational import RelationalLedger

    return RelationalLedger(open_database(url, folder=folder))


def open_database(url: str, *, folder: Path) -> Database:
    """The database behind a ledger's URL. Raises LedgerFailure."""
    kind = url.partition(":")[0].lower()
    if kind == "sqlite":
        from interact_gitops.ledger.sqlite import SqliteDatabase

        return SqliteDatabase(folder / sqlite_path(url))
    if kind in {"postgresql", "postgres"}:
        where = shown(url)
        if importlib.util.find_spec("psycopg") is None:
            raise LedgerForeign(
                f"the ledger {where} needs the PostgreSQL driver, which is not installed",
                remedy="pip install 'interact-gitops[postgres]'",
            )
        from interact_gitops.ledger.postgres import PostgresDatabase

        return PostgresDatabase(url, where=where)
    if kind == "git":
        from interact_gitops.ledger.git.database import GitDatabase
        from interact_gitops.ledger.git.repository import find_place

        return GitDatabase(find_place(url[len("git:") :], folder))
    raise LedgerForeign(f"{shown(url)!r} is no address of a ledger", remedy=FORMS)


def sqlite_path(url: str) -> Path:
    """The path in a `sqlite:///…` URL. Raises LedgerForeign."""
    scheme, _, path = url.partition(":///")
    if scheme.lower() != "sqlite" or not path or path.endswith("/") or "\0" in path:
        raise LedgerForeign(f"{url!r} names no file", remedy="write sqlite:///PATH, or sqlite:////PATH from the root")
    if path == ":memory:" or "?" in path:
        said = "a ledger in memory would forget every run" if path == ":memory:" else "options are not supported"
        raise LedgerForeign(f"{url!r}: {said}", remedy="write sqlite:///PATH")
    return Path(path)


def shown(url: str) -> str:
    """A URL as messages show it: no password, no options (which may hold one)."""
    try:
        parts = urlsplit(url.removeprefix("git:"))
        return _without_secrets(parts) if parts.netloc else url.partition(":")[0] + ":…"
    except ValueError:  # such as a bracket that is never closed: say no more than the beginning
        return url.partition(":")[0] + ":…"


def _without_secrets(parts: SplitResult) -> str:
    user, at, place = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{place}{parts.path}"
