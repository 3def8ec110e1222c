"""Scalars: written so that every reader of YAML takes them for what they are."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given

from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.writing.texts import is_plain, literal, quoted, scalar

from .conftest import SCALAR, TEXT


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-0.5, "-0.5"),
        (2.0, "2.0"),
        (1e20, "1.0e+20"),
        (1.5e-7, "1.5e-07"),
        ("Weekly report", "Weekly report"),
        ("a/b (c), d", "a/b (c), d"),
        ("", '""'),
        ("on", '"on"'),
        ("No", '"No"'),
        ("y", '"y"'),
        ("...", '"..."'),
        ("null", '"null"'),
        ("1", '"1"'),
        ("1_000", '"1_000"'),
        ("0o7", '"0o7"'),
        ("12:30", '"12:30"'),
        ("2026-01-01", '"2026-01-01"'),
        (".inf", '".inf"'),
        ("9" * 30, f'"{"9" * 30}"'),
        ("a: b", '"a: b"'),
        ("a:b", "a:b"),
        ("a #b", '"a #b"'),
        ("a#b", "a#b"),
        ("- x", '"- x"'),
        ("{{ x }}", '"{{ x }}"'),
        (" x", '" x"'),
        ("x ", '"x "'),
        ("x:", '"x:"'),
        ("it's", "it's"),
        ("'", '"\'"'),
        ('say "x"', 'say "x"'),
        ('"x"', "'\"x\"'"),
        ('"it\'s"', '"\\"it\'s\\""'),
        ("#\\d", "'#\\d'"),
        ("a\nb\t", '"a\\nb\\t"'),
        ("é", "é"),
        ("\x85\u202e\U000e0001", '"\\x85\\u202e\\U000e0001"'),
        ("\u2028", '"\\u2028"'),
    ],
)
def test_a_scalar_on_one_line(value: object, written: str) -> None:
    assert scalar(value) == written


def test_in_brackets_less_is_plain() -> None:
    assert scalar("a, b", flow=True) == '"a, b"'
    assert scalar("a:b", flow=True) == '"a:b"'
    assert scalar("a b", flow=True) == "a b"
    assert scalar("a b", flow=True, quote=True) == '"a b"'


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("a\nb", "|-", ["  a", "  b"]),
        ("a\nb\n", "|", ["  a", "  b"]),
        ("a\n\n", "|+", ["  a", ""]),
        ("a\n\nb", "|-", ["  a", "", "  b"]),
        (" a\nb", "|2-", ["   a", "  b"]),
        ("\n\ta", "|2-", ["", "  \ta"]),
        ("a\n  \nb", "|-", ["  a", "    ", "  b"]),
        ("# a", "|-", ["  # a"]),
    ],
)
def test_a_text_as_a_block(text: str, header: str, rows: list[str]) -> None:
    assert literal(text, 2) == (header, rows)


@pytest.mark.parametrize("text", ["", "\n", " \n", "a\n ", "a\r\nb", "a\u2028b", "\u202ea", "a\x00"])
def test_a_text_that_no_block_holds(text: str) -> None:
    assert literal(text, 2) is None


@given(TEXT)
def test_a_block_reads_as_its_text(text: str) -> None:
    held = literal(text, 2)
    if held is not None:
        header, rows = held
        (document,), problems = read_documents("a", "\n".join([f"a: {header}", *rows, "b: 1"]).encode())
        assert not problems
        assert document.value == {"a": text, "b": 1}


@given(SCALAR)
def test_every_reader_takes_a_scalar_for_the_same(value: object) -> None:
    for written in (scalar(value), scalar(value, flow=True)):
        for text in (f"a: {written}\n", f"a: [{written}]\n"):
            if text.startswith("a: [") and written != scalar(value, flow=True):
                continue
            (document,), problems = read_documents("a", text.encode())
            assert not problems
            for read in (document.value["a"], yaml.safe_load(text)["a"]):
                found = read[0] if isinstance(read, list) else read
                assert type(found) is type(value)
                assert found == value or math.isclose(found, value)  # type: ignore[arg-type, type-var]  # floats


@given(TEXT)
def test_quotes_hold_every_text(text: str) -> None:
    assert read_documents("a", f"a: {quoted(text)}\n".encode())[0][0].value == {"a": text}
    assert not is_plain(text) or yaml.safe_load(text) == text
