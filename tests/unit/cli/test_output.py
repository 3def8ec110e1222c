"""Printing: untrusted text is made visible, columns line up, durations read well."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.cli import output
from interact_gitops.cli.output import duration, shorten, table, visible, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb", "a\\nb"),
        ("pay\u202eload", "pay\\u202eload"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Müller 日本", "Müller 日本"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_visible_keeps_what_it_is_told_to() -> None:
    assert visible("a\nb\r", keep=frozenset("\n")) == "a\nb\\r"


@given(st.text())
def test_visible_never_lets_a_control_character_through(text: str) -> None:
    assert visible(text).isprintable() or not any(ord(c) < 32 or ord(c) == 127 for c in visible(text))


def test_columns_line_up_with_wide_characters() -> None:
    lines = table(["NAME", "N"], [["日本", "1"], ["ab", "22"]], right=[1]).splitlines()[1:]
    assert [width(line) for line in lines] == [8, 8]
    assert lines == ["日本   1", "ab    22"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (0.44, "0.4 s"), (12, "12 s"), (65, "1 min 05 s"), (59.6, "1 min 00 s")]
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_shorten() -> None:
    assert shorten("a  b\nc", 10) == "a b c"
    assert shorten("abcdefghij", 5) == "abcd…"


HOSTILE = "name\n  ::error file=x::y\n\t::stop-commands::z\n##[error]owned\na ##[set-output name=b]c :: d\n"


def test_the_runner_of_github_finds_no_command_in_what_is_printed(monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    output.say(HOSTILE)
    output.note(HOSTILE)
    output.say_error(HOSTILE, HOSTILE)
    output.say_document({"name": HOSTILE})
    shown = capsys.readouterr()
    for line in (shown.out + shown.err).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
    document = shown.out[shown.out.index("{") :]
    assert json.loads(document) == {"name": HOSTILE}
    output.say_command("::notice::x")
    assert capsys.readouterr().out == "::notice::x\n"


def test_elsewhere_nothing_is_changed(monkeypatch, capsys):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    output.say(HOSTILE)
    assert capsys.readouterr().out == HOSTILE + "\n"
