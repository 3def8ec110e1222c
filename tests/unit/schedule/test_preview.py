"""Rows for people: UTC, wall clock, and what the clock did."""

from datetime import UTC, datetime, timedelta

from interact_gitops.schedule import Schedule, preview

SPRING = datetime(2026, 3, 29, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)


def rows(cron, start, hours=3, **more):
    schedule = Schedule(cron=cron, timezone="Europe/Amsterdam", **more)
    found = preview(schedule, start - timedelta(seconds=1), start + timedelta(hours=hours))
    return [(f"{row.utc:%H:%M}", f"{row.local:%H:%M%z}", row.note) for row in found]


def test_a_gap_is_noted():
    assert rows("30 2 * * *", SPRING) == [("01:00", "03:00+0200", "clock went forward: 02:30 → 03:00")]
    assert rows("0,15,30 2 * * *", SPRING)[0][2] == "clock went forward: 02:00, 02:15, 02:30 → 03:00"
    assert rows("0-59 2 * * *", SPRING)[0][2] == "clock went forward: 02:00, 02:01, 02:02 and 57 more → 03:00"
    assert rows("*/30 3 * * *", SPRING, 2) == [("01:00", "03:00+0200", None), ("01:30", "03:30+0200", None)]


def test_a_repeated_hour_is_noted():
    assert rows("30 2 * * *", AUTUMN) == [
        ("00:30", "02:30+0200", "clock goes back: 02:30 comes twice, this is the only run")
    ]
    assert rows("30 * * * *", AUTUMN, 2) == [
        ("00:30", "02:30+0200", "clock goes back: 02:30 comes twice, this is the first run"),
        ("01:30", "02:30+0100", "clock went back: 02:30 for the second time"),
    ]


def test_without_a_bound_there_are_ten():
    schedule = Schedule(cron="@hourly")
    found = preview(schedule, AUTUMN)
    assert [row.utc.hour for row in found] == list(range(1, 11))
    assert found[0].local == found[0].utc
    assert {row.note for row in found} == {None}


def test_count_and_until_both_bound():
    schedule = Schedule(cron="@hourly")
    assert len(preview(schedule, AUTUMN, count=3)) == 3
    assert len(preview(schedule, AUTUMN, AUTUMN + timedelta(hours=2), count=3)) == 2
    assert len(preview(schedule, AUTUMN, AUTUMN + timedelta(hours=20))) == 20
