"""Which occurrences of a job are to be started, and which were missed. Pure: the instant is given.

A watermark is the instant up to which a job's occurrences have been decided. It moves only forwards, and it
carries the schedule that it belongs to: after an edit the old schedule is decided up to the moment at which the
edit was seen, and the new one from there on, so that neither an edit nor a late tick runs anything twice,
loses anything, or runs anything that lies before the edit (scheduling.md, What is due).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from interact_gitops.schedule import Schedule

MOST = 1_000  # occurrences of one job that are started, or recorded one by one, in a single decision
ON_TIME = 600  # seconds: who skips what was missed still starts what is no later than two five-minute ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The instant up to which a job is decided, by which schedule, and whether that schedule was switched on."""

    at: datetime
    schedule: Schedule
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedSpan:
    """Missed occurrences too many to be recorded one by one: how many, the first, the last."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a job's occurrences since its watermark; each list ascends, in UTC.

    `start` in order, one after the other; `missed` are recorded, and `older` stands for missed ones before them.
    `watermark` is what the ledger shall keep; None for a job that has no schedule any more.
    """

    start: tuple[datetime, ...] = ()
    missed: tuple[datetime, ...] = ()
    older: MissedSpan | None = None
    watermark: Watermark | None


_NOTHING = Decision(watermark=None)


def jitter_of(key: str, schedule: Schedule) -> timedelta:
    """The job's own offset: the same on every machine and day, at most the schedule's `jitter`."""
    if not schedule.jitter:
        return timedelta(0)
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return timedelta(seconds=number % (schedule.jitter + 1))


def due_at(key: str, mark: Watermark) -> datetime | None:
    """The first instant at which there will be something to decide; None when there never will."""
    if not mark.enabled:
        return None
    coming = mark.schedule.next_occurrence(mark.at)
    return None if coming is None else coming + jitter_of(key, mark.schedule)


def decide(
    key: str, schedule: Schedule | None, mark: Watermark | None, now: datetime, *, enabled: bool = True
) -> Decision | None:
    """What is to be done for the job `key`, whose definition now says `schedule` and `enabled`.

    `mark` is what the ledger keeps; None for a job that it has not seen, which starts now. None is returned when
    nothing is to be written: nothing became due, and nothing was edited.
    """
    now = now.astimezone(UTC)
    if mark is None:
        if schedule is None:
            return None
        return Decision(watermark=Watermark(at=now, schedule=schedule, enabled=enabled))
    if schedule is None:
        return replace(_decide(key, mark, now) or _NOTHING, watermark=None)
    if timing(schedule) == timing(mark.schedule) and enabled == mark.enabled:
        return _decide(key, replace(mark, schedule=schedule), now)
    # The clock may have been set back: a watermark never is.
    fresh = Watermark(at=max(now, mark.at), schedule=schedule, enabled=enabled)
    return replace(_decide(key, mark, now) or _NOTHING, watermark=fresh)


def timing(schedule: Schedule) -> tuple[object, ...]:
    """What makes a schedule another one. How it catches up, and how late it may start, do not."""
    return (
        schedule.cron, schedule.timezone, schedule.calendar, schedule.jitter, schedule.not_before, schedule.not_after
    )  # fmt: skip


def _decide(key: str, mark: Watermark, now: datetime) -> Decision | None:
    if not mark.enabled:
        return None
    offset = jitter_of(key, mark.schedule)
    horizon = now - offset
    if horizon <= mark.at:
        return None
    found = _Recent(_instants(mark.schedule, mark.at, horizon))
    if found.last is None:
        return None
    policy = mark.schedule.catch_up
    tolerated = mark.schedule.start_deadline if policy != "skip" else min(mark.schedule.start_deadline, ON_TIME)
    earliest = horizon - timedelta(seconds=tolerated)
    start = [instant for instant in found.kept if instant >= earliest]
    if policy != "all":
        start = start[-1:]
    chosen = set(start)
    return Decision(
        start=tuple(start),
        missed=tuple(instant for instant in found.kept if instant not in chosen),
        older=found.older,
        watermark=replace(mark, at=found.last),
    )


def _instants(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    last = int(until.timestamp() // 1)
    for instant in takewhile(lambda one: one <= last, schedule.instants(int(after.timestamp() // 1))):
        yield datetime.fromtimestamp(instant, UTC)


class _Recent:
    """The newest `MOST` of ascending instants, and a summary of those before them."""

    def __init__(self, instants: Iterator[datetime]) -> None:
        self.kept: deque[datetime] = deque()
        self.older: MissedSpan | None = None
        for instant in instants:
            self.kept.append(instant)
            if len(self.kept) > MOST:
                left = self.kept.popleft()
                before: MissedSpan | None = self.older
                self.older = MissedSpan(
                    count=before.count + 1 if before else 1, first=before.first if before else left, last=left
                )

    @property
    def last(self) -> datetime | None:
        return self.kept[-1] if self.kept else None
