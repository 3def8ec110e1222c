"""What a file can suffer: each as one clear line, and with what is known of the transaction."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from interact_gitops.ledger import sqlite
from interact_gitops.ledger.clock import LeaseTime
from interact_gitops.ledger.database import migrations
from interact_gitops.ledger.errors import (
    LedgerCorrupt,
    LedgerFailure,
    LedgerForeign,
    LedgerFull,
    LedgerLocked,
    LedgerLost,
    LedgerNewer,
    LedgerReadOnly,
)
from interact_gitops.ledger.relational import RelationalLedger
from interact_gitops.ledger.sqlite import SqliteDatabase


@pytest.fixture
def kind():
    """Only this backend."""
    return "sqlite"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def edit(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def remove(path):
    """The file and what SQLite keeps beside it."""
    for file in path.parent.glob(path.name + "*"):
        file.unlink()


def one_line(failure):
    assert "\n" not in failure.message
    assert failure.remedy
    return failure.message


def test_a_new_file_is_private_and_durable(path):
    database = SqliteDatabase(path)
    assert path.stat().st_mode & 0o777 == 0o600
    pragma = lambda name: database.read(lambda s: s.all(f"PRAGMA {name}"))[0][0]  # noqa: E731 - reads best here
    assert (pragma("journal_mode"), pragma("synchronous"), pragma("user_version")) == (
        "wal",
        2,
        len(migrations("sqlite")),
    )
    database.close()


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_gaps(dialect):
    assert [number for number, _ in migrations(dialect)] == list(range(1, len(migrations(dialect)) + 1))


def test_a_newer_ledger_is_refused_at_the_door_and_while_in_use(desk, path):
    edit(path, "PRAGMA user_version = 99")
    with pytest.raises(
        LedgerNewer, match="has schema 99; this version of interact-gitops knows schemas up to 1"
    ) as caught:
        SqliteDatabase(path)
    one_line(caught.value)
    with pytest.raises(LedgerNewer):
        desk.add(desk.new())
    with pytest.raises(LedgerNewer):
        desk.states()
    edit(path, "PRAGMA user_version = 1")
    assert desk.states() == []


def test_another_programs_database_is_left_alone(path):
    edit(path, "CREATE TABLE theirs (id)")
    with pytest.raises(LedgerForeign, match="another program's database"):
        SqliteDatabase(path)
    path.unlink()
    edit(path, "PRAGMA application_id = 7")
    with pytest.raises(LedgerForeign, match="another program's database"):
        SqliteDatabase(path)


def test_a_file_that_is_no_database(path):
    path.write_bytes(b"not a database, and long enough to be sure of it" * 100)
    with pytest.raises(LedgerForeign, match="is no SQLite database") as caught:
        SqliteDatabase(path)
    one_line(caught.value)


def test_a_folder_where_the_file_should_be(tmp_path):
    with pytest.raises(LedgerFailure, match="cannot be opened: is a directory"):
        SqliteDatabase(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerFailure, match="cannot be opened: "):
        SqliteDatabase(tmp_path / "file" / "ledger.db")


def test_a_migration_is_done_whole_or_not_at_all(path, monkeypatch):
    SqliteDatabase(path).close()
    known = migrations("sqlite")
    broken = (len(known) + 1, "CREATE TABLE half (id);\nCREATE TABLE jobs (id);")
    monkeypatch.setattr(sqlite, "migrations", lambda dialect: [*known, broken])
    with pytest.raises(LedgerFailure, match="cannot be used: table jobs already exists"):
        SqliteDatabase(path)
    monkeypatch.setattr(sqlite, "migrations", lambda dialect: known)
    database = SqliteDatabase(path)
    assert database.read(lambda s: s.all("SELECT count(*) FROM sqlite_schema WHERE name = 'half'")) == [(0,)]
    database.close()


def test_a_damaged_file(desk, path):
    desk.add(*(desk.new(f"job-{n}") for n in range(300)))
    desk.ledger.close()
    with path.open("r+b") as file:
        for page in range(3, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    with pytest.raises(LedgerCorrupt, match="is damaged") as caught:
        SqliteDatabase(path)
    one_line(caught.value)
    remove(path)
    desk.ledger = RelationalLedger(SqliteDatabase(path))


def test_a_file_that_is_damaged_while_in_use(desk, path):
    desk.add(*(desk.new(f"job-{n}") for n in range(300)))
    desk.ledger.database.write(lambda s: s.all("SELECT 1"))
    edit(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(pages // 2 * 4096)
        file.write(os.urandom(pages // 2 * 4096))
    other = RelationalLedger(SqliteDatabase(path))
    with pytest.raises(LedgerCorrupt):
        other.export(str)
    with pytest.raises(LedgerCorrupt):
        other.check()
    other.close()
    desk.ledger.close()
    remove(path)
    desk.ledger = RelationalLedger(SqliteDatabase(path))


def test_a_file_that_is_removed_takes_no_more_writes(desk, path):
    desk.add(desk.new())
    path.rename(path.with_suffix(".moved"))
    with pytest.raises(LedgerLost, match="was removed or replaced while it was in use") as caught:
        desk.add(desk.new(hour=1))
    assert caught.value.committed == "no"
    one_line(caught.value)
    shutil.copy(path.with_suffix(".moved"), path)
    with pytest.raises(LedgerLost):
        desk.states()
    path.with_suffix(".moved").replace(path)
    assert desk.states() == ["planned"]


def test_a_file_that_somebody_locks(path):
    database = SqliteDatabase(path, busy_seconds=0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLocked, match="is locked by another process") as caught:
            database.write(lambda s: s.do("UPDATE runs SET fence = 1"))
        assert caught.value.committed == "no"
        assert database.read(lambda s: s.all("SELECT count(*) FROM runs")) == [(0,)]
        other.execute("COMMIT")
    database.write(lambda s: s.do("UPDATE runs SET fence = 1"))
    database.close()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("a disk can be mounted only by root; the limited process below stands in for it")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(desk, hours=400):
    for hour in range(hours):
        desk.add(*(desk.new(f"job-{n}", hour=hour) for n in range(50)))


def test_a_full_disk(small_disk, desk):
    desk.ledger.close()
    path = small_disk / "ledger.db"
    desk.ledger = RelationalLedger(SqliteDatabase(path))
    desk.add(desk.new(hour=-1))
    with pytest.raises(LedgerFull) as caught:
        fill(desk)
    one_line(caught.value)
    before = desk.ledger.counts(desk.target)["planned"]
    (ballast := small_disk / "ballast").touch()
    # Reading goes on, nothing is half-written, and there is no run that the caller was told of and that is gone.
    assert before >= 1
    assert desk.ledger.check() == ()
    with pytest.raises(LedgerFull):
        fill(desk)
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    assert desk.outcomes(desk.new("after", hour=-1)) == ["new"]


def test_a_disk_that_turns_read_only(small_disk, desk):
    desk.ledger.close()
    path = small_disk / "ledger.db"
    desk.ledger = RelationalLedger(SqliteDatabase(path))
    desk.add(desk.new())
    desk.ledger.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises((LedgerReadOnly, LedgerFailure), match=r"read|opened") as caught:
        RelationalLedger(SqliteDatabase(path)).add(desk.target, [desk.new(hour=1)], by="a", now=desk.now)
    one_line(caught.value)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    desk.ledger = RelationalLedger(SqliteDatabase(path))
    assert desk.states() == ["planned"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import little_runner
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from interact_gitops.ledger.errors import LedgerFull
try:
    little_runner.work({url!r}, keys=5_000, name="a", log=Path({log!r}))
except LedgerFull as full:
    print(full.committed, full.message)
"""


def test_a_process_that_may_write_no_more(desk, tmp_path):
    """The same, where no disk can be mounted: the limit on a file's size."""
    script = LIMITED.format(here=str(Path(__file__).parent), size=600_000, url=desk.url, log=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith(("no the ledger ", "maybe the ledger "))
    assert desk.ledger.check() == ()
    assert desk.outcomes(desk.new("after")) == ["new"]


def test_a_failed_write_leaves_nothing(desk):
    def half(session):
        session.do("DELETE FROM parts")
        raise ZeroDivisionError

    desk.add(desk.new())
    with pytest.raises(ZeroDivisionError):
        desk.ledger.database.write(half)
    assert desk.ledger.check() == ()


class Clock:
    """A machine's clocks, to be set."""

    def __init__(self, now):
        self.boot, self.seconds, self.wall = "boot-1", 1_000.0, now

    def __call__(self):
        return LeaseTime(epoch=self.boot, seconds=self.seconds, wall=self.wall)


@pytest.fixture
def clock(desk, path):
    made = Clock(desk.now)
    desk.ledger.close()
    desk.ledger = RelationalLedger(SqliteDatabase(path, clock=made))
    desk.add(desk.new())
    assert len(desk.claim("one", lease=60)) == 1
    return made


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_step_neither_ends_a_lease_nor_prolongs_it(desk, clock, hours):
    clock.wall += timedelta(hours=hours)
    clock.seconds += 59
    assert desk.take_over("two") == ()
    clock.seconds += 1
    assert len(desk.take_over("two")) == 1


def test_after_a_restart_of_the_machine_a_lease_ends_by_the_time_of_day(desk, clock):
    clock.boot, clock.seconds = "boot-2", 5.0
    assert desk.take_over("two") == ()
    clock.wall += timedelta(seconds=60)
    assert len(desk.take_over("two", lease=60)) == 1
    clock.wall += timedelta(hours=2)
    assert desk.take_over("three") == ()


def test_an_intent_after_a_restart_of_the_machine_is_refused(desk, clock):
    (run,) = desk.ledger.open_runs(desk.target)
    clock.boot = "boot-2"
    assert desk.move(run, "sending", by="one", intent=desk.intent()).lost == (run.key,)


def test_readers_wait_for_nobody(desk):
    desk.add(desk.new())
    entered, leave = threading.Event(), threading.Event()

    def slow(session):
        session.do("UPDATE runs SET fence = 7")
        entered.set()
        leave.wait(10)

    writer = threading.Thread(target=lambda: desk.ledger.database.write(slow))
    writer.start()
    entered.wait(10)
    started = time.monotonic()
    assert desk.get(desk.new().key).fence == 0
    assert time.monotonic() - started < 5
    leave.set()
    writer.join()
    assert desk.get(desk.new().key).fence == 7
