"""How far the target's clock is from ours, out of its `Date` header, and what doctor makes of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from interact_gitops.cli.diagnosis_of_target import _clock
from interact_gitops.interact.answers import clock_ahead

MONDAY = 1_795_420_800.0  # 2026-11-23T08:00:00Z


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 08:02:00 GMT", 120.0),
        ("Mon, 23 Nov 2026 07:59:00 GMT", -60.0),
        (None, None),
        ("yesterday", None),
        ("Mon, 23 Nov 99999999999 08:00:00 GMT", None),
    ],
)
def test_how_far_it_is_ahead(date, ahead):
    assert clock_ahead(date, now=MONDAY) == ahead


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [
        (0.4, "ok", "within 1 s of the target's"),
        (-29.0, "ok", "within 29 s of the target's"),
        (120.0, "warn", "120 s behind the target's; up to 30 s is well"),
        (-45.0, "warn", "45 s ahead of the target's; up to 30 s is well"),
    ],
)
def test_what_doctor_says(ahead, level, said):
    (finding,) = _clock(SimpleNamespace(clock_ahead=ahead))
    assert (finding.level, finding.said) == (level, said)


def test_a_target_that_does_not_say():
    assert list(_clock(SimpleNamespace(clock_ahead=None))) == []
