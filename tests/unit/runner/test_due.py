"""What is due: watermarks, edits, catch-up, deadlines, jitter. The oracle is a loop over every tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.runner import due
from interact_gitops.runner.due import Decision, Watermark, decide, due_at, jitter_of, timing
from interact_gitops.schedule import Schedule

DAY = datetime(2026, 11, 23, tzinfo=UTC)
HOURLY = Schedule(cron="0 * * * *")


def at(hour: float, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour)


def mark(hour: float, schedule: Schedule = HOURLY, **fields: object) -> Watermark:
    return Watermark(at=at(hour), schedule=schedule, **fields)


def test_a_job_seen_for_the_first_time_starts_now():
    assert decide("j", HOURLY, None, at(8.5)) == Decision(watermark=mark(8.5))
    assert decide("j", None, None, at(8.5)) is None


def test_nothing_is_due_before_its_time_and_nothing_is_written():
    assert decide("j", HOURLY, mark(8), at(8.99)) is None
    assert due_at("j", mark(8)) == at(9)


def test_an_occurrence_is_due_at_its_instant_and_once():
    decision = decide("j", HOURLY, mark(8.5), at(9))
    assert decision == Decision(start=(at(9),), watermark=mark(9))
    assert decide("j", HOURLY, decision.watermark, at(9)) is None
    assert decide("j", HOURLY, decision.watermark, at(8)) is None  # the clock was set back


@pytest.mark.parametrize(
    ("policy", "start", "missed"),
    [("latest", [12], [9, 10, 11]), ("all", [10, 11, 12], [9]), ("skip", [], [9, 10, 11, 12])],
)
def test_after_downtime(policy, start, missed):
    schedule = replace(HOURLY, catch_up=policy, start_deadline=3 * 3600)
    decision = decide("j", schedule, mark(8.5, schedule), at(12.99))
    assert decision.start == tuple(at(hour) for hour in start)
    assert decision.missed == tuple(at(hour) for hour in missed)
    assert decision.watermark == mark(12, schedule)


def test_skip_still_starts_what_is_hardly_late():
    schedule = replace(HOURLY, catch_up="skip")
    assert decide("j", schedule, mark(7.5, schedule), at(9.15)).start == (at(9),)
    assert decide("j", schedule, mark(7.5, schedule), at(9.17)).start == ()


def test_later_than_the_deadline_is_missed():
    schedule = replace(HOURLY, cron="0 8 * * *", start_deadline=3600)
    assert decide("j", schedule, mark(7, schedule), at(9)).start == (at(8),)
    decision = decide("j", schedule, mark(7, schedule), at(9) + timedelta(seconds=1))
    assert (decision.start, decision.missed) == ((), (at(8),))


def test_an_edit_decides_the_old_schedule_first_and_is_never_retroactive():
    new = Schedule(cron="30 * * * *")
    decision = decide("j", new, mark(8.5), at(9.75))
    assert decision == Decision(start=(at(9),), watermark=mark(9.75, new))
    assert decide("j", new, mark(9), at(9.75)) == Decision(watermark=mark(9.75, new))
    assert decide("j", new, mark(9), at(8)).watermark.at == at(9)  # never back


def test_how_it_catches_up_can_be_edited_without_a_new_start():
    later = replace(HOURLY, catch_up="all", start_deadline=86_400)
    assert decide("j", later, mark(7.5), at(10.5)).start == (at(8), at(9), at(10))


def test_a_schedule_that_is_taken_away_is_decided_up_to_then():
    assert decide("j", None, mark(8.5), at(9.5)) == Decision(start=(at(9),), watermark=None)
    assert decide("j", None, mark(8.5), at(8.6)) == Decision(watermark=None)


def test_switched_off_nothing_is_due_and_on_again_it_starts_then():
    off = decide("j", HOURLY, mark(8.5), at(9.5), enabled=False)
    assert off == Decision(start=(at(9),), watermark=mark(9.5, enabled=False))
    assert due_at("j", off.watermark) is None
    assert decide("j", HOURLY, off.watermark, at(12.5), enabled=False) is None
    assert decide("j", HOURLY, off.watermark, at(12.5)) == Decision(watermark=mark(12.5))


def test_jitter_is_the_jobs_own_and_always_the_same():
    schedule = replace(HOURLY, jitter=600)
    offsets = {key: jitter_of(key, schedule) for key in map(str, range(200))}
    assert offsets == {key: jitter_of(key, schedule) for key in offsets}
    assert len(set(offsets.values())) > 100
    assert all(timedelta(0) <= offset <= timedelta(seconds=600) for offset in offsets.values())
    key = max(offsets, key=lambda one: offsets[one])
    assert decide(key, schedule, mark(8.5, schedule), at(9)) is None
    assert due_at(key, mark(8.5, schedule)) == at(9) + offsets[key]
    assert decide(key, schedule, mark(8.5, schedule), at(9) + offsets[key]).start == (at(9),)
    assert jitter_of(key, HOURLY) == timedelta(0)


def test_a_year_of_downtime_stops_nothing_and_is_told(monkeypatch):
    monkeypatch.setattr(due, "MOST", 10)
    schedule = replace(HOURLY, catch_up="all", start_deadline=400 * 86_400)
    decision = decide("j", schedule, mark(0.5, schedule), at(0, day=365))
    assert len(decision.start) == 10
    assert decision.start[-1] == at(0, day=365)
    assert decision.older.count == 365 * 24 - 10
    assert (decision.older.first, decision.older.last) == (at(1), decision.start[0] - timedelta(hours=1))


def test_a_window_that_has_ended_is_never_due():
    over = replace(HOURLY, not_after=(DAY - timedelta(days=3)).date())
    assert due_at("j", mark(0, over)) is None
    assert timing(over) != timing(HOURLY)


schedules = st.builds(
    Schedule,
    cron=st.sampled_from(["*/7 * * * *", "0 * * * *", "30 2 * * *", "@first-weekday 08:00", "15 1,13 * * 1-5"]),
    timezone=st.sampled_from(["UTC", "Europe/Amsterdam", "Australia/Lord_Howe", "America/New_York"]),
    catch_up=st.sampled_from(["skip", "latest", "all"]),
    start_deadline=st.sampled_from([0, 60, 3_600, 86_400]),
    jitter=st.sampled_from([0, 90, 3_600]),
)
spring = datetime(2026, 3, 28, 22, tzinfo=UTC)


@given(schedules, st.lists(st.integers(1, 900), min_size=1, max_size=40), st.sampled_from([spring, DAY]))
def test_every_occurrence_is_decided_exactly_once_whatever_the_ticks(schedule, minutes, begin):
    now, watermark = begin, Watermark(at=begin, schedule=schedule)
    decided: list[datetime] = []
    for step in minutes:
        now += timedelta(minutes=step)
        decision = decide("j", schedule, watermark, now)
        if decision is not None:
            decided += sorted((*decision.start, *decision.missed))
            watermark = decision.watermark
            assert due_at("j", watermark) is None or due_at("j", watermark) > now
    horizon = now - jitter_of("j", schedule)
    assert decided == [one for one in schedule.occurrences(begin, horizon) if one > begin]
