"""The files by which a step speaks to its runner: a value stays a value, a summary fits."""

from __future__ import annotations

import re
from pathlib import Path

from interact_gitops.github.files import CUT, MOST_SUMMARY, write_outputs, write_summary


def test_a_value_stays_a_value(tmp_path: Path) -> None:
    place = tmp_path / "out"
    evil = "x\nother<<EOF\ny\nEOF\nchanges=true"
    write_outputs({"GITHUB_OUTPUT": str(place)}, plan_file=evil, changes="false")
    found = re.fullmatch(
        r"plan-file<<(end-\w{32})\n(.*)\n\1\nchanges<<(end-\w{32})\nfalse\n\3\n", place.read_text(), re.S
    )
    assert found is not None
    assert found[2] == evil
    assert found[1] != found[3]


def test_a_summary_is_cut_with_a_note_and_no_character_in_half(tmp_path: Path) -> None:
    place = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(place)}
    write_summary(environ, "first")
    write_summary(environ, "é" * MOST_SUMMARY)
    write_summary(environ, "never")
    text = place.read_text()
    assert text.startswith("first\né")
    assert CUT.strip() in text
    assert "never" not in text
    assert len(text.encode()) < 1 << 20


def test_outside_of_a_runner_nothing_is_written() -> None:
    write_outputs({}, a="b")
    write_summary({}, "x")
