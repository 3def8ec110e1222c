"""Business calendars by name."""

from datetime import date

import pytest

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.schedule import business_calendar, next_occurrence


@pytest.mark.parametrize("name", ["NL", "NLD", "DE-BY", "US-CA", "NYSE", "XNYS", "ECB", "B3", "ENX-XAMS"])
def test_known(name):
    assert business_calendar(name).name == name


def test_holidays_and_business_days():
    bavaria = business_calendar("DE-BY")
    assert date(2026, 1, 6) in bavaria.holidays(2026)
    assert not bavaria.is_business_day(date(2026, 1, 6))
    assert business_calendar("DE").is_business_day(date(2026, 1, 6))
    assert not bavaria.is_business_day(date(2026, 1, 10))
    assert business_calendar("NL").holidays(2150) == frozenset()


GENERAL = "write a country (NL), a country and its part (DE-BY), or a market (NYSE, ECB)"


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("nl", "there is no business calendar 'nl'", "did you mean 'NL'?"),
        ("de-BY", "there is no business calendar 'de-BY'", "did you mean 'DE-BY'?"),
        ("XX", "there is no business calendar 'XX'", GENERAL),
        ("", "there is no business calendar ''", GENERAL),
        ("holidays", "there is no business calendar 'holidays'", GENERAL),
        ("country_holidays", "there is no business calendar 'country_holidays'", GENERAL),
        ("x" * 100, f"there is no business calendar '{'x' * 64}…'", GENERAL),
        ("DE-By", "the business calendar 'DE' has no part 'By'", "did you mean 'DE-BY'?"),
        ("NL-Zuidd", "the business calendar 'NL' has no part 'Zuidd'", "did you mean 'NL-Zuid'?"),
        ("NL-", "the business calendar 'NL' has no part ''", "its parts are Midden, Noord, Zuid"),
        ("ECB-1", "the business calendar 'ECB' has no part '1'", "write 'ECB': it has no parts"),
    ],
)
def test_unknown(name, message, remedy):
    with pytest.raises(ScheduleInvalid) as caught:
        business_calendar(name)
    assert (caught.value.code, caught.value.message) == ("calendar-unknown", message)
    assert caught.value.remedy == remedy


def test_an_unknown_calendar_is_refused_even_where_it_would_change_nothing(now):
    with pytest.raises(ScheduleInvalid, match="no business calendar 'XX'"):
        next_occurrence("0 8 * * *", "UTC", now, "XX")
