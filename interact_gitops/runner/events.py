"""What a runner itself has to tell: an event is a notice whose id is the identity of what happened. Pure.

The runner tells of the machinery only; what a run answered is told by the target (server.md, Notifications).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from interact_gitops.ledger.records import Notice, Run, RunLine

CHANNEL = "runner"


def missed(job: str, first: datetime, last: datetime, count: int, *, run_key: str | None = None) -> Notice:
    """Occurrences that will not run, since nobody was there to start them in time."""
    span = f"{_said(first)}" if count == 1 else f"{count} occurrences from {_said(first)} to {_said(last)}"
    identity = f"missed:{job}@{_said(first)}..{_said(last)}"
    return _notice(identity, "missed_run", f"{job}: {span} missed", run_key=run_key, job=job, count=count)


def overdue(line: RunLine) -> Notice:
    """A run that has not succeeded by its deadline and grace."""
    said = f"{line.job}: the run of {_said(line.scheduled_at)} has not succeeded in time; it is {line.state}"
    return _notice(f"overdue:{line.key}", "missed_run", said, run_key=line.key, job=line.job)


def needs_operator(run: Run, why: str) -> Notice:
    """A run of which nobody can say whether it started."""
    said = f"{run.job}: {run.key} needs somebody to look: {why}"
    return _notice(f"operator:{run.key}~{run.attempt}", "needs_operator", said, run_key=run.key, job=run.job)


def target_denied(target: str, why: str) -> Notice:
    """A target that refuses the key; everything waits until somebody mends it."""
    identity = hashlib.sha256(f"{target} {why}".encode()).hexdigest()[:16]
    return _notice(f"denied:{identity}", "needs_operator", f"{target} refuses the key: {why}")


def paused(job: str, failures: int, at: datetime) -> Notice:
    """A schedule that the runner paused after failures in a row."""
    said = f"{job}: paused after {failures} failures in a row"
    return _notice(f"paused:{job}@{at.isoformat()}", "needs_operator", said, job=job)


def _notice(identity: str, topic: str, said: str, *, run_key: str | None = None, **more: object) -> Notice:
    body = json.dumps({"message": said, **more}, ensure_ascii=False)
    return Notice(id=identity[:400], channel=CHANNEL, topic=topic, body=body, run_key=run_key)


def _said(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%MZ")
