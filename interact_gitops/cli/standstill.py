"""Pauses, kept where a target's schedules are evaluated: at the target, or in the runners' ledger. Never in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interact_gitops.cli.output import instant, say, say_json, visible
from interact_gitops.cli.times import now
from interact_gitops.errors import Failure, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import RemoteJob
    from interact_gitops.ledger.records import Pause

LONGEST_REASON = 500  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """How a job stands: paused since when, by whom (the target does not say) and why. `changed`: just now, by us.

    `place` is "ledger" or "target".
    """

    place: str
    changed: bool
    reason: str | None = None
    by: str | None = None
    at: datetime | None = None

    @property
    def words(self) -> str:
        """`since Mon 2026-11-23 08:00 CET, by anna@laptop: the ads API is down`."""
        since = f"since {instant(self.at.astimezone())}" if self.at else "for a while"
        return f"{since}{f', by {self.by}' if self.by else ''}: {self.reason or 'no reason given'}"

    @property
    def json(self) -> dict[str, str | None]:
        """The same for programs."""
        at = self.at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.at else None
        return {"place": self.place, "reason": self.reason, "by": self.by, "at": at}


def stand_still(workspace: Workspace, job: str, reason: str) -> Standstill:
    """Pause a job. Raises SelectionInvalid for one that is not known, Refused where nobody can."""
    from interact_gitops.cli.ledgers import open_book, person

    reason = " ".join(reason.split())
    if not 0 < len(reason) <= LONGEST_REASON:
        said = f"the reason has {len(reason)} characters, it may have 1 to {LONGEST_REASON}"
        raise Failure(said, remedy="say in one line why the job is paused")
    with workspace.client() as client:
        if not _in_ledger(workspace, client, job):
            before = _remote(client, job)
            if before.paused:
                return _there(before, changed=False)
            return _there(client.pause_job(before.id, reason=f"{reason} ({person()})"), changed=True)
    with open_book(workspace) as book:
        changed = book.ledger.pause(book.space, job, by=person(), reason=reason, now=now())
        pause = book.ledger.jobs(book.space, [job])[job].pause
    return _here(pause, changed=changed)


def go_on(workspace: Workspace, job: str) -> Standstill:
    """Resume a job; what it says is how it was. Raises as `stand_still`."""
    from dataclasses import replace

    from interact_gitops.cli.ledgers import open_book

    with workspace.client() as client:
        if not _in_ledger(workspace, client, job):
            before = _remote(client, job)
            if before.paused:
                client.resume_job(before.id)
            return _there(before, changed=before.paused)
    with open_book(workspace) as book:
        standing = book.ledger.jobs(book.space, [job]).get(job)
        changed = book.ledger.resume(book.space, job)
    return replace(_here(standing.pause if standing else None, changed=changed), changed=changed)


def pauses_in_ledger(workspace: Workspace) -> Mapping[str, Standstill]:
    """The jobs that stand still by the ledger; none, with a note, where it cannot be read."""
    from interact_gitops.cli.ledgers import paused_jobs

    return {job: _here(pause, changed=False) for job, pause in paused_jobs(workspace).items()}


def pause_there(job: RemoteJob) -> Standstill | None:
    """The pause that the target itself keeps."""
    return _there(job, changed=False) if job.paused else None


def say_pause(job: str, found: Standstill, *, form: str) -> None:
    """That the job is paused now, or was."""
    if form == "json":
        _say_json(job, found, paused=True)
        return
    where = "on the target" if found.place == "target" else "in the ledger"
    if found.changed:
        say(f"{job} is paused {where}: {visible(found.reason or 'no reason given')}")
    else:
        say(f"{job} was paused already, {visible(found.words)}")


def say_resume(job: str, found: Standstill, *, form: str) -> None:
    """That the job goes on, or did."""
    if form == "json":
        _say_json(job, found, paused=False)
    elif found.changed:
        say(f"{job} goes on; it was paused: {visible(found.reason or 'no reason given')}")
    else:
        say(f"{job} was not paused.")


def _say_json(job: str, found: Standstill, *, paused: bool) -> None:
    say_json({"job": {"key": job}, "paused": paused, "changed": found.changed, **found.json})


def _in_ledger(workspace: Workspace, client: Client, job: str) -> bool:
    """Whether runners evaluate the schedules of this target. Raises Refused where Interact does and cannot be told."""
    from interact_gitops.cli.assembly import evaluates
    from interact_gitops.cli.subjects import find_definition

    if evaluates(workspace, client):
        find_definition(workspace.definitions(), job)
        return True
    if client.surface() == "public":
        said = "this target's schedules are evaluated by Interact (`schedules: interact`), whose API has no pause"
        raise Refused(said, remedy=f"switch off Enable schedule of {job!r} in Interact's own form")
    return False


def _remote(client: Client, job: str) -> RemoteJob:
    from interact_gitops.cli.chats import find_remote_job

    return find_remote_job(client, job)


def _here(pause: Pause | None, *, changed: bool) -> Standstill:
    if pause is None:
        return Standstill(place="ledger", changed=changed)
    return Standstill(place="ledger", changed=changed, reason=pause.reason, by=pause.by, at=pause.at)


def _there(job: RemoteJob, *, changed: bool) -> Standstill:
    from interact_gitops.interact.records import read_time

    paused = job.raw.get("paused")
    said = paused if isinstance(paused, dict) else {}
    reason = said.get("reason")
    return Standstill(
        place="target", changed=changed, reason=reason if isinstance(reason, str) else None,
        at=read_time(said.get("at")),
    )  # fmt: skip
