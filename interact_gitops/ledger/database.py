"""What the statements of `relational` need of a database: transactions that repeat themselves, and a lease clock.

Statements are written once, in PostgreSQL's words with `:named` values; `sqlite.py` says what it reads differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol, TypeAlias, TypeVar

from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.errors import LedgerNewer

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_MIGRATION = re.compile(r"(?P<number>\d{4})_\w+\.(?P<dialect>\w+)\.sql")


class Session(Protocol):
    """One transaction. Values are text, numbers, None, and lists of these for `= ANY(:name)`."""

    @property
    def clock(self) -> LeaseTime:
        """The lease clock, read when the transaction began."""
        ...

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Every row of a query, or of what a write returns."""
        ...

    def do(self, sql: str, **values: Any) -> int:
        """Carries out a write; how many rows it touched."""
        ...

    def bulk(self, sql: str, rows: Sequence[Values], **values: Any) -> list[Row]:
        """Carries out one write over many rows, which it names as `:rows AS v(column TYPE, …)`; nothing for none."""
        ...

    def announce(self) -> None:
        """Wakes whoever waits for work, when this transaction is done."""
        ...


class Database(Protocol):
    """One ledger's database, for any thread."""

    def write(self, work: Callable[[Session], T]) -> T:
        """Carries out `work` in a transaction of its own; again from the start when the database asks for that.

        Nothing is written when `work` raises. Raises LedgerFailure.
        """
        ...

    def read(self, work: Callable[[Session], T]) -> T:
        """Carries out `work` on a view of one moment. Raises LedgerFailure."""
        ...

    def wait(self, seconds: float) -> bool:
        """Waits for an announcement of another process, at most so long; whether there may have been one."""
        ...

    def check(self) -> list[str]:
        """What the database itself finds wrong with its files."""
        ...

    def describe(self) -> str:
        """Where it is, without a password."""
        ...

    def close(self) -> None:
        """Lets go of files and connections."""
        ...


def migrations(dialect: str) -> list[tuple[int, str]]:
    """Every migration that this program knows for a dialect, as (number, SQL), in order."""
    found = []
    for entry in files("interact_gitops.ledger").joinpath("sql").iterdir():
        match = _MIGRATION.fullmatch(entry.name)
        if match and match["dialect"] == dialect:
            found.append((int(match["number"]), entry.read_text(encoding="utf-8")))
    return sorted(found)


def refuse_newer(where: str, version: int, newest: int) -> None:
    """Raises LedgerNewer for a schema from the future: an older program would lose what it does not know of."""
    if version > newest:
        raise LedgerNewer(
            f"the ledger {where} has schema {version}; this version of interact-gitops knows schemas up to {newest}",
            remedy="install the newer version that wrote it (`interact-gitops --version`), or use another ledger",
        )
