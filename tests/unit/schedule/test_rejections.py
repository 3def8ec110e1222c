"""Every way to be refused: code, place, message and remedy, word for word."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import parse

FIVE = "cron has 5: minute, hour, day of month, month, day of week"
RANDOM = "write a number; `jitter` spreads jobs out, by the same amount every time"
SHAPES = "write '*', 'a', 'a-b', '*/n' or 'a-b/n', several joined by commas"
PLAIN = "type it again with plain characters: ASCII digits, letters, * , - / and spaces"
WEEKDAYS = "write '@first-weekday', '@last-weekday' or '@nth-weekday(n)' for business days"
NTH = "'@nth-weekday' needs a number from 1 to 23 in parentheses"
FIFTH = "write '@nth-weekday(5)' for the fifth business day of the month"
ALL = (
    "the shortcuts are @hourly, @daily, @midnight, @weekly, @monthly, @quarterly, @yearly, @annually,"
    " @first-weekday, @last-weekday, @weekdays, @nth-weekday(n)"
)
ROUND = "to go round the end of the field"

CASES = [
    # reversed ranges
    (
        "22-5 * * * *",
        "cron-range",
        0,
        "the range '22-5' in the minute field runs backwards",
        f"write '22-59,0-5' {ROUND}",
    ),
    (
        "0 1,22-5/3 * * *",
        "cron-range",
        4,
        "the range '22-5/3' in the hour field runs backwards",
        f"write '22,1,4' {ROUND}",
    ),
    (
        "0 0 * nov-feb *",
        "cron-range",
        6,
        "the range 'nov-feb' in the month field runs backwards",
        f"write '11-12,1-2' {ROUND}",
    ),
    (
        "0 0 * * SAT-SUN",
        "cron-range",
        8,
        "the range 'SAT-SUN' in the day-of-week field runs backwards",
        f"write '6,0' {ROUND}",
    ),
    ("0 0 * * 7-1", "cron-range", 8, "the range '7-1' in the day-of-week field runs backwards", f"write '0-1' {ROUND}"),
    # steps
    ("5/10 * * * *", "cron-step", 1, "'5/10' in the minute field has a step without a range", "write '5-59/10'"),
    (
        "*/0 * * * *",
        "cron-step",
        2,
        "the step '0' of '*/0' in the minute field is not a number from 1 up",
        "write a step of 1 or more",
    ),
    (
        "0 1-5/x * * *",
        "cron-step",
        6,
        "the step 'x' of '1-5/x' in the hour field is not a number from 1 up",
        "write a step of 1 or more",
    ),
    # empty items
    (
        "1,,2 * * * *",
        "cron-syntax",
        2,
        "the minute field '1,,2' has an empty list item",
        "remove the comma, or write the value that is missing",
    ),
    (
        " ,1 * * * *",
        "cron-syntax",
        1,
        "the minute field ',1' has an empty list item",
        "remove the comma, or write the value that is missing",
    ),
    (
        "1, * * * *",
        "cron-syntax",
        2,
        "the minute field '1,' has an empty list item",
        "remove the comma, or write the value that is missing",
    ),
    # numbers out of range
    ("60 * * * *", "cron-value", 0, "60 is out of range in the minute field (0–59)", "write a number from 0 to 59"),
    ("0 24 * * *", "cron-value", 2, "24 is out of range in the hour field (0–23)", "write a number from 0 to 23"),
    ("0 0 0 * *", "cron-value", 4, "0 is out of range in the day-of-month field (1–31)", "write a number from 1 to 31"),
    (
        "0 0 1-32 * *",
        "cron-value",
        6,
        "32 is out of range in the day-of-month field (1–31)",
        "write a number from 1 to 31",
    ),
    ("0 0 1 13 *", "cron-value", 6, "13 is out of range in the month field (1–12)", "write a number from 1 to 12"),
    ("0 0 * * 8", "cron-value", 8, "8 is out of range in the day-of-week field (0–7)", "write a number from 0 to 7"),
    # names
    (
        "MON * * * *",
        "cron-value",
        0,
        "'MON' stands in the minute field, but it is a day-of-week",
        "move it to field 5: minute, hour, day of month, month, day of week",
    ),
    (
        "0 0 * * 1-mar",
        "cron-value",
        10,
        "'mar' stands in the day-of-week field, but it is a month",
        "move it to field 4: minute, hour, day of month, month, day of week",
    ),
    (
        "0 0 * * Wednesday",
        "cron-value",
        8,
        "'Wednesday' is not a value of the day-of-week field (0–7)",
        "did you mean 'WED'?",
    ),
    ("0 0 * SPE *", "cron-value", 6, "'SPE' is not a value of the month field (1–12)", "did you mean 'SEP'?"),
    (
        "0 0 * * xx",
        "cron-value",
        8,
        "'xx' is not a value of the day-of-week field (0–7)",
        "write a number from 0 to 7 or a name such as SUN",
    ),
    ("0 5x * * *", "cron-value", 2, "'5x' is not a value of the hour field (0–23)", "write a number from 0 to 23"),
    # other schedulers' marks
    ("R * * * *", "cron-syntax", 0, "'R' in the minute field is not cron: a schedule here is never random", RANDOM),
    ("0 h/2 * * *", "cron-syntax", 2, "'h' in the hour field is not cron: a schedule here is never random", RANDOM),
    ("0 H(0-7) * * *", "cron-syntax", 3, "'(' in the hour field is not cron", RANDOM),
    ("0~9 * * * *", "cron-syntax", 1, "'~' in the minute field is not cron", RANDOM),
    ("0 0 ? * MON", "cron-syntax", 4, "'?' in the day-of-month field is not cron", "write '*'"),
    (
        "0 0 * * 5#2",
        "cron-syntax",
        9,
        "'#' in the day-of-week field is not cron",
        "write '@nth-weekday(n)' for business days, or a day-of-month range such as 8-14",
    ),
    (
        "0 0 L * *",
        "cron-syntax",
        4,
        "'L' in the day-of-month field is not cron",
        "write '@last-weekday' for the last business day of the month",
    ),
    (
        "0 0 * * 5L",
        "cron-syntax",
        8,
        "'5L' in the day-of-week field is not cron",
        "write '@last-weekday' for the last business day of the month",
    ),
    (
        "0 0 LW * *",
        "cron-syntax",
        4,
        "'LW' in the day-of-month field is not cron",
        "write '@last-weekday' for the last business day of the month",
    ),
    ("0 0 15W * *", "cron-syntax", 4, "'15W' in the day-of-month field is not cron", WEEKDAYS),
    # shapes
    ("-5 * * * *", "cron-syntax", 0, "'-5' in the minute field is neither a value, a range nor a step", SHAPES),
    ("0 ** * * *", "cron-syntax", 2, "'**' in the hour field is neither a value, a range nor a step", SHAPES),
    ("1-2-3 * * * *", "cron-syntax", 0, "'1-2-3' in the minute field is neither a value, a range nor a step", SHAPES),
    ("*-5 * * * *", "cron-syntax", 0, "'*-5' in the minute field is neither a value, a range nor a step", SHAPES),
    # characters
    ("٣ * * * *", "cron-syntax", 0, "'٣' is not an ASCII digit", PLAIN),
    ("0 8 * *\u00a01", "cron-syntax", 7, "the character '\\xa0' has no place in an expression", PLAIN),
    (
        "0 8 * * 1\n",
        "cron-syntax",
        9,
        "the expression has a line break",
        "write it on one line (in YAML: in quotes, not as a block)",
    ),
    # length and number of fields
    (
        "1," * 200,
        "cron-length",
        256,
        "the expression has 400 characters; the limit is 256",
        "write ranges and steps instead of long lists, or split it into several jobs",
    ),
    ("", "cron-fields", 0, "the expression is empty", "write '0 8 * * 1' or '@daily 08:00'"),
    (" \t", "cron-fields", 0, "the expression is empty", "write '0 8 * * 1' or '@daily 08:00'"),
    (
        "daily",
        "cron-fields",
        5,
        f"the expression has 1 field; {FIVE}",
        "write '*' for each field that may have any value",
    ),
    (
        "0 8 * * ",
        "cron-fields",
        7,
        f"the expression has 4 fields; {FIVE}",
        "write '*' for each field that may have any value",
    ),
    ("0 0 8 * * 1", "cron-fields", 10, f"the expression has 6 fields; {FIVE}", "drop the seconds field: '0 8 * * 1'"),
    ("0 8 * * 1 2026", "cron-fields", 10, f"the expression has 6 fields; {FIVE}", "drop the year field: '0 8 * * 1'"),
    (
        "* * * * * *",
        "cron-fields",
        10,
        f"the expression has 6 fields; {FIVE}",
        "drop the seconds field (the first) or the year field (the last)",
    ),
    (
        "0 0 8 * * 1 2026",
        "cron-fields",
        10,
        f"the expression has 7 fields; {FIVE}",
        "drop the seconds field and the year field: '0 8 * * 1'",
    ),
    (
        "0 8 * * 1 2 3 4",
        "cron-fields",
        10,
        f"the expression has 8 fields; {FIVE}",
        "write lists with commas and without spaces",
    ),
    # never
    (
        "0 0 31 2 *",
        "cron-never",
        4,
        "'0 0 31 2 *' never fires: no month of '2' has a day '31'",
        "write a day that these months have (29 in February is every leap year)",
    ),
    (
        "0 0 31 FEB,4-6/2,9,11 */2",
        "cron-never",
        4,
        "'0 0 31 FEB,4-6/2,9,11 */2' never fires: no month of 'FEB,4-6/2,9,11' has a day '31'",
        "write a day that these months have (29 in February is every leap year)",
    ),
    # shortcuts
    ("@dialy", "shortcut-unknown", 0, "there is no shortcut '@dialy'", "did you mean '@daily'?"),
    (" @Weekly", "shortcut-unknown", 1, "there is no shortcut '@Weekly'", "did you mean '@weekly'?"),
    (
        "@nth-weekday(2)nd",
        "shortcut-unknown",
        0,
        "there is no shortcut '@nth-weekday(2)nd'",
        "did you mean '@nth-weekday(n)'?",
    ),
    (
        "@reboot",
        "shortcut-unknown",
        0,
        "'@reboot' is no time: nothing starts up here that it could follow",
        "write a time, or trigger the job through the API when the machine starts",
    ),
    (
        "@every 5m",
        "shortcut-unknown",
        0,
        "there is no shortcut '@every'",
        "write the times of day: '*/5 * * * *' is every five minutes, '0 */2 * * *' every two hours",
    ),
    (
        "@x",
        "shortcut-unknown",
        0,
        "there is no shortcut '@x'",
        ALL,
    ),
    ("@hourly 08:30", "shortcut-time", 8, "'@hourly' takes no time of day: its name says when", "write '30 * * * *'"),
    (
        "@midnight 08:00",
        "shortcut-time",
        10,
        "'@midnight' takes no time of day: its name says when",
        "write '@daily 08:00'",
    ),
    (
        "@midnight x",
        "shortcut-time",
        10,
        "'x' behind '@midnight' is not a time of day (00:00–23:59)",
        "write '@midnight'",
    ),
    (
        "@weekly  8am",
        "shortcut-time",
        9,
        "'8am' behind '@weekly' is not a time of day (00:00–23:59)",
        "write '@weekly 08:00'",
    ),
    (
        "@daily 24:00",
        "shortcut-time",
        7,
        "'24:00' behind '@daily' is not a time of day (00:00–23:59)",
        "write '@daily 08:00'",
    ),
    (
        "@nth-weekday(3) 08:60",
        "shortcut-time",
        16,
        "'08:60' behind '@nth-weekday(3)' is not a time of day (00:00–23:59)",
        "write '@nth-weekday(3) 08:00'",
    ),
    (
        "@first-weekday(2)",
        "shortcut-count",
        14,
        "'@first-weekday' takes no number",
        "write '@first-weekday', or '@nth-weekday(n)' for the nth business day of the month",
    ),
    ("@nth-weekday", "shortcut-count", 12, NTH, FIFTH),
    ("@nth-weekday(0)", "shortcut-count", 12, NTH, FIFTH),
    ("@nth-weekday(24)", "shortcut-count", 12, NTH, FIFTH),
    ("@nth-weekday(5 08:00", "shortcut-count", 12, NTH, FIFTH),
]


@pytest.mark.parametrize(("expression", "code", "offset", "message", "remedy"), CASES, ids=[c[0][:30] for c in CASES])
def test_rejected(expression, code, offset, message, remedy):
    with pytest.raises(ScheduleInvalid) as caught:
        parse(expression)
    fault = caught.value
    assert (fault.code, fault.offset, fault.message, fault.remedy) == (code, offset, message, remedy)


def refusal(text):
    try:
        parse(text)
    except ScheduleInvalid as fault:
        return fault
    return None


@given(st.text(alphabet="0123456789*/,-@ \tMONJANHRLW?#()abc:\n٣é", max_size=40) | st.text(max_size=300))
@example("@")
@example("@nth-weekday(" + "9" * 200 + ")")
@example("*/" + "9" * 200 + " * * * *")
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    fault = refusal(text)
    assert fault is None or (0 <= fault.offset <= len(text) and fault.message and fault.remedy)
