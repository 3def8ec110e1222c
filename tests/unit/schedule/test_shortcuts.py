"""Shortcuts are the expressions they stand for; business days are counted from calendars."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest

from interact_gitops.schedule import business_days, next_occurrence, occurrences, upcoming

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shortcut", "cron"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@daily 08:30", "30 8 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@weekly 08:00", "0 8 * * 0"),
        ("@monthly 23:59", "59 23 1 * *"),
        ("@quarterly", "0 0 1 1,4,7,10 *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually 7:05", "5 7 1 1 *"),
        ("@weekdays 09:00", "0 9 * * 1-5"),
    ],
)
def test_a_shortcut_is_its_expression(shortcut, cron):
    zone = "Europe/Amsterdam"
    assert occurrences(shortcut, zone, START, END) == occurrences(cron, zone, START, END)


def weekdays(year, month):
    days = (date(year, month, day + 1) for day in range(monthrange(year, month)[1]))
    return [day for day in days if day.weekday() < 5]


@pytest.mark.parametrize(
    ("shortcut", "pick"),
    [
        ("@first-weekday", lambda days: days[:1]),
        ("@last-weekday", lambda days: days[-1:]),
        ("@weekdays", lambda days: days),
        ("@nth-weekday(1)", lambda days: days[:1]),
        ("@nth-weekday(5)", lambda days: days[4:5]),
        ("@nth-weekday(22)", lambda days: days[21:22]),
        ("@nth-weekday(23)", lambda days: days[22:23]),
    ],
)
def test_business_days_of_fifty_years(shortcut, pick):
    expected = [day for year in range(2000, 2050) for month in range(1, 13) for day in pick(weekdays(year, month))]
    found = occurrences(f"{shortcut} 08:00", "UTC", datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC))
    assert [when.date() for when in found] == expected
    assert {(when.hour, when.minute) for when in found} == {(8, 0)}


def test_a_holiday_is_no_business_day():
    """1 May 2026 is a Friday, and a public holiday in Austria but not in the Netherlands."""
    after = datetime(2026, 4, 30, 12, tzinfo=UTC)
    assert next_occurrence("@first-weekday 08:00", "Europe/Vienna", after).date() == date(2026, 5, 1)
    assert next_occurrence("@first-weekday 08:00", "Europe/Vienna", after, "AT").date() == date(2026, 5, 4)
    assert next_occurrence("@first-weekday 08:00", "Europe/Vienna", after, "NL").date() == date(2026, 5, 1)


def test_the_last_business_day_before_the_new_year_of_a_bank():
    december = datetime(2027, 12, 1, tzinfo=UTC)
    assert next_occurrence("@last-weekday", "UTC", december, "NYSE").date() == date(2027, 12, 31)
    assert next_occurrence("@nth-weekday(18)", "UTC", december, "ECB").date() == date(2027, 12, 24)


def test_weekdays_leave_out_the_holidays():
    found = occurrences("@weekdays", "UTC", datetime(2026, 12, 20, tzinfo=UTC), END, "DE-BY")[:6]
    assert [when.day for when in found] == [21, 22, 23, 24, 28, 29]


def test_a_month_with_too_few_business_days_is_left_out():
    found = upcoming("@nth-weekday(23)", "UTC", START)
    assert [f"{next(found):%Y-%m}" for _ in range(3)] == ["2026-07", "2026-12", "2027-03"]


def test_a_month_without_any_business_day_has_no_last_one():
    from interact_gitops.schedule.shortcuts import BusinessDays

    assert BusinessDays(which="last").of(0) == 0
    assert BusinessDays(which="nth", nth=3).of(0) == 0


def test_a_business_day_is_a_fixed_job():
    """02:30 on Friday 2005-04-01 was skipped nowhere, but Amman sprang forward at midnight that day."""
    found = occurrences(
        "@first-weekday 00:30", "Asia/Amman", datetime(2005, 3, 31, tzinfo=UTC), datetime(2005, 4, 2, tzinfo=UTC)
    )
    assert found == [datetime(2005, 3, 31, 22, tzinfo=UTC)]
    assert found[0] + timedelta(hours=3) == datetime(2005, 4, 1, 1, tzinfo=UTC)


def test_masks_of_business_days():
    assert business_days(None, 2026, 2) == sum(1 << day.day for day in weekdays(2026, 2))
    assert not business_days("NL", 2026, 4) >> 27 & 1
