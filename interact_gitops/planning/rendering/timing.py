"""What a change does to the runs to come: the next of them, and how many a month. The only words about a plan
that depend on when it is made; `now` comes from outside, and they change only when an occurrence has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.planning.rendering.styled import Detail, statement
from interact_gitops.planning.rendering.values import combinations, schedule_of
from interact_gitops.schedule import Schedule, runs_per_month, zone

NEXT = 3
_COUNTED = 10  # so many or more a month are whole numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is to come of a job: its next runs in words, and its runs and chats in a month on average."""

    next_runs: str
    runs: float
    chats: float


def timing_details(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> Iterator[Detail]:
    """The runs to come of a wire job before and after a change, where they differ."""
    was, will = outlook(before, now), outlook(after, now)
    if was.next_runs != will.next_runs:
        yield statement("next runs before: ", (was.next_runs, "removed"))
        yield statement("next runs after: ", (will.next_runs, "added"))
    if was.runs != will.runs:
        yield statement("runs a month: ", (_about(was.runs), "removed"), " → ", (_about(will.runs), "added"))
    if was.chats != will.chats and (was.chats, will.chats) != (was.runs, will.runs):
        yield statement("chats a month: ", (_about(was.chats), "removed"), " → ", (_about(will.chats), "added"))


def coming_details(wire: Mapping[str, Any], now: datetime) -> Iterator[Detail]:
    """The runs to come of a wire job that is new; none for one that runs by hand or is switched off."""
    found = outlook(wire, now)
    if found.runs:
        chats = f", {_about(found.chats)} {'chat' if found.chats == 1 else 'chats'}"
        runs = f"{_about(found.runs)} {'run' if found.runs == 1 else 'runs'}"
        yield statement((f"next runs: {found.next_runs}", "dim"))
        yield statement((f"a month: {runs}{chats if found.chats != found.runs else ''}", "dim"))


def outlook(wire: Mapping[str, Any], now: datetime) -> Outlook:
    """What is to come of a wire job after `now`, which is an aware instant."""
    schedule, enabled = schedule_of(wire), wire.get("enabled", True)
    if schedule is None or not enabled:
        return Outlook(next_runs="none, by hand" if enabled else "none, switched off", runs=0, chats=0)
    next_runs, runs = _expected(schedule, now)
    return Outlook(next_runs=next_runs, runs=runs, chats=runs * combinations(wire["fanOut"]))


@lru_cache(maxsize=4096)
def _expected(schedule: Schedule, now: datetime) -> tuple[str, float]:
    try:
        found = schedule.upcoming(now, NEXT)
        if not found:
            return "none", 0
        tz = zone(schedule.timezone)
        words = ", ".join(when.astimezone(tz).strftime("%a %Y-%m-%d %H:%M %Z") for when in found)
        # Counted from the next run and not from now, so that it changes when a run has passed, and not at midnight.
        runs = runs_per_month(schedule, since=found[0].astimezone(tz).date())
    except ScheduleInvalid:  # what is on the target may be older than our rules
        return "unknown", 0
    return words + (", then no more" if len(found) < NEXT else ""), runs


def _about(number: float) -> str:
    if number == round(number) or number >= _COUNTED:
        return f"{round(number):,}"
    return f"about {number:.1f}"
