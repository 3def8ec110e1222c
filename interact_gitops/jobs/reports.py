"""Problems as other programs read them: GitHub's workflow commands, and SARIF. Pure.

Sources: GitHub's documentation of workflow commands (data escapes `%`, CR and LF; properties `:` and `,` too; a step
shows ten annotations of each kind), and SARIF 2.1.0 (OASIS).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from interact_gitops import __version__
from interact_gitops.errors import Failure, Problem
from interact_gitops.jobs.rules import RULES

MOST_ANNOTATIONS = 10  # of each kind that GitHub shows for a step; it drops the others without a word
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def github_lines(problems: Sequence[Problem]) -> Iterator[str]:
    """Workflow commands that annotate the lines, errors first; the rest is counted in a notice, and nothing is lost
    without a word. Positions start at the repository's top, here and in SARIF."""
    for severity in ("error", "warning"):
        found = [problem for problem in problems if problem.severity == severity]
        for problem in found[:MOST_ANNOTATIONS]:
            yield _annotation(problem)
        if len(found) > MOST_ANNOTATIONS:
            more = len(found) - MOST_ANNOTATIONS
            said = f"{more} more {severity}s; `interact-gitops validate` shows them all"
            yield f"::notice title=interact-gitops::{_escaped(said, _DATA)}"


def github_failure(failure: Failure) -> str:
    """The workflow command for a failure that stands in no file."""
    return f"::error title=interact-gitops::{_escaped(_text(failure), _DATA)}"


def sarif(problems: Sequence[Problem], *, failure: Failure | None = None) -> dict[str, Any]:
    """One SARIF run; a rule per code of a problem. Columns count unicode code points.

    `failure`: why the files could not be looked at, which SARIF keeps apart from what is wrong in them.
    """
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "interact-gitops",
        "semanticVersion": __version__,
        "rules": [_rule(code, {problem.severity for problem in problems if problem.code == code}) for code in codes],
    }
    invocation: dict[str, Any] = {"executionSuccessful": failure is None}
    if failure is not None:
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": _text(failure)}}]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The top of the repository."}}},
                "results": [_result(problem, codes.index(problem.code)) for problem in problems],
            }
        ],
    }


def _rule(code: str, severities: set[str]) -> dict[str, Any]:
    said = RULES.get(code, _words(code))
    return {
        "id": code,
        "name": _pascal(code),
        "shortDescription": {"text": _words(code)},
        "fullDescription": {"text": said},
        "help": {"text": f"{said} The problem itself says how to mend it."},
        "defaultConfiguration": {"level": "error" if "error" in severities else "warning"},
    }


def _annotation(problem: Problem) -> str:
    where = problem.position
    properties = {
        "file": where.file, "line": str(where.line), "col": str(where.column), "title": problem.code
    }  # fmt: skip
    said = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
    return f"::{problem.severity} {said}::{_escaped(_text(problem), _DATA)}"


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    where = problem.position
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _text(problem)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(where.file), "uriBaseId": "SRCROOT"},
                    "region": {"startLine": where.line, "startColumn": where.column},
                }
            }
        ],
    }


def _text(said: Problem | Failure) -> str:
    return f"{said.message}\n{said.remedy}" if said.remedy else said.message


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)


def _words(code: str) -> str:
    words = code.replace("-", " ")
    return words[:1].upper() + words[1:]


def _pascal(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("-"))
