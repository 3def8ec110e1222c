"""The ledger's runs and its condition, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.chats import parameters_words
from interact_gitops.cli.output import NEWLINE, instant, say, shorten, table, visible
from interact_gitops.cli.times import now, read_instant

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.ledger.records import Part, Pause, Run, RunLine, Transition
    from interact_gitops.ledger.requests import RunFilter
    from interact_gitops.ledger.states import State

SHOWN = 20
_INDENT = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a ledger stands: its place, whose runs are counted, what is due and waits, who holds what, what is wrong."""

    place: str
    space: str
    counts: Mapping[State, int]
    late: int
    late_since: datetime | None
    held: Pause | None
    owners: Mapping[str, int]
    paused: Mapping[str, Pause]
    faults: Sequence[str]

    @property
    def json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ledger": self.place,
            "target": self.space,
            "counts": dict(self.counts),
            "due": {"runs": self.late, "since": _utc(self.late_since)},
            "held": _pause_json(self.held),
            "runners": dict(self.owners),
            "paused": {job: _pause_json(pause) for job, pause in self.paused.items()},
            "faults": list(self.faults),
        }


def read_status(book: Book) -> Condition:
    """The condition of a ledger, now. Raises LedgerFailure."""
    ledger, space = book.ledger, book.space
    owners: dict[str, int] = {}
    for run in ledger.open_runs(space):
        owners[run.owner or "nobody"] = owners.get(run.owner or "nobody", 0) + 1
    late, since = ledger.late(space, now=now())
    pauses = {job: one.pause for job, one in ledger.jobs(space).items() if one.pause is not None}
    return Condition(
        place=ledger.describe(), space=space, counts=ledger.counts(space), late=late, late_since=since,
        held=ledger.held(space), owners=owners, paused=pauses, faults=ledger.check(),
    )  # fmt: skip


def say_status(found: Condition) -> None:
    """For people."""
    counts = ", ".join(f"{number:,} {state}" for state, number in found.counts.items()) or "none yet"
    facts = [("ledger", found.place), ("target", found.space), ("runs", counts)]
    if found.late:
        since = f", the oldest since {instant(found.late_since.astimezone())}" if found.late_since else ""
        facts.append(("due", f"{found.late:,}{since}"))
    if found.held:
        facts.append(("held", f"{found.held.reason} (since {instant(found.held.at.astimezone())})"))
    facts += [("followed by", f"{owner}: {number:,}") for owner, number in sorted(found.owners.items())]
    facts += [("paused", f"{job}: {pause.reason} (by {pause.by}, since {instant(pause.at.astimezone())})")
              for job, pause in found.paused.items()]  # fmt: skip
    facts += [("wrong", fault) for fault in found.faults] or [("check", "sound")]
    _say_facts(facts)
    if found.counts.get("needs_operator"):
        say("Somebody has to look: `interact-gitops ledger list --state needs_operator`")


def read_filter(
    job: str | None, states: Sequence[State], *, start: str | None, end: str | None, count: int
) -> RunFilter:
    """What to list; a time without an offset is UTC. Raises Failure."""
    from zoneinfo import ZoneInfo

    from interact_gitops.ledger.requests import RunFilter

    zone = ZoneInfo("UTC")
    return RunFilter(
        job=job, states=tuple(states), since=read_instant(start, zone, "--from") if start else None,
        until=read_instant(end, zone, "--to") if end else None, limit=count,
    )  # fmt: skip


def line_row(line: RunLine) -> list[str]:
    """A run's cells."""
    why = f"in the way: {line.in_the_way}" if line.in_the_way else line.reason or ""
    return [
        line.key, line.state, instant(line.scheduled_at.astimezone()), str(line.attempt), _chats(line), shorten(why, 90)
    ]  # fmt: skip


def line_json(line: RunLine) -> dict[str, Any]:
    """A run in a list."""
    return {
        "key": line.key, "job": line.job, "kind": line.kind, "state": line.state, "attempt": line.attempt,
        "scheduledAt": _utc(line.scheduled_at), "createdAt": _utc(line.created_at),
        "triggeredAt": _utc(line.triggered_at), "endedAt": _utc(line.ended_at), "owner": line.owner,
        "requestedBy": line.requested_by, "definitionHash": line.definition_hash, "commit": line.git_commit,
        "reason": line.reason, "inTheWay": line.in_the_way, "chat": line.chat, "chats": dict(line.chats),
    }  # fmt: skip


def run_json(run: Run, steps: Sequence[Transition]) -> dict[str, Any]:
    """Everything of a run."""
    return {
        "key": run.key, "job": run.job, "kind": run.kind, "state": run.state, "attempt": run.attempt,
        "scheduledAt": _utc(run.scheduled_at), "dueAt": _utc(run.due_at), "startBy": _utc(run.start_by),
        "createdAt": _utc(run.created_at), "sentAt": _utc(run.sent_at), "triggeredAt": _utc(run.triggered_at),
        "endedAt": _utc(run.ended_at), "overlap": run.line_up, "timeoutSeconds": run.timeout,
        "maxAttempts": run.max_attempts, "remoteJob": run.remote_job, "owner": run.owner,
        "leasedUntil": _utc(run.leased_until), "requestedBy": run.requested_by,
        "definitionHash": run.definition_hash, "commit": run.git_commit, "reason": run.reason,
        "inTheWay": run.in_the_way, "cancelledBy": run.cancel_by,
        "request": None if run.payload is None else json.loads(run.payload),
        "chats": [_part_json(part) for part in run.parts],
        "steps": [
            {"at": _utc(step.at), "from": step.was, "to": step.state, "attempt": step.attempt, "by": step.by,
             "reason": step.reason}
            for step in steps
        ],
    }  # fmt: skip


def say_run(run: Run, steps: Sequence[Transition]) -> None:
    """Everything of a run, for people."""
    facts = [("run", run.key), ("job", run.job), ("state", f"{run.state}{f': {run.reason}' if run.reason else ''}")]
    facts += [("in the way", run.in_the_way)] if run.in_the_way else []
    facts += [("kind", run.kind + (f", asked for by {run.requested_by}" if run.requested_by else ""))]
    facts += [("planned for", instant(run.scheduled_at.astimezone())), ("attempt", str(run.attempt))]
    facts += [("definition", run.definition_hash[:12] + (f" at commit {run.git_commit}" if run.git_commit else ""))]
    facts += [("there", f"job {run.remote_job}")] if run.remote_job else []
    facts += [("runner", run.owner)] if run.owner else []
    _say_facts(facts)
    shown = run.parts[:SHOWN]
    say(table(["CHAT", "STATE", "ATTEMPT", "PARAMETERS"], [_part_row(part) for part in shown]))
    if len(run.parts) > SHOWN:
        say(f"… and {len(run.parts) - SHOWN} more; --format json has them all")
    cells = [[instant(step.at.astimezone()), step.state, step.by, shorten(step.reason or "", 90)] for step in steps]
    say("\n" + table(["WHEN", "STATE", "BY", "WHY"], cells))


def _part_row(part: Part) -> list[str]:
    words = parameters_words(dict(part.parameters))
    return [part.chat or "—", part.state, str(part.attempt), shorten(f"{words}  {part.error or ''}", 90)]


def _part_json(part: Part) -> dict[str, Any]:
    return {"id": part.chat, "state": part.state, "attempt": part.attempt, "parameters": dict(part.parameters),
            "error": part.error, "endedAt": _utc(part.ended_at)}  # fmt: skip


def _chats(line: RunLine) -> str:
    if sum(line.chats.values()) == 1:
        return line.chat or "—"
    return ", ".join(f"{number} {state}" for state, number in line.chats.items())


def _say_facts(facts: Sequence[tuple[str, str | None]]) -> None:
    for name, value in facts:
        text = visible(value or "—", keep=NEWLINE).replace("\n", "\n" + " " * _INDENT)
        say(click.style(f"{name:<{_INDENT}}", dim=True) + text)


def _pause_json(pause: Pause | None) -> dict[str, str | None] | None:
    return None if pause is None else {"reason": pause.reason, "by": pause.by, "at": _utc(pause.at)}


def _utc(when: datetime | None) -> str | None:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
