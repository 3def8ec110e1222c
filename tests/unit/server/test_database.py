"""The store's file: migrations, transactions, what it refuses to open."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from contextlib import closing

import pytest

from interact_gitops.errors import Refused
from interact_gitops.server.store import database
from interact_gitops.server.store.database import Database, migrations


@pytest.fixture
def path(tmp_path):
    return tmp_path / "interact.db"


def edit(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def test_a_new_file_has_every_migration_and_one_owner(path):
    store = Database(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with store.read() as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == migrations()[-1][0]
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
    store.close()
    Database(path).close()


def test_migrations_are_numbered_without_gaps():
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_newer_schema_is_refused(path):
    Database(path).close()
    edit(path, "PRAGMA user_version = 99")
    with pytest.raises(Refused, match=r"has schema 99; this version of interact-gitops knows schemas up to \d+"):
        Database(path)


def test_another_programs_database_is_left_alone(path):
    edit(path, "CREATE TABLE theirs (id)")
    with pytest.raises(Refused, match="another program's database"):
        Database(path)
    path.unlink()
    edit(path, "PRAGMA application_id = 7")
    with pytest.raises(Refused, match="another program's database"):
        Database(path)


def test_a_file_that_is_no_database(path):
    path.write_bytes(b"not a database, and long enough to be sure of it" * 100)
    with pytest.raises(Refused, match="cannot be used"):
        Database(path)


def test_a_migration_is_done_whole_or_not_at_all(path, monkeypatch):
    Database(path).close()
    known = migrations()
    broken = (len(known) + 1, "CREATE TABLE half (id); CREATE TABLE jobs (id);")
    monkeypatch.setattr(database, "migrations", lambda: [*known, broken])
    with pytest.raises(Refused, match="cannot be used"):
        Database(path)
    monkeypatch.setattr(database, "migrations", lambda: known)
    store = Database(path)
    with store.read() as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone()[0] == 0
    store.close()


def test_a_failed_write_leaves_nothing(path):
    store = Database(path)
    with pytest.raises(ZeroDivisionError), store.write() as db:
        db.execute("INSERT INTO organisations VALUES ('a', 'A', 'now')")
        1 / 0  # noqa: B018
    with store.read() as db:
        assert db.execute("SELECT count(*) FROM organisations").fetchone()[0] == 0
    store.close()


def test_a_reader_sees_one_moment_and_cannot_write(path):
    store = Database(path)
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM organisations").fetchone()[0] == 0
        with store.write() as writer:
            writer.execute("INSERT INTO organisations VALUES ('a', 'A', 'now')")
        assert reader.execute("SELECT count(*) FROM organisations").fetchone()[0] == 0
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM organisations")
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM organisations").fetchone()[0] == 1
    store.close()


def test_writers_wait_for_each_other(path):
    store = Database(path)
    with store.write() as db:
        db.execute("INSERT INTO organisations VALUES ('a', '0', 'now')")

    def add():
        for _ in range(50):
            with store.write() as db:
                count = int(db.execute("SELECT name FROM organisations").fetchone()[0])
                db.execute("UPDATE organisations SET name = ?", (str(count + 1),))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as db:
        assert db.execute("SELECT name FROM organisations").fetchone()[0] == "400"
    store.close()


def together(store, *blocks):
    """Runs blocks in threads that stand in line behind one another, and so share a commit; what each raised."""
    raised: list[BaseException | None] = [None] * len(blocks)

    def run(number):
        try:
            with store.write() as db:
                blocks[number](db)
        except BaseException as error:
            raised[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(blocks))]
    with store._lock:
        for number, thread in enumerate(threads):
            thread.start()
            while store._in_line <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return raised


def organisations(store):
    with store.read() as db:
        return {row[0] for row in db.execute("SELECT id FROM organisations")}


def insert(name):
    return lambda db: db.execute("INSERT INTO organisations VALUES (?, 'O', 'now')", (name,))


def test_blocks_in_line_share_a_commit(path):
    store = Database(path)
    commits = []
    store._writer.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    assert together(store, *(insert(str(number)) for number in range(20))) == [None] * 20
    assert organisations(store) == {str(number) for number in range(20)}
    assert len(commits) == 1
    assert together(store, *(insert(f"more {number}") for number in range(70))) == [None] * 70
    assert len(commits) == 1 + 3
    store.close()


def test_a_block_that_fails_takes_no_other_with_it(path):
    store = Database(path)

    def fail(db):
        insert("failed")(db)
        raise ZeroDivisionError

    raised = together(store, fail, insert("a"), fail, insert("b"), insert("a"), fail)
    assert sorted(type(one).__name__ for one in raised) == sorted(
        ["ZeroDivisionError"] * 3 + ["NoneType"] * 2 + ["IntegrityError"]
    )
    assert organisations(store) == {"a", "b"}
    store.close()


def test_when_nothing_can_be_committed_everybody_is_told(path):
    store = Database(path)
    # A deferred constraint is checked by the commit.
    with store.write() as db:
        db.execute("CREATE TABLE later (id REFERENCES organisations (id) DEFERRABLE INITIALLY DEFERRED)")
    raised = together(store, insert("a"), lambda db: db.execute("INSERT INTO later VALUES ('none')"), insert("b"))
    assert [type(one) for one in raised] == [sqlite3.IntegrityError] * 3
    assert organisations(store) == set()
    assert together(store, insert("a")) == [None]
    assert organisations(store) == {"a"}
    store.close()


def test_when_the_store_gives_up_in_the_middle_everybody_before_is_told(path):
    store = Database(path)
    began = threading.Event()

    def give_up(db):
        began.set()
        db.execute("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise sqlite3.OperationalError("database or disk is full")

    raised = together(store, insert("a"), give_up, insert("b"))
    told = [one for one in raised if one is not None]
    assert all(isinstance(one, sqlite3.OperationalError) for one in told)
    kept = {name for name, one in zip(("a", None, "b"), raised, strict=True) if one is None}
    assert began.is_set()
    assert organisations(store) == kept, "what was not refused is there, and nothing else"
    assert together(store, insert("c")) == [None]
    store.close()


def test_the_overlap_rule_is_in_the_file(path):
    store = Database(path)
    columns = (
        "id, organisation_id, job_id, run_key, state, exclusive, fan_out, max_parallel, unfinished, timeout_seconds,"
        " max_attempts, backoff_seconds, run_trigger, initiator, scheduled_at, run_date, definition_hash, created_at"
    )

    def add(db, name, state, exclusive):
        values = (name, "o", "job", "k", state, exclusive, 0, 1, 1, 1, 1, 0, "api", "i", "t", "d", "h", "t")
        db.execute(f"INSERT INTO run_groups ({columns}) VALUES ({', '.join('?' * len(values))})", values)

    with store.write() as db:
        db.execute("INSERT INTO organisations VALUES ('o', 'O', 'now')")
        add(db, "open", "open", 1)
        add(db, "beside", "open", 0)
        add(db, "waiting", "waiting", 1)
        add(db, "closed", "closed", 1)
        for state in ("open", "waiting"):
            with pytest.raises(sqlite3.IntegrityError):
                add(db, f"second {state}", state, 1)
    store.close()
