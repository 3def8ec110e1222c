"""Windows: which instants they hold, and when the loop may write again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.gitops import windows
from interact_gitops.gitops.windows import Window, closed
from interact_gitops.schedule import occurrences

HOUR = 3_600
WORK = Window(kind="allow", cron="0 8 * * 1-5", seconds=9 * HOUR, timezone="Europe/Prague")
FREEZE = Window(kind="deny", cron="0 16 * * 5", seconds=72 * HOUR)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_dense_windows_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pull request writes is looked at in every pass: its cost is bounded, whatever it says."""
    made = 0

    def counted(*arguments: Any) -> Iterator[datetime]:
        nonlocal made
        for instant in occurrences(*arguments):
            made += 1
            yield instant

    monkeypatch.setattr(windows, "occurrences", counted)
    deny = Window(kind="deny", cron="* * * * *", seconds=14 * 24 * HOUR)
    allow = Window(kind="allow", cron="* * * * *", seconds=31 * 24 * HOUR)
    for shut in ((deny,), (deny, allow), (allow, Window(kind="deny", cron="*/5 * * * *", seconds=299))):
        closed(shut, at("2026-11-23T03:00:30"))
    assert made < 20_000


def test_without_windows_nothing_is_closed() -> None:
    assert closed((), at("2026-11-23T03:00")) is None


@pytest.mark.parametrize(
    ("now", "shut", "until"),
    [
        ("2026-11-23T06:59:59", True, "2026-11-23T07:00"),  # Monday, 08:00 in Prague is 07:00 UTC
        ("2026-11-23T07:00", False, None),
        ("2026-11-23T15:59:59", False, None),
        ("2026-11-23T16:00", True, "2026-11-24T07:00"),
        ("2026-11-27T16:00", True, "2026-11-30T07:00"),  # Friday: over the weekend
    ],
)
def test_an_allow_window(now: str, shut: bool, until: str | None) -> None:
    found = closed((WORK,), at(now))
    assert (found is not None) == shut
    assert found is None or found.until == at(until or "")


def test_a_deny_window_counts_more() -> None:
    windows = (WORK, Window(kind="deny", cron="0 9 23 11 *", seconds=2 * HOUR))
    found = closed(windows, at("2026-11-23T09:30"))
    assert found is not None
    assert "0 9 23 11 *" in found.reason
    assert found.until == at("2026-11-23T11:00")
    assert closed(windows, at("2026-11-23T11:00")) is None


def test_after_a_deny_window_an_allow_window_must_be_open() -> None:
    found = closed((WORK, FREEZE), at("2026-11-27T16:30"))
    assert found is not None
    assert found.until == at("2026-12-01T07:00")  # on Monday both end at 16:00


def test_what_never_opens_has_no_end() -> None:
    always = Window(kind="deny", cron="* * * * *", seconds=120)
    found = closed((always,), at("2026-11-23T00:00"))
    assert found is not None
    assert found.until is None


@given(st.integers(0, 14 * 24 * 60), st.lists(st.sampled_from([WORK, FREEZE]), max_size=2))
def test_the_end_is_the_first_open_instant(minutes: int, windows: list[Window]) -> None:
    now = at("2026-11-16T00:00") + timedelta(minutes=minutes)
    found = closed(windows, now)
    if found is None:
        return
    assert found.until is not None
    assert closed(windows, found.until) is None
    before = found.until - timedelta(minutes=1)
    assert before < now or closed(windows, before) is not None
