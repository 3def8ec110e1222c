"""Named clock changes of every odd kind, and an oracle that asks zoneinfo minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interact_gitops.schedule import occurrences


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression, zone, day, days=2):
    """UTC times, as text, of the `days` days from the UTC date `day` on."""
    start = utc(day) - timedelta(seconds=1)
    found = occurrences(expression, zone, start, start + timedelta(days=days))
    return [f"{when:%m-%dT%H:%M:%S}".removesuffix(":00") for when in found]


CASES = [
    # one hour, at 02:00
    ("30 2 * * *", "Europe/Amsterdam", "2026-03-28", ["03-28T01:30", "03-29T01:00"], "a gap is made up for at its end"),
    (
        "0,30 2 * * *",
        "Europe/Amsterdam",
        "2026-03-29",
        ["03-29T01:00", "03-30T00:00", "03-30T00:30"],
        "once, not twice",
    ),
    (
        "0 2,3 * * *",
        "Europe/Amsterdam",
        "2026-03-29",
        ["03-29T01:00", "03-30T00:00", "03-30T01:00"],
        "the gap's end itself",
    ),
    ("30 2 * * *", "Europe/Amsterdam", "2026-10-25", ["10-25T00:30", "10-26T01:30"], "the first of two"),
    ("0 */2 * * *", "Europe/Amsterdam", "2026-03-29", ["03-29T02:00"], "a wildcard job skips", 0.1),
    (
        "*/30 2 * * *",
        "Europe/Amsterdam",
        "2026-10-25",
        ["10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30"],
        "a wildcard job repeats",
        1,
    ),
    # half an hour
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["10-03T15:30", "10-04T15:15"], "02:00 → 02:30 at 15:30 UTC"),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-03", ["04-03T14:45", "04-04T14:45"], "02:00 → 01:30"),
    (
        "*/15 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04",
        ["04-04T14:00", "04-04T14:15", "04-04T14:30", "04-04T14:45", "04-04T15:00", "04-04T15:15"],
        "half an hour repeats",
        1,
    ),
    # an odd offset, at 02:45
    ("0 3 * * *", "Pacific/Chatham", "2026-09-26", ["09-26T14:00", "09-27T13:15"], "02:45 → 03:45 at 14:00 UTC"),
    ("0 3 * * *", "Pacific/Chatham", "2026-04-03", ["04-03T13:15", "04-04T13:15"], "03:45 → 02:45"),
    # two hours
    ("30 1 * * *", "Antarctica/Troll", "2026-03-29", ["03-29T01:00", "03-29T23:30"], "01:00 → 03:00", 1),
    ("30 2 * * *", "Antarctica/Troll", "2026-03-29", ["03-29T01:00", "03-30T00:30"], "01:00 → 03:00"),
    ("30 1 * * *", "Antarctica/Troll", "2026-10-24", ["10-24T23:30", "10-26T01:30"], "03:00 → 01:00", 2.1),
    # at midnight
    ("30 0 * * *", "America/Havana", "2026-03-07", ["03-07T05:30", "03-08T05:00"], "00:00 → 01:00"),
    ("0 0 * * *", "America/Havana", "2026-11-01", ["11-01T04:00", "11-02T05:00"], "01:00 → 00:00"),
    ("30 23 * * 6", "America/Sao_Paulo", "2018-02-17", ["02-18T01:30"], "00:00 Sunday → 23:00 Saturday"),
    ("1 0 * * *", "America/St_Johns", "2010-03-13", ["03-13T03:31", "03-14T03:31"], "00:01 → 01:01"),
    ("30 23 6 11 *", "America/St_Johns", "2010-11-06", ["11-07T02:00"], "00:01 → 23:01 of the day before"),
    # days and the date line
    (
        "0 12 * * *",
        "Pacific/Apia",
        "2011-12-28",
        ["12-28T22:00", "12-29T22:00", "12-30T22:00"],
        "30 December never was",
        3,
    ),
    ("0 12 30 12 *", "Pacific/Apia", "2011-12-28", [], "a whole day is not made up for", 4),
    (
        "0 12 * * *",
        "Pacific/Kwajalein",
        "1969-09-29",
        ["09-29T01:00", "09-30T01:00", "10-02T00:00"],
        "a day came twice, 23 hours apart",
        4,
    ),
    # three hours are made up for, as the rule says, and no more
    ("30 3 * * *", "Antarctica/Casey", "2009-10-17", ["10-17T18:00"], "02:00 → 05:00", 1),
    # seconds
    ("10 0 * * *", "Africa/Monrovia", "1972-01-06", ["01-06T00:54:30", "01-07T00:44:30"], "00:00 → 00:44:30"),
    # none at all
    ("30 2 * * *", "UTC", "2026-03-28", ["03-28T02:30", "03-29T02:30"], "no clock changes"),
    ("30 2 * * *", "Asia/Kolkata", "2026-03-28", ["03-28T21:00", "03-29T21:00"], "no clock changes"),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{c[1]} {c[4]}" for c in CASES])
def test_named(case):
    expression, zone, day, expected, _why, *days = case
    assert fires(expression, zone, day, *days) == expected


# (zone, a UTC date near the change): modern ones, whose offsets are whole minutes.
NEAR = [
    ("Europe/Amsterdam", "2026-03-29"), ("Europe/Amsterdam", "2026-10-25"), ("Australia/Lord_Howe", "2026-04-04"),
    ("Australia/Lord_Howe", "2026-10-03"), ("Pacific/Chatham", "2026-04-04"), ("Pacific/Chatham", "2026-09-26"),
    ("Antarctica/Troll", "2026-03-29"), ("Antarctica/Troll", "2026-10-25"), ("America/St_Johns", "2010-03-14"),
    ("America/St_Johns", "2010-11-07"), ("America/Havana", "2026-03-08"), ("America/Havana", "2026-11-01"),
    ("Pacific/Apia", "2011-12-30"), ("Asia/Pyongyang", "2015-08-14"), ("Asia/Pyongyang", "2018-05-04"),
    ("America/Caracas", "2007-12-09"), ("Africa/Casablanca", "2026-02-15"), ("Antarctica/Casey", "2010-03-04"),
    ("Atlantic/Azores", "2026-10-25"), ("America/Sao_Paulo", "2018-11-04"), ("Asia/Kathmandu", "2026-05-05"),
]  # fmt: skip


def subset(low, high):
    few = st.sets(st.integers(low, high), min_size=1, max_size=4)
    return few.map(lambda values: (",".join(map(str, sorted(values))), values))


def starred(low, high):
    every = st.just(("*", set(range(low, high + 1))))
    steps = st.integers(2, 20).map(lambda n: (f"*/{n}", set(range(low, high + 1, n))))
    return every | steps


def oracle(columns, tz, after, until):
    """Minute by minute, and by PEP 495's fold: another road to the same rule."""
    (minute, minutes), (hour, hours), (day, days), (_month, months), (weekday, weekdays) = columns
    fixed = not (minute.startswith("*") or hour.startswith("*"))
    both = day.startswith("*") or weekday.startswith("*")

    def matches(wall):
        by_day, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        fits = (by_day and by_weekday) if both else (by_day or by_weekday)
        return fits and wall.minute in minutes and wall.hour in hours and wall.month in months

    found = []
    when = after
    while (when := when + timedelta(minutes=1)) <= until:
        local = when.astimezone(tz)
        before = (when - timedelta(minutes=1)).astimezone(tz)
        jump = local.utcoffset() - before.utcoffset()
        hit = matches(local) and not (fixed and local.fold)
        if fixed and timedelta() < jump <= timedelta(hours=3):
            wall = local.replace(tzinfo=None) - jump
            while wall < local.replace(tzinfo=None):
                hit = hit or matches(wall)
                wall += timedelta(minutes=1)
        if hit:
            found.append(when)
    return found


@settings(max_examples=150)
@given(
    st.sampled_from(NEAR),
    st.tuples(
        subset(0, 59) | starred(0, 59),
        subset(0, 4) | subset(0, 23) | starred(0, 23),
        subset(1, 31) | starred(1, 31),
        starred(1, 12),
        subset(0, 6) | starred(0, 6),
    ),
)
def test_an_oracle_agrees(near, columns):
    name, day = near
    after = utc(day) - timedelta(hours=18)
    until = utc(day) + timedelta(hours=42)
    expression = " ".join(column[0] for column in columns)
    assert occurrences(expression, name, after, until) == oracle(columns, ZoneInfo(name), after, until)
