"""A small runner for tests that need a process: decides keys, claims, "sends" to a file, ends, until all is over.

Each request appends one line to a file of its own and is synced: what a target would have seen. `die_before` makes
the process kill itself before a statement.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from interact_gitops.ledger import postgres, sqlite
from interact_gitops.ledger.keys import idempotency_key, scheduled_key
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.records import Notice, Watermark
from interact_gitops.ledger.requests import Decision, Intent, Move, NewRun, PartChange

TARGET = "https://interact.example acme"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def decisions(ledger, keys):
    known = ledger.jobs(TARGET)
    for number in range(keys):
        job = f"job-{number}"
        if job not in known or known[job].watermark is None:
            run = NewRun(
                key=scheduled_key(job, NOW), job=job, kind="schedule", scheduled_at=NOW, due_at=NOW,
                combinations=({"n": number},), definition_hash="h",
            )  # fmt: skip
            yield Decision(job=job, was=None, becomes=Watermark(schedule="s", until=NOW), runs=(run,))


def send(ledger, name, runs, log):
    """Intent, request, answer, end: a run that was found in `sending` is sent again under the same idempotency key."""
    intent = Intent(payload="{}", sent_at=NOW, seconds=5)
    open_ = [run for run in runs if run.state in {"claimed", "sending"}]
    moves = [Move(key=r.key, was=r.state, fence=r.fence, to="sending", intent=intent) for r in open_]
    sending = ledger.move(TARGET, moves, by=name, now=NOW).done
    with log.open("a") as file:
        for run in sending:
            file.write(json.dumps({"key": run.key, "idempotency": idempotency_key(run.key, run.attempt)}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    moves = [
        Move(key=r.key, was="sending", fence=r.fence, to="triggered", parts=(PartChange(ordinal=0, chat=f"c-{r.key}"),))
        for r in sending
    ]
    there = ledger.move(TARGET, moves, by=name, now=NOW).done + tuple(r for r in runs if r.state == "triggered")
    told = lambda run: Notice(id=f"{run.key}:done", channel="ops", topic="completed_run", body="{}", run_key=run.key)  # noqa: E731
    moves = [Move(key=r.key, was=r.state, fence=r.fence, to="succeeded", notices=(told(r),)) for r in there]
    ledger.move(TARGET, moves, by=name, now=NOW)


def work(url, *, keys, name, log, batch=10, lease=10.0):
    """Runs until every key has ended."""
    ledger = open_ledger(url, folder=Path("/"))
    log = log / f"{name}.jsonl"
    ledger.decide(TARGET, list(decisions(ledger, keys)), by=name, now=NOW)
    while ledger.counts(TARGET).get("succeeded", 0) < keys:
        mine = ledger.claim(TARGET, owner=name, lease_seconds=lease, limit=batch, now=NOW)
        mine += ledger.take_over(TARGET, owner=name, lease_seconds=lease, limit=batch, now=NOW)
        send(ledger, name, mine, log)
    ledger.close()


def end_leases(url):
    """Lets time pass for every lease, if the ledger was made before its runner died."""
    ledger = open_ledger(url, folder=Path("/"))
    ledger.database.write(lambda session: session.do("UPDATE runs SET lease_until = lease_until - 100000"))
    ledger.close()


def die_before(statement):
    """Counts every statement of every transaction, and kills this process before the given one."""
    left = [statement]

    def counted(method):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **named)

        return call

    for session in (sqlite.SqliteSession, postgres.PostgresSession):
        for method in ("all", "do", "bulk", "announce"):
            setattr(session, method, counted(getattr(session, method)))
    for database in (sqlite.SqliteDatabase, postgres.PostgresDatabase):
        database.write = counted(database.write)  # also between transactions, where requests go out


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    work(given.url, keys=given.keys, name=given.name, log=given.log)
