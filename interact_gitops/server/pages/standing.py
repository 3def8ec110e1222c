"""How a job stands, on two axes: is it what git says, and does it run as it should. Pure.

Sync: what apply wrote leaves its hash beside the job (`appliedHash`); a job that is something else by now was changed
here. A sync loop may know more, for it knows git: what it says of a job is taken over.
Health: `late` is an occurrence of the schedule that nobody started within the job's grace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from interact_gitops.server.clock import from_text
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.words import instant
from interact_gitops.server.store.overview import JobLine

Sync: TypeAlias = Literal["in-sync", "drifted", "not-in-git"]
Health: TypeAlias = Literal["up", "late", "failing", "paused"]

SYNC_WORDS: Mapping[str, str] = {"in-sync": "In sync", "drifted": "Drifted", "not-in-git": "Not in git"}
HEALTH_WORDS: Mapping[str, str] = {"up": "Up", "late": "Late", "failing": "Failing", "paused": "Paused"}
_SWITCHED_OFF = "its definition says enabled: false"
_BY_THE_LOOP = {
    "pending": "git has a newer definition",
    "drifted": "it is not what git says",
    "fighting": "it is changed again each time it is put back",
    "failed": "the sync loop could not write it",
    "refused": "the sync loop may not write it",
}

Items: TypeAlias = Mapping[tuple[str, str], tuple[str, str]]
"""What sync loops say of jobs: state and reason by mark and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Both axes with their reasons; a reason is empty where there is nothing to say."""

    sync: Sync
    sync_reason: str
    health: Health
    health_reason: str

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look. A job that nobody manages is nobody's mistake, and a definition that says
        `enabled: false` means it."""
        return self.sync == "drifted" or self.health_wants_somebody

    @property
    def health_wants_somebody(self) -> bool:
        """Whether it does not run as it should, and nobody meant that."""
        return self.health in {"failing", "late"} or (self.health == "paused" and self.health_reason != _SWITCHED_OFF)


def sync_items(standings: Iterable[Mapping[str, Any]]) -> Items:
    """What the loops' standings say of single jobs."""
    return {
        (standing["managedBy"], item["key"]): (item["state"], item["reason"])
        for standing in standings
        for item in standing["items"]
        if item["kind"] == "job"
    }


def judge(job: JobLine, items: Items, *, now: datetime) -> Standing:
    """How a job stands."""
    sync, sync_reason = _sync(job, items)
    health, health_reason = _health(job, now)
    return Standing(sync=sync, sync_reason=sync_reason, health=health, health_reason=health_reason)


def _sync(job: JobLine, items: Items) -> tuple[Sync, str]:
    if job.managed_by is None:
        return "not-in-git", ""
    state, reason = items.get((job.managed_by, job.key), ("", ""))
    if job.applied_hash is None:
        return "drifted", f"it carries the mark {job.managed_by}, and no apply wrote it"
    if job.applied_hash != job.definition_hash:
        return "drifted", reason or "it was changed here since it was applied from git"
    if state:
        return "drifted", reason or _BY_THE_LOOP[state]
    return "in-sync", ""


def _health(job: JobLine, now: datetime) -> tuple[Health, str]:
    if job.paused_at is not None:
        return "paused", job.paused_reason or "somebody paused it"
    if not job.enabled:
        return "paused", _SWITCHED_OFF
    if job.failures:
        return "failing", "its last run failed" if job.failures == 1 else f"its last {job.failures:,} runs failed"
    due = _overdue(job, now)
    if due is not None:
        return "late", f"it was due {instant(due)} and has not started"
    return "up", ""


def _overdue(job: JobLine, now: datetime) -> datetime | None:
    """The occurrence that should have been started by now. While a run is in progress the next one waits its turn."""
    if job.schedule is None or job.open_since is not None:
        return None
    since = max(text for text in (job.updated_at, job.resumed_at, job.last_due) if text is not None)
    due = timetable.next_run(job.schedule, from_text(since))
    return due if due is not None and due + timedelta(seconds=job.grace) < now else None


def attention_words(standing: Standing) -> tuple[str, ...]:
    """The reasons to look, most pressing first."""
    health = [standing.health_reason] if standing.health_wants_somebody else []
    return (*health, *([standing.sync_reason] if standing.sync == "drifted" else []))


def tally(standings: Iterable[Standing]) -> dict[str, int]:
    """How many jobs there are in each state of either axis, and how many want somebody."""
    found: dict[str, int] = {}
    for standing in standings:
        names = [standing.sync, standing.health, *(["attention"] if standing.needs_attention else [])]
        for name in names:
            found[name] = found.get(name, 0) + 1
    return found
