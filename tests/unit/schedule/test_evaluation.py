"""What holds of every expression, and the far and rare ones."""

import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import next_occurrence, occurrences, upcoming

EXPRESSIONS = [
    "* * * * *", "*/7 */5 * * *", "30 2 * * *", "0,30 0-3 * * *", "15 */3 * * 0", "0 0 13 * 5", "0 0 */2 * 1",
    "@hourly", "@daily 02:15", "@weekdays 00:30", "@first-weekday 02:30", "@last-weekday", "@nth-weekday(3)",
    "59 23 31 12 *", "0 0 29 2 *", "0 3 1-7 * *",
]  # fmt: skip
ZONES = [
    "UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll",
    "America/St_Johns", "Pacific/Apia", "Asia/Gaza", "Africa/Casablanca", "America/Havana",
]  # fmt: skip
moments = st.datetimes(
    datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")])
)
spans = st.integers(0, 6 * 86400).map(lambda s: timedelta(seconds=s, microseconds=s % 7))
SPRING = datetime(2026, 3, 28, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, tzinfo=UTC)
near_changes = st.sampled_from([SPRING, AUTUMN]) | moments


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), near_changes, spans, spans)
def test_occurrences_add_up_ascend_and_stay_inside(expression, zone, start, first, second):
    middle, end = start + first, start + first + second
    whole = occurrences(expression, zone, start, end)
    assert whole == occurrences(expression, zone, start, middle) + occurrences(expression, zone, middle, end)
    assert all(a < b for a, b in pairwise(whole))
    assert all(start < when <= end and when.tzinfo is UTC for when in whole)
    assert whole == list(upcoming(expression, zone, start, until=end))
    assert whole == list(islice(upcoming(expression, zone, start), len(whole)))


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), near_changes)
def test_next_is_later_and_nothing_is_between(expression, zone, start):
    following = next_occurrence(expression, zone, start)
    assert following is not None
    assert following > start
    assert occurrences(expression, zone, start, following) == [following]


def test_after_is_left_out_and_until_is_in():
    eight = datetime(2026, 1, 5, 8, tzinfo=UTC)
    moment = timedelta(microseconds=1)
    assert occurrences("0 8 * * *", "UTC", eight - moment, eight) == [eight]
    assert occurrences("0 8 * * *", "UTC", eight, eight + moment) == []
    assert occurrences("0 8 * * *", "UTC", eight - timedelta(days=1), eight - moment) == []
    assert occurrences("0 8 * * *", "UTC", eight, eight - timedelta(days=9)) == []


def test_bounds_may_be_in_any_zone():
    after = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Asia/Tokyo"))
    until = datetime(2026, 1, 5, 3, tzinfo=ZoneInfo("America/New_York"))
    assert occurrences("0 8 * * *", "UTC", after, until) == [datetime(2026, 1, 5, 8, tzinfo=UTC)]


def test_a_datetime_without_a_zone_is_refused(now):
    with pytest.raises(TypeError, match="2026-01-01T00:00:00 has no time zone: pass an aware datetime"):
        occurrences("@daily", "UTC", datetime(2026, 1, 1), now)
    with pytest.raises(TypeError, match="has no time zone"):
        occurrences("@daily", "UTC", now, datetime(2026, 1, 1))


def test_faults_are_raised_by_the_call(now):
    with pytest.raises(ScheduleInvalid, match="no time zone 'Nowhere'"):
        upcoming("@daily", "Nowhere", now)
    with pytest.raises(ScheduleInvalid, match="no shortcut"):
        upcoming("@dayly", "UTC", now)


def test_leap_days_leave_out_2100():
    found = upcoming("0 12 29 2 *", "Europe/Amsterdam", datetime(2092, 3, 1, tzinfo=UTC))
    assert [when.year for when in islice(found, 3)] == [2096, 2104, 2108]


def test_a_leap_day_on_a_weekday_may_be_forty_years_away():
    found = upcoming("0 12 29 2 */7", "Europe/Amsterdam", datetime(2050, 1, 1, tzinfo=UTC))
    assert [when.year for when in islice(found, 4)] == [2060, 2088, 2128, 2156]


def test_searches_end():
    started = time.monotonic()
    leap_weekends = upcoming("0 0 29 2 */6", "America/New_York", datetime(2150, 1, 1, tzinfo=UTC))
    assert [when.year for when in leap_weekends] == [2156, 2172, 2184]
    in_2199 = datetime(2199, 12, 1, tzinfo=UTC)
    assert len(occurrences("@daily", "UTC", in_2199, datetime(2300, 1, 1, tzinfo=UTC))) == 30
    last = datetime(2199, 12, 31, 23, 59, tzinfo=UTC)
    assert next_occurrence("* * * * *", "UTC", last) is None
    assert next_occurrence("* * * * *", "UTC", last - timedelta(minutes=1)) == last
    assert next_occurrence("0 0 29 2 *", "Asia/Tokyo", datetime(2199, 1, 1, tzinfo=UTC)) is None
    assert next_occurrence("* * * * *", "UTC", datetime.max.replace(tzinfo=UTC)) is None
    assert list(upcoming("0 12 31 12 *", "Pacific/Apia", datetime(2199, 1, 1, tzinfo=UTC))) == [
        datetime(2199, 12, 30, 23, tzinfo=UTC)
    ]
    assert time.monotonic() - started < 5


def test_nothing_before_1900():
    first = next_occurrence("@daily", "UTC", datetime.min.replace(tzinfo=UTC))
    assert first == datetime(1900, 1, 1, tzinfo=UTC)


def test_a_year_left_out_is_not_lost_between_stretches():
    """A rare job jumps over the stretches in between; a job of 29 February is in each of them or none."""
    start, end = datetime(1990, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
    found = occurrences("30 2 29 2,3 *", "Europe/Amsterdam", start, end)
    tz = ZoneInfo("Europe/Amsterdam")
    assert [when.astimezone(tz).date() for when in found] == [
        date(year, month, 29) for year in range(1990, 2060) for month in (2, 3) if month == 3 or year % 4 == 0
    ]


def test_importing_is_light():
    heavy = ["croniter", "holidays", "cron_descriptor", "zoneinfo"]
    program = f"import sys, interact_gitops.schedule; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
