"""A job's schedule: its window, and how often it runs."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import Schedule, occurrences, runs_per_month


def test_defaults():
    schedule = Schedule(cron="0 8 * * 1")
    assert (schedule.timezone, schedule.calendar, schedule.catch_up) == ("UTC", None, "latest")
    assert (schedule.start_deadline, schedule.jitter) == (21600, 0)
    assert (schedule.not_before, schedule.not_after) == (None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.cron = "@daily"
    with pytest.raises(TypeError):
        Schedule("0 8 * * 1")


def test_occurrences_are_those_of_the_expression(now):
    schedule = Schedule(cron="@first-weekday 08:00", timezone="Europe/Vienna", calendar="AT")
    until = now + timedelta(days=365)
    expected = occurrences(schedule.cron, schedule.timezone, now, until, "AT")
    assert schedule.occurrences(now, until) == expected
    assert schedule.upcoming(now, 3) == expected[:3]
    assert schedule.next_occurrence(now) == expected[0]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Amsterdam"])
def test_the_window_is_of_whole_days_in_the_zone(zone, now):
    schedule = Schedule(cron="0 */6 * * *", timezone=zone, not_before=date(2026, 3, 1), not_after=date(2026, 3, 2))
    found = schedule.occurrences(now, now + timedelta(days=365))
    from zoneinfo import ZoneInfo

    local = [f"{when.astimezone(ZoneInfo(zone)):%d %H}" for when in found]
    assert local == ["01 00", "01 06", "01 12", "01 18", "02 00", "02 06", "02 12", "02 18"]
    assert schedule.upcoming(found[-1], 5) == []
    assert schedule.next_occurrence(found[-1]) is None


def test_a_window_open_at_one_end(now):
    before = Schedule(cron="@daily", not_after=date(2026, 1, 3))
    assert [when.day for when in before.upcoming(now, 9)] == [2, 3]
    since = Schedule(cron="@daily", not_before=date(2026, 2, 3))
    assert [f"{when:%m-%d}" for when in since.upcoming(now, 2)] == ["02-03", "02-04"]
    assert since.upcoming(datetime(2026, 5, 1, tzinfo=UTC), 1) == [datetime(2026, 5, 2, tzinfo=UTC)]
    assert Schedule(cron="@daily", not_before=date.max).upcoming(now, 1) == []
    assert Schedule(cron="@daily", not_after=date.min).upcoming(now, 1) == []
    assert len(Schedule(cron="@daily", not_before=date.min, not_after=date.max).upcoming(now, 2)) == 2


def test_a_window_that_ends_inside_a_repeated_evening():
    """Saturday 17 February 2018 had 25 hours in São Paulo; its second 23:30 belongs to it."""
    schedule = Schedule(
        cron="*/30 23 * * *", timezone="America/Sao_Paulo", not_after=date(2018, 2, 17), not_before=date(2018, 2, 17)
    )
    found = schedule.upcoming(datetime(2018, 1, 1, tzinfo=UTC), 9)
    assert [f"{when:%d %H:%M}" for when in found] == ["18 01:00", "18 01:30", "18 02:00", "18 02:30"]


@pytest.mark.parametrize(
    "bad", [{"cron": "x"}, {"timezone": "Nowhere"}, {"calendar": "XX"}], ids=["cron", "timezone", "calendar"]
)
def test_methods_refuse_what_is_wrong(bad, now):
    schedule = Schedule(**({"cron": "@daily"} | bad))
    with pytest.raises(ScheduleInvalid):
        schedule.upcoming(now, 1)


def test_runs_per_month():
    since = date(2026, 3, 15)
    assert runs_per_month("@daily", since=since) == pytest.approx(365 / 12)
    assert runs_per_month("* * * * *", since=since) == 365 * 1440 / 12
    assert runs_per_month("0 8,20 1 * *", since=since) == 2
    assert runs_per_month("0 0 29 2 *", since=since) == 0
    assert runs_per_month("0 0 29 2 *", since=date(2027, 3, 1)) == 1 / 12
    assert runs_per_month("@weekdays", since=date(2026, 1, 31)) == 261 / 12
    assert runs_per_month("@weekdays", "NL", since=date(2026, 1, 31)) == 254 / 12
    scheduled = Schedule(cron="@weekdays", calendar="NL", not_after=date(2026, 1, 31))
    assert runs_per_month(scheduled, since=date(2026, 1, 1)) == 254 / 12
