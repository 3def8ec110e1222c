"""The error tree, exit codes, and where a fault stands in a file.

Every failure that a user can meet is a `Failure`: a fact with its limit, and a remedy. One place
(`cli/main.py`) turns them into exit codes; anything else that escapes is a bug and exits 3.

    Failure                      1   expected: said in one line with its remedy
    ├── DefinitionsInvalid           the definitions tree: every problem with its position
    ├── ConfigurationInvalid         interact-gitops.yaml or the environment
    ├── ScheduleInvalid              an expression, time zone or calendar
    ├── TemplateInvalid              a prompt that cannot be rendered
    ├── ParametersInvalid            values that break a job's parameter schemas
    ├── SelectionInvalid             a selector, a job name or a run name that matches nothing, or too much
    ├── GuardHeld                    apply refused before its first write
    ├── Refused                      anything else we decline to do, with the reason
    ├── RunFailed                4   a run that was waited for did not succeed
    └── RunSkipped               5   the overlap rule kept a run from starting
The API's own failures stand in `interact/errors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class ExitCode(IntEnum):
    """What the process answers with; the table in cli.md."""

    DONE = 0
    FAILED = 1
    CHANGES_PENDING = 2
    BUG = 3
    RUN_FAILED = 4
    RUN_SKIPPED = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1, columns in characters."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a file: what, where, and how to mend it."""

    position: Position
    message: str
    code: str
    remedy: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        line = f"{self.position}: {mark}{self.message} [{self.code}]"
        return f"{line}\n  {self.remedy}" if self.remedy else line


class Failure(Exception):
    """An expected failure: `message` states the fact and the limit, `remedy` what to do."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class ProblemsFound(Failure):
    """Several problems, each with its position, sorted."""

    def __init__(self, problems: Iterable[Problem], *, what: str) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.position, p.code, p.message)))
        count = sum(p.severity == "error" for p in self.problems)
        super().__init__(f"{count} {'problem' if count == 1 else 'problems'} in {what}")


class DefinitionsInvalid(ProblemsFound):
    """The definitions tree cannot be used."""


class ConfigurationInvalid(ProblemsFound):
    """The configuration file or its environment cannot be used."""


class ScheduleInvalid(Failure):
    """An expression, time zone or calendar that cannot be used.

    `offset` is the place of the fault in the expression, counted in characters from 0.
    """

    def __init__(self, message: str, *, code: str, offset: int = 0, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.offset = offset


class TemplateInvalid(Failure):
    """A template that cannot be parsed or rendered; `line` and `column` count from 1 inside its text."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "template",
        line: int = 1,
        column: int = 1,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.line = line
        self.column = column


class ParametersInvalid(Failure):
    """Values that break a job's parameter schemas; `faults` is [(parameter name, message)]."""

    def __init__(self, faults: Iterable[tuple[str, str]], *, job: str) -> None:
        self.faults = tuple(faults)
        said = "; ".join(f"{name}: {message}" for name, message in self.faults)
        super().__init__(f"parameters of {job}: {said}")


class SelectionInvalid(Failure):
    """A selector, job or run that names nothing, or more than one thing."""


class GuardHeld(Failure):
    """A guard stopped apply before its first write."""


class Refused(Failure):
    """Declined, with the reason and the way on."""


class RunFailed(Failure):
    """A run that was waited for did not succeed."""

    exit_code = ExitCode.RUN_FAILED


class RunSkipped(Failure):
    """The overlap rule kept the run from starting."""

    exit_code = ExitCode.RUN_SKIPPED


_SHORTEST_PART = 3  # letters below which a part of a word says nothing


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, for "did you mean"; None when nothing is close."""
    import difflib  # for misspelt words only

    options = list(known)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if not close:
        lowered = {option.lower(): option for option in options}
        close = [lowered[hit] for hit in difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)]
    if not close and len(word) >= _SHORTEST_PART:
        close = sorted(option for option in options if word.lower() in option.lower())[:1]
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A remedy line for a misspelt name, or None."""
    hit = nearest(word, known)
    return f"did you mean {hit!r}?" if hit else None
