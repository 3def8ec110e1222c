"""Any order of calls, beside a model of a hundred lines: the ledger does what the model does, and nothing else.

The model is written from ledger.md and scheduling.md, not from the statements: rows in a dictionary, rules in Python.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from interact_gitops.ledger import states
from interact_gitops.ledger.keys import scheduled_key
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.records import PRIORITIES, Watermark
from interact_gitops.ledger.requests import Decision, Hold, Intent, Move, NewRun, PartChange

TARGET = "https://interact.example acme"
START = datetime(2026, 11, 23, tzinfo=UTC)
JOBS = ("a", "b")
RUNNERS = ("one", "two")
OWNED = ("claimed", "sending", "triggered", "running")
SENT = ("sending", "triggered", "running")


@dataclass
class Row:
    key: str
    job: str
    kind: str
    line_up: str
    hour: int
    seq: int
    state: str = "planned"
    attempt: int = 1
    fence: int = 0
    owner: str | None = None
    retrying: bool = False
    lease: bool = False
    chats: int = 0

    @property
    def in_way(self) -> bool:
        return self.state in OWNED or (self.state == "planned" and self.retrying)


@dataclass
class Model:
    rows: dict[str, Row] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    held: bool = False
    hour: int = 0
    serial: itertools.count = field(default_factory=itertools.count)

    def may_start(self, row: Row) -> bool:
        if row.state != "planned" or row.hour > self.hour or (row.kind == "schedule" and row.job in self.paused):
            return False
        others = [other for other in self.rows.values() if other.job == row.job and other is not row]
        if row.line_up != "allow" and any(other.in_way for other in others):
            return False
        return row.line_up != "queue_one" or row.retrying or not self.better(row)

    def better(self, row: Row) -> list[Row]:
        return [
            other
            for other in self.rows.values()
            if other.job == row.job
            and (other.state, other.line_up, other.retrying) == ("planned", "queue_one", False)
            and other.hour <= self.hour
            and (-PRIORITIES[other.kind], other.hour, other.seq) > (-PRIORITIES[row.kind], row.hour, row.seq)
        ]

    def claim(self, owner: str, limit: int) -> list[Row]:
        taken = []
        while len(taken) < limit and not self.held:
            ready = [row for row in self.rows.values() if self.may_start(row)]
            if not ready:
                break
            row = min(ready, key=lambda row: (PRIORITIES[row.kind], row.hour, row.seq))
            row.state, row.owner, row.lease, row.fence = "claimed", owner, True, row.fence + 1
            taken.append(row)
        return taken


class Machine(RuleBasedStateMachine):
    url = ""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        url = self.url or f"sqlite:///{self.folder.name}/ledger.db"
        if url == "git":
            url = f"git:{self.folder.name}/ledger.git"
            subprocess.run(["git", "init", "-q", "--bare", url.removeprefix("git:")], check=True)
        self.ledger = open_ledger(url, folder=Path(self.folder.name))
        if url.startswith("postgres"):
            self.ledger.database.write(
                lambda s: s.do("TRUNCATE targets, jobs, runs, parts, chats, transitions, notices RESTART IDENTITY")
            )
            self.ledger._ids.clear()
        self.model = Model()
        self.stale: list[Hold] = []

    def teardown(self):
        assert self.ledger.check() == ()
        self.ledger.close()
        self.folder.cleanup()

    @property
    def now(self):
        return START + timedelta(hours=self.model.hour)

    def new(self, job, hour, kind, line_up, state="planned"):
        moment = START + timedelta(hours=hour)
        key = scheduled_key(job, moment) if kind in {"schedule", "backfill"} else f"{job}!{hour}"
        return NewRun(
            key=key, job=job, kind=kind, scheduled_at=moment, due_at=moment, combinations=({},), definition_hash="h",
            line_up=line_up, state=state,
        )  # fmt: skip

    def put(self, new, hour):
        if new.key in self.model.rows:
            return False
        seq = next(self.model.serial)
        self.model.rows[new.key] = Row(new.key, new.job, new.kind, new.line_up, hour, seq, state=new.state)
        return True

    @rule(hours=st.integers(1, 2))
    def time_goes_on(self, hours):
        self.model.hour += hours

    @rule(
        job=st.sampled_from(JOBS),
        line_up=st.sampled_from(["skip", "queue_one", "allow", "serial"]),
        missed=st.booleans(),
        stale=st.booleans(),
    )
    def tick(self, job, line_up, missed, stale):
        model, schedule = self.model, "hourly"
        mark = model.marks.get(job)
        was = None if mark is None else Watermark(schedule=schedule, until=START + timedelta(hours=mark))
        if stale:
            was = Watermark(schedule="another", until=START)
        hours = [] if mark is None else list(range(mark + 1, model.hour + 1))
        runs = [
            self.new(job, hour, "schedule", line_up, "missed" if missed and hour != hours[-1] else "planned")
            for hour in hours
        ]
        decision = Decision(job=job, was=was, becomes=Watermark(schedule=schedule, until=self.now), runs=tuple(runs))
        said = self.ledger.decide(TARGET, [decision], by="one", now=self.now)
        if stale:
            assert said.beaten == (job,)
            return
        model.marks[job] = model.hour
        added = [run.key for run, hour in zip(runs, hours, strict=True) if self.put(run, hour)]
        assert (said.jobs, list(said.added)) == ((job,), added)

    @rule(
        job=st.sampled_from(JOBS),
        back=st.integers(0, 4),
        kind=st.sampled_from(["manual", "backfill"]),
        line_up=st.sampled_from(["skip", "queue_one", "allow", "serial"]),
        reopen=st.booleans(),
    )
    def asked_for(self, job, back, kind, line_up, reopen):
        hour = max(0, self.model.hour - back)
        new = self.new(job, hour, kind, line_up)
        (said,) = self.ledger.add(TARGET, [new], by="ana", now=self.now, reopen=reopen)
        row = self.model.rows.get(new.key)
        if row is None:
            assert said.outcome == "new"
            self.put(new, hour)
        elif reopen and row.state in {"missed", "skipped_overlap"}:
            assert said.outcome == "reopened"
            row.state, row.kind, row.line_up = "planned", kind, line_up
        else:
            assert (said.outcome, said.state) == ("known", row.state)

    @rule(owner=st.sampled_from(RUNNERS), limit=st.integers(1, 4))
    def claim(self, owner, limit):
        got = self.ledger.claim(TARGET, owner=owner, lease_seconds=3_600, limit=limit, now=self.now)
        expected = self.model.claim(owner, limit)
        assert {run.key for run in got} == {row.key for row in expected}
        self.stale += [Hold(key=run.key, fence=run.fence - 1) for run in got]

    @rule()
    def blocked(self):
        got = {one.run.key: (one.why, one.in_the_way) for one in self.ledger.blocked(TARGET, limit=99, now=self.now)}
        for row in self.model.rows.values():
            waits = row.state == "planned" and not row.retrying and row.hour <= self.model.hour
            ways = sorted(o.key for o in self.model.rows.values() if o.job == row.job and o is not row and o.in_way)
            if waits and row.line_up == "skip" and ways:
                assert got.pop(row.key) == ("in_progress", ways[0])
            elif waits and row.line_up == "queue_one" and self.model.better(row):
                assert got.pop(row.key)[0] == "superseded"
        assert got == {}

    @rule()
    def leases_end(self):
        self.ledger.database.write(lambda s: s.do("UPDATE runs SET lease_until = 0 WHERE lease_until IS NOT NULL"))
        for row in self.model.rows.values():
            row.lease = False

    @rule(owner=st.sampled_from(RUNNERS), limit=st.integers(1, 3))
    def take_over(self, owner, limit):
        got = self.ledger.take_over(TARGET, owner=owner, lease_seconds=3_600, limit=limit, now=self.now)
        ready = sorted((r for r in self.model.rows.values() if r.state in OWNED and not r.lease), key=lambda r: r.seq)
        assert [run.key for run in got] == [row.key for row in ready[:limit]]
        for row in ready[:limit]:
            self.stale.append(Hold(key=row.key, fence=row.fence))
            row.owner, row.lease, row.fence = owner, True, row.fence + 1

    @precondition(lambda self: any(row.owner for row in self.model.rows.values()))
    @rule(data=st.data(), by=st.sampled_from(RUNNERS))
    def renew_or_release(self, data, by):
        row = data.draw(st.sampled_from([row for row in self.model.rows.values() if row.owner]))
        hold = Hold(key=row.key, fence=row.fence)
        if data.draw(st.booleans()):
            kept = self.ledger.renew(TARGET, [hold], owner=by, lease_seconds=3_600)
            assert kept == ((row.key,) if row.owner == by else ())
            row.lease = row.lease or row.owner == by
        else:
            self.ledger.release(TARGET, [hold], owner=by)
            if row.owner == by:
                row.owner, row.lease = None, False

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_stale_holder_can_do_nothing(self, data):
        hold = data.draw(st.sampled_from(self.stale))
        row = self.model.rows[hold.key]
        for was, to in (("claimed", "planned"), ("sending", "failed"), ("triggered", "running"), ("running", "failed")):
            moved = self.ledger.move(
                TARGET, [Move(key=row.key, was=was, fence=hold.fence, to=to)], by=row.owner or "one", now=self.now
            )
            assert moved.lost == (row.key,)

    @precondition(lambda self: self.model.rows)
    @rule(data=st.data(), by=st.sampled_from(RUNNERS))
    def move(self, data, by):
        row = data.draw(st.sampled_from(list(self.model.rows.values())))
        choices = sorted(to for was, to in states.TRANSITIONS if was == row.state and to not in {row.state, "claimed"})
        if not choices:
            return
        to = data.draw(st.sampled_from(choices))
        was, fields = row.state, {}
        again = to == "planned" and was in {*SENT[1:], "failed", "timed_out", "cancelled", "needs_operator"}
        if to in {"missed", "skipped_overlap"} and row.attempt > 1:
            return
        if to == "sending":
            fields["intent"] = Intent(payload=f"attempt {row.attempt}", sent_at=self.now, seconds=30)
        if to == "triggered":
            fields["parts"] = (PartChange(ordinal=0, chat=f"{row.key}#{row.chats}"),)
        if again:
            keep = was in SENT and data.draw(st.booleans())
            fields |= {"next_attempt": True, "keep_way": keep}
        moved = self.ledger.move(
            TARGET, [Move(key=row.key, was=was, fence=row.fence, to=to, **fields)], by=by, now=self.now
        )
        mine = was not in OWNED or row.owner in {None, by}
        if not mine or (to == "sending" and not row.lease):
            assert moved.lost == (row.key,)
            return
        assert [run.key for run in moved.done] == [row.key]
        row.state = to
        row.chats += to == "triggered"
        if again:
            row.attempt, row.retrying = row.attempt + 1, fields["keep_way"]
        elif to in states.ENDED or to == "needs_operator" or (to == "planned" and was in states.ENDED):
            row.retrying = False
        if to not in OWNED:
            row.owner, row.lease = None, False

    @precondition(lambda self: self.model.rows)
    @rule(data=st.data())
    def cancel(self, data):
        row = data.draw(st.sampled_from(list(self.model.rows.values())))
        (said,) = self.ledger.cancel(TARGET, [row.key], by="ana", reason="no", now=self.now)
        if row.state in {"planned", "claimed", "needs_operator"}:
            assert said.outcome == "done"
            row.state, row.owner, row.lease, row.retrying = "cancelled", None, False, False
        else:
            assert said.outcome == ("asked" if row.state in SENT else "ended")

    @rule(job=st.sampled_from(JOBS))
    def pause_or_resume(self, job):
        if job in self.model.paused:
            assert self.ledger.resume(TARGET, job)
            self.model.paused.discard(job)
        else:
            assert self.ledger.pause(TARGET, job, by="ana", reason="rest", now=self.now)
            self.model.paused.add(job)

    @rule()
    def hold_or_lift(self):
        if self.model.held:
            assert self.ledger.lift(TARGET)
        else:
            assert self.ledger.hold(TARGET, by="one", reason="401", now=self.now)
        self.model.held = not self.model.held

    @invariant()
    def the_same_rows(self):
        got = self.ledger.runs(TARGET, list(self.model.rows))
        for run in got:
            row = self.model.rows[run.key]
            seen = (run.state, run.attempt, run.fence, run.owner, run.retrying, run.line_up, run.kind)
            assert seen == (row.state, row.attempt, row.fence, row.owner, row.retrying, row.line_up, row.kind)
        assert len(got) == len(self.model.rows)

    @invariant()
    def never_two_in_the_way_unless_the_later_may(self):
        for job in JOBS:
            ways = [row for row in self.model.rows.values() if row.job == job and row.in_way]
            assert sum(row.line_up != "allow" for row in ways) <= 1 or any(row.chats for row in ways)


def test_any_order_of_calls(kind, fresh_url):
    examples, steps = {"sqlite": (60, 40), "postgres": (15, 40), "git": (4, 20)}[kind]

    class OnThisLedger(Machine):
        url = {"sqlite": "", "git": "git"}.get(kind) or (fresh_url(kind) if kind == "postgres" else "")

    run_state_machine_as_test(OnThisLedger, settings=settings(max_examples=examples, stateful_step_count=steps))
