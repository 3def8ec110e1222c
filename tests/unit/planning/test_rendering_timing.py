"""Coming runs, before and after: in the job's zone, from an instant that is given, stable until one has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interact_gitops.jobs.model import FanOut
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.rendering.styled import plain
from interact_gitops.planning.rendering.timing import coming_details, outlook, timing_details
from interact_gitops.schedule import Schedule

from .conftest import NOW, definition

MONDAY = Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam")
HOURLY = Schedule(cron="@hourly")
FOUR = FanOut(matrix={"a": (1, 2), "b": (1, 2)})


def wire(**fields: Any) -> dict[str, Any]:
    return job_to_wire(definition("a", **fields).job)


def change(before: dict[str, Any], after: dict[str, Any], now: datetime = NOW) -> list[str]:
    return [plain([one.parts]) for one in timing_details(before, after, now)]


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        (wire(schedule=MONDAY), wire(schedule=Schedule(cron="0 8 * * 1,4", timezone="Asia/Kolkata")), [
            "next runs before: Mon 2026-11-30 08:00 CET, Mon 2026-12-07 08:00 CET, Mon 2026-12-14 08:00 CET",
            "next runs after: Thu 2026-11-26 08:00 IST, Mon 2026-11-30 08:00 IST, Thu 2026-12-03 08:00 IST",
            "runs a month: about 4.3 → about 8.7",
        ]),
        (wire(schedule=MONDAY), wire(schedule=MONDAY, fan_out=FOUR), ["chats a month: about 4.3 → 17"]),
        (wire(schedule=HOURLY, fan_out=FOUR), wire(fan_out=FOUR), [
            "next runs before: Mon 2026-11-23 13:00 UTC, Mon 2026-11-23 14:00 UTC, Mon 2026-11-23 15:00 UTC",
            "next runs after: none, by hand",
            "runs a month: 730 → 0",
            "chats a month: 2,920 → 0",
        ]),
        (wire(schedule=MONDAY), wire(schedule=MONDAY, enabled=False), [
            "next runs before: Mon 2026-11-30 08:00 CET, Mon 2026-12-07 08:00 CET, Mon 2026-12-14 08:00 CET",
            "next runs after: none, switched off",
            "runs a month: about 4.3 → 0",
        ]),
        (wire(schedule=MONDAY), wire(schedule=Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam", jitter=60)), []),
        (wire(), wire(fan_out=FOUR), []),
        (wire(enabled=False, schedule=MONDAY), wire(enabled=False, schedule=HOURLY), []),
    ],
)  # fmt: skip
def test_a_change_of_timing(before: dict[str, Any], after: dict[str, Any], rows: list[str]) -> None:
    assert change(before, after) == rows


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"schedule": Schedule(cron="0 12 1 * *")},
         ["next runs: Tue 2026-12-01 12:00 UTC, Fri 2027-01-01 12:00 UTC, Mon 2027-02-01 12:00 UTC", "a month: 1 run"]),
        ({"schedule": Schedule(cron="0 12 1 * *", timezone="Asia/Dubai"), "fan_out": FOUR}, [
            "next runs: Tue 2026-12-01 12:00 +04, Fri 2027-01-01 12:00 +04, Mon 2027-02-01 12:00 +04",
            "a month: 1 run, 4 chats",
        ]),
        ({"schedule": HOURLY, "enabled": False}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_what_is_to_come_of_a_new_job(fields: dict[str, Any], rows: list[str]) -> None:
    assert [plain([one.parts]) for one in coming_details(wire(**fields), NOW)] == rows


def test_a_window_that_ends() -> None:
    until = Schedule(cron="@daily", not_after=NOW.date() + timedelta(days=2))
    assert outlook(wire(schedule=until), NOW).next_runs == (
        "Tue 2026-11-24 00:00 UTC, Wed 2026-11-25 00:00 UTC, then no more"
    )
    past = outlook(wire(schedule=until), NOW + timedelta(days=9))
    assert (past.next_runs, past.runs, past.chats) == ("none", 0, 0)


def test_a_schedule_of_the_target_that_is_none_to_us() -> None:
    body = {**wire(), "schedule": {"cron": "nonsense"}}
    assert outlook(body, NOW).next_runs == "unknown"


def test_the_words_change_only_when_a_run_has_passed() -> None:
    """Also over the end of a month, which runs a month are counted from."""
    fields = [wire(schedule=MONDAY, fan_out=FOUR), wire(schedule=Schedule(cron="5 4 * * 1"))]
    passing = [datetime(2026, 11, 30, 4, 5, tzinfo=UTC), datetime(2026, 11, 30, 7, tzinfo=UTC)]
    said = {
        tuple(change(*fields, now=NOW + timedelta(hours=hours)))
        for hours in range(24 * 20)
        if not any(NOW <= run <= NOW + timedelta(hours=hours) for run in passing)
    }
    assert len(said) == 1
    later = tuple(change(*fields, now=passing[0]))
    assert later not in said
    weeks = {tuple(change(*fields, now=passing[1] + timedelta(hours=hours))) for hours in range(24 * 6)}
    assert len(weeks) == 1  # the first of December is among these
