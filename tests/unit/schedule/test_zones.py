"""Zones by name, and their stretches of constant offset."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import zone
from interact_gitops.schedule.zones import clock_changes, stretch_at

GENERAL = "write an IANA name such as 'Europe/Amsterdam', or 'UTC'"


@pytest.mark.parametrize(
    "name",
    ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince", "EST5EDT"],
)
def test_known(name):
    assert zone(name).key == name


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Europe/Amsterdm", "did you mean 'Europe/Amsterdam'?"),
        ("europe/amsterdam", "did you mean 'Europe/Amsterdam'?"),
        ("UTC ", "did you mean 'UTC'?"),
        ("New York", "did you mean 'America/New_York'?"),
        ("amsterdam", "did you mean 'Europe/Amsterdam'?"),
        ("", GENERAL),
        ("../etc/passwd", GENERAL),
        ("/etc/localtime", GENERAL),
        ("localtime", GENERAL),
        ("posixrules", GENERAL),
        ("Factory", GENERAL),
        ("A\0B", GENERAL),
        ("42", GENERAL),
        ("Europe/", None),
        ("Europe", None),
        ("right/Europe/Amsterdam", "did you mean 'Europe/Amsterdam'?"),
        ("tzdata.zi", None),
        ("Zürich", None),
    ],
)
def test_unknown(name, remedy):
    with pytest.raises(ScheduleInvalid) as caught:
        zone(name)
    assert (caught.value.code, caught.value.message) == ("timezone-unknown", f"there is no time zone {name!r}")
    assert caught.value.remedy == remedy or (remedy is None and caught.value.remedy)


def test_a_very_long_name_is_cut():
    with pytest.raises(ScheduleInvalid) as caught:
        zone("x/" * 5000)
    assert len(caught.value.message) < 100


@given(st.text(max_size=80))
def test_any_text_is_a_zone_or_refused(name):
    with suppress(ScheduleInvalid):
        zone(name)


ZONES = ["Europe/Amsterdam", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", "Europe/Vienna"]


@given(st.sampled_from(ZONES), st.integers(-2208988800, 7258118399))
def test_a_stretch_tells_the_offset_that_the_zone_has(name, instant):
    tz = zone(name)
    stretch = stretch_at(tz, instant)
    assert stretch.start <= instant < stretch.end
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)).astimezone(tz)
    assert local.utcoffset() == timedelta(seconds=stretch.offset)
    assert (stretch.skipped < stretch.start + stretch.offset) == (0 < stretch.jumps <= 3 * 3600)


def test_clock_changes_of_a_year():
    new_year = 1767225600
    found = [(s.start, s.jumps) for s in clock_changes(zone("Europe/Amsterdam"), new_year, new_year + 365 * 86400)]
    assert found == [(1774746000, 3600), (1792890000, -3600)]
    assert list(clock_changes(zone("UTC"), new_year, new_year + 365 * 86400)) == []
