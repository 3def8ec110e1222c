"""The sample warehouse: a DuckDB file whose last day is yesterday.

The file's name carries the generator's version and the day it was made for, and a file is only ever renamed
into place. So another process may read, or make, the same warehouse at the same time, and a new day's
warehouse never takes the place of one that is open: DuckDB keeps one database per path and process, and would
go on reading the old file under the new one's name.
"""

from __future__ import annotations

import re
import tempfile
import threading
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

GENERATOR = "1"
"""Raise it with every change to warehouse.sql: older files are then made anew."""

_NAME = re.compile(r"sample-(?P<generator>\w+)-(?P<anchor>\d{4}-\d\d-\d\d)\.duckdb")


_one_at_a_time = threading.Lock()


def agents_file() -> Path:
    """The agents that ship with the sample."""
    return Path(str(files(__package__) / "agents.yaml"))


def ensure_sample(folder: Path, today: date) -> Path:
    """The warehouse whose last day is the day before `today`, in `folder`; made when it is not there yet.

    Removes warehouses of earlier days and generators. Safe beside other processes that do the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sample-{GENERATOR}-{today.isoformat()}.duckdb"
    with _one_at_a_time:
        if not path.exists():
            build_sample(path, today)
    for other in folder.glob("sample-*.duckdb"):
        if _is_stale(other.name, today):
            other.unlink(missing_ok=True)  # who has it open keeps reading it
    return path


def build_sample(path: Path, today: date) -> None:
    """Makes the warehouse at `path`: written beside it, then renamed, so that it is there whole or not at
    all."""
    import duckdb

    sql = (files(__package__) / "warehouse.sql").read_text(encoding="utf-8")
    known = {"generator": GENERATOR, "anchor": today}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".sample-") as folder:
        unfinished = Path(folder) / path.name
        with duckdb.connect(str(unfinished)) as connection:
            for statement in connection.extract_statements(sql):
                used = {name: known[name] for name in statement.named_parameters}
                connection.execute(statement, used)
            connection.execute("checkpoint")
        unfinished.replace(path)


def _is_stale(name: str, today: date) -> bool:
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    # Yesterday's stays: around midnight another process may be about to open it.
    return match["generator"] != GENERATOR or date.fromisoformat(match["anchor"]) < today - timedelta(days=1)
