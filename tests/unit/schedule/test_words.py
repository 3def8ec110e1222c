"""Schedules in words."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import describe


@pytest.mark.parametrize(
    ("expression", "calendar", "words"),
    [
        ("0 8 * * 1", None, "At 08:00 on Monday"),
        ("0 20 * * *", None, "At 20:00 every day"),
        ("@hourly", None, "Every hour"),
        ("* * * * *", None, "Every minute"),
        ("*/15 8-17 * * 1-5", None, "Every 15 minutes, between 08:00 and 17:59, Monday through Friday"),
        ("*/40 * * * *", None, "At 0 and 40 minutes past the hour"),
        ("0-30/10 * * * *", None, "At 0, 10, 20, and 30 minutes past the hour"),
        ("0-50/10 * * * *", None, "Every 10 minutes, minutes 0 through 50 past the hour"),
        ("0 8,20 * * *", None, "At 08:00 and 20:00 every day"),
        ("0 9 * * FRI-7", None, "At 09:00, Friday through Sunday"),
        ("0 9 * * 0-4", None, "At 09:00, Sunday through Thursday"),
        ("0 9 * * 6,0", None, "At 09:00 on Saturday and Sunday"),
        ("0 0 29 2 *", None, "At 00:00 on day 29 of the month in February"),
        ("0 0 * 1-3 *", None, "At 00:00 every day, January through March"),
        ("@quarterly 09:30", None, "At 09:30 on day 1 of the month in January, April, July, and October"),
        # the day rule, which the library does not know
        ("0 8 13 * 5", None, "At 08:00 on day 13 of the month or on Friday"),
        ("0 8 */2 * 5", None, "At 08:00, every 2 days, but only on Friday"),
        ("0 8 13 * 0-6", None, "At 08:00 every day"),
        ("0 8 1-31 * 5", None, "At 08:00 every day"),
        ("0 8 * * 0-6", None, "At 08:00 every day"),
        # business days
        ("@first-weekday 08:00", "NL", "At 08:00 on the first business day of the month (NL calendar)"),
        ("@last-weekday", None, "At 00:00 on the last weekday of the month"),
        ("@weekdays 7:05", "DE-BY", "At 07:05 on every business day (DE-BY calendar)"),
        ("@nth-weekday(1)", None, "At 00:00 on the 1st weekday of the month"),
        ("@nth-weekday(2)", None, "At 00:00 on the 2nd weekday of the month"),
        ("@nth-weekday(11)", None, "At 00:00 on the 11th weekday of the month"),
        ("@nth-weekday(23)", None, "At 00:00 on the 23rd weekday of the month"),
    ],
)
def test_words(expression, calendar, words):
    assert describe(expression, calendar) == words


item = st.sampled_from(["*", "*/2", "*/7", "*/9", "1", "2-5", "3-6/2", "1-1", "5-6/9"])
column = st.lists(item, min_size=1, max_size=3).map(",".join)


@given(st.lists(column, min_size=5, max_size=5))
def test_whatever_can_be_read_can_be_said(columns):
    words = describe(" ".join(columns))
    assert words
    assert "None" not in words


def test_a_bad_expression_is_refused():
    with pytest.raises(ScheduleInvalid):
        describe("0 8 * *")


@pytest.mark.parametrize("locale", ["C", "de_DE.UTF-8", "en_US.UTF-8"])
def test_the_machine_s_locale_does_not_matter(locale):
    program = "import locale; locale.setlocale(locale.LC_ALL, 'C'); from interact_gitops.schedule import describe; "
    program += "print(describe('30 20 * * 1'))"
    environment = {**os.environ, "LANG": locale, "LC_ALL": locale, "LANGUAGE": locale}
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert shown.stdout == "At 20:30 on Monday\n"
