"""Progress in a log: a line now and then, none for short work."""

from __future__ import annotations

import pytest

from interact_gitops.cli.progress import _Lines, progress


def test_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 0.0
    lines = _Lines("applying", 1_200, clock=lambda: seconds)
    for number in range(1, 1_201):
        seconds = number * 0.02
        lines.step(number != 700)
    assert capsys.readouterr().err == "applying: 500 of 1,200\napplying: 1,000 of 1,200, 1 failed\n"


def test_the_last_step_needs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 0.0
    lines = _Lines("applying", 1, clock=lambda: seconds)
    seconds = 60.0
    lines.step(True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("total", "quiet"), [(3, False), (3, True), (0, False)])
def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str], total: int, quiet: bool) -> None:
    with progress("applying", total, quiet=quiet) as step:
        for _ in range(total):
            step(True)
    assert capsys.readouterr().err == ""
