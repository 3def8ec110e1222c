"""Warnings about expressions that are right but surprising."""

from datetime import date

import pytest

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import Note, notes


def codes(expression, zone="UTC", calendar=None, **more):
    return [note.code for note in notes(expression, zone, calendar, **more)]


def test_a_time_that_the_clock_skips():
    assert notes("30 2 * * *", "Europe/Amsterdam") == [
        Note(
            code="clock-gap",
            message="02:30 does not exist in Europe/Amsterdam on 2026-03-29, when the clock goes forward:"
            " the job runs at 03:00 that day",
            remedy="choose a time outside 02:00–03:00 if that matters",
        )
    ]


def test_the_first_change_after_the_date_given_is_named():
    (note,) = notes("30 2 * * *", "Europe/Amsterdam", since=date(2027, 5, 1))
    assert "2028-03-26" in note.message


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("30 2 * * *", "America/New_York", ["clock-gap"]),
        ("15 2 * * *", "Australia/Lord_Howe", ["clock-gap"]),
        ("45 2 * * *", "Australia/Lord_Howe", []),
        ("@daily 00:30", "America/Havana", ["clock-gap"]),
        ("@weekdays 02:30", "Europe/Amsterdam", []),
        ("@weekdays 02:30", "Asia/Jerusalem", ["clock-gap"]),
        ("30 2 * * *", "UTC", []),
        ("30 2 * * *", "Asia/Tokyo", []),
        ("30 3 * * *", "Europe/Amsterdam", []),
        ("30 2 * * 1", "Europe/Amsterdam", []),
        ("0 * * * *", "Europe/Amsterdam", []),
        ("*/15 * * * *", "Europe/Amsterdam", []),
        ("*/15 4-6 * * *", "Europe/Amsterdam", []),
        ("*/15 2 * * *", "Europe/Amsterdam", ["clock-gap", "clock-repeat"]),
    ],
)
def test_clock_notes(expression, zone, expected):
    assert codes(expression, zone) == expected


def test_a_wildcard_job_loses_and_repeats():
    gap, repeat = notes("*/15 2 * * *", "Europe/Amsterdam")
    assert gap.message == (
        "the clock in Europe/Amsterdam goes forward on 2026-03-29: nothing runs 02:00–03:00 that day"
    )
    assert gap.remedy == (
        "choose times outside 02:00–03:00, or write minutes and hours without '*' to have a skipped run made up for"
    )
    assert repeat.message == (
        "the clock in Europe/Amsterdam goes back on 2026-10-25: the runs 02:00–03:00 happen twice that day"
    )
    assert repeat.remedy == "write minutes and hours without '*' to run once only"


def test_a_step_that_asks_for_both_days():
    (both, _uneven) = notes("0 0 */10 * 1", "UTC")
    assert both == Note(
        code="day-both",
        message="'*/10' in the day-of-month field begins with '*', so a day must match it and also '1' in the"
        " day-of-week field",
        remedy="write '1,11,21,31' if either is enough, or '*' if only '1' is meant",
    )
    assert codes("0 0 13 * */2") == ["day-both", "step-uneven"]
    assert codes("0 0 13 * 1") == []
    assert codes("0 0 * * 1") == []
    assert codes("0 0 */1 * 1") == []
    assert codes("0 0 */2 * 0-6") == ["step-uneven"]


def test_steps():
    assert notes("*/7 * * * *", "UTC") == [
        Note(
            code="step-uneven",
            message="the step of '*/7' in the minute field does not divide 60: after 56 it starts again at 0,"
            " 4 later instead of 7",
            remedy="use a step that divides 60, or list the values that are meant",
        )
    ]
    assert notes("0 20-23/6 * * *", "UTC") == [
        Note(
            code="step-beyond",
            message="the step of '20-23/6' in the hour field reaches beyond its range: only 20 is left",
            remedy="write '20', or a smaller step",
        )
    ]
    assert codes("*/15 */6 * */3 *") == []
    assert codes("0-59/7 * * * *") == ["step-uneven"]
    assert codes("0-50/7 * * * *") == []
    assert codes("0 */5 * * 1-7/2") == ["step-uneven"]


def test_a_calendar_without_business_days():
    (note,) = notes("0 8 * * 1", "UTC", "NL")
    assert note.code == "calendar-unused"
    assert "changes nothing" in note.message
    assert codes("@weekdays", "UTC", "NL") == []


def test_a_date_near_the_end_of_time():
    assert codes("30 2 * * *", "Europe/Amsterdam", since=date(9999, 1, 1)) == []


def test_what_is_wrong_is_refused():
    with pytest.raises(ScheduleInvalid):
        notes("0 8 * *", "UTC")
    with pytest.raises(ScheduleInvalid):
        notes("0 8 * * *", "Nowhere")
