"""When jobs run, in words and as instants; each schedule is worked out once. Pure, but for what it remembers."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.jobs.wire import schedule_from_wire
from interact_gitops.schedule import Schedule, describe, zone

_MOST = 20_000  # as many as a large server has jobs, with room


@functools.lru_cache(maxsize=_MOST)
def schedule(text: str) -> Schedule:
    """The schedule in a definition's JSON text."""
    return schedule_from_wire(json.loads(text))


def text_of(definition: Mapping[str, Any]) -> str | None:
    """The schedule of a definition as `schedule` reads it."""
    found = definition["schedule"]
    return None if found is None else json.dumps(found, ensure_ascii=False, separators=(",", ":"))


@functools.lru_cache(maxsize=_MOST)
def in_words(text: str) -> str:
    """`At 08:00 on Monday`; the zone stands beside it."""
    found = schedule(text)
    try:
        return describe(found.cron, found.calendar)
    except ScheduleInvalid:  # stored by a version that knew more
        return found.cron


def zone_of(text: str) -> str:
    """`Europe/Amsterdam`."""
    return schedule(text).timezone


def next_run(text: str, after: datetime) -> datetime | None:
    """The first occurrence after an instant, in the schedule's zone; None when there is none any more."""
    # Occurrences are whole minutes: jobs that were written within one share the answer.
    return _next(text, after.replace(second=0, microsecond=0))


def local(text: str | None, instant: datetime) -> datetime:
    """An instant on the clock of the job's zone; as it is for a job without schedule."""
    if text is None:
        return instant
    try:
        return instant.astimezone(zone(schedule(text).timezone))
    except ScheduleInvalid:
        return instant


@functools.lru_cache(maxsize=_MOST)
def _next(text: str, after: datetime) -> datetime | None:
    found = schedule(text)
    try:
        coming = found.next_occurrence(after)
        return None if coming is None else coming.astimezone(zone(found.timezone))
    except ScheduleInvalid:
        return None
