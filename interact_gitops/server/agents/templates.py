"""Answer templates and row rules: Jinja2 in its sandbox (sandbox.py), with the few filters that figures need.

A template sees values that came out of JSON and nothing else: no globals, no Python attributes (a row's
column always wins over a method of the same name), strict about names, and its output is capped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from jinja2 import TemplateError, TemplateRuntimeError

from interact_gitops.errors import TemplateInvalid
from interact_gitops.server.agents.sandbox import LONGEST_TEXT as LONGEST_OUTPUT
from interact_gitops.server.agents.sandbox import AnswerEnvironment, text_of

_MISSING = "–"
_MOST_DECIMALS = 15
_FAULTS = (ArithmeticError, ValueError, LookupError, AttributeError, RecursionError)
"""What Jinja's own filters raise for values that they were not made for."""


def render(template: str, values: Mapping[str, object]) -> str:
    """The text of `template`, without blank space at its ends. Raises TemplateInvalid."""
    try:
        pieces: list[str] = []
        size = 0
        _environment().budget()
        for piece in _template(template).generate(dict(values)):
            size += len(piece)
            if size > LONGEST_OUTPUT:
                raise _invalid(f"the answer is longer than {LONGEST_OUTPUT:,} characters")
            pieces.append(piece)
        return "".join(pieces).strip()
    except (TemplateError, *_FAULTS, TypeError) as error:
        raise _invalid(str(error)) from error


def holds(rule: str, values: Mapping[str, object]) -> bool:
    """Whether the expression `rule` is true; false where it compares a missing value. Raises
    TemplateInvalid."""
    try:
        _environment().budget()
        return bool(_rule(rule)(**values))
    except TypeError as error:
        # A ratio over nothing is null, and null is neither above nor below a floor.
        if any(value is None for value in values.values()):
            return False
        raise _invalid(f"in the rule {rule!r}: {error}") from error
    except (TemplateError, *_FAULTS) as error:
        raise _invalid(f"in the rule {rule!r}: {error}") from error


def check_template(template: str) -> None:
    """Raises TemplateInvalid when `template` cannot be parsed."""
    try:
        _template(template)
    except (TemplateError, RecursionError) as error:
        raise _invalid(str(error), line=getattr(error, "lineno", 1) or 1) from error


def check_rule(rule: str) -> None:
    """Raises TemplateInvalid when `rule` is not an expression."""
    try:
        _rule(rule)
    except (TemplateError, RecursionError) as error:
        raise _invalid(f"{error} in the rule {rule!r}") from error


def number(value: Any, decimals: int = 0) -> str:
    """12345.6 → 12,346"""
    _demand_decimals(decimals)
    return _MISSING if value is None else f"{float(value):,.{decimals}f}"


def money(value: Any, decimals: int = 0, currency: str = "€") -> str:
    """-1234.5 → -€1,235"""
    if value is None:
        return _MISSING
    text = number(abs(float(value)), decimals)
    return f"-{currency}{text}" if round(float(value), decimals) < 0 else f"{currency}{text}"


def percent(value: Any, decimals: int = 1) -> str:
    """0.1234 → 12.3%"""
    _demand_decimals(decimals)
    return _MISSING if value is None else f"{float(value) * 100:,.{decimals}f}%"


def change(value: Any, before: Any, decimals: int = 1) -> str:
    """110 after 100 → +10.0%"""
    _demand_decimals(decimals)
    if value is None or not before:
        return "no earlier figure"
    return f"{(float(value) / float(before) - 1) * 100:+,.{decimals}f}%"


def day(value: Any) -> str:
    """2026-11-22 → 22 Nov 2026"""
    if value is None:
        return _MISSING
    then = date.fromisoformat(str(value)[:10])
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{then.day} {months[then.month - 1]} {then.year}"


@functools.cache
def _environment() -> AnswerEnvironment:
    made = AnswerEnvironment(trim_blocks=True, lstrip_blocks=True, finalize=_finalize)
    made.filters.update(number=number, money=money, percent=percent, change=change, day=day)
    return made


def _demand_decimals(decimals: object) -> None:
    """A number with a billion decimals is a gigabyte."""
    if not isinstance(decimals, int) or not 0 <= decimals <= _MOST_DECIMALS:
        raise TemplateRuntimeError(f"figures have up to {_MOST_DECIMALS} decimals")


def _finalize(value: object) -> object:
    return _MISSING if value is None else text_of(value)


@functools.lru_cache(maxsize=1024)
def _template(text: str) -> Any:
    return _environment().from_string(text)


@functools.lru_cache(maxsize=1024)
def _rule(text: str) -> Callable[..., Any]:
    _template("{{ " + text + " }}")  # admitted as a template's; Jinja compiles expressions without asking
    # Unlike a template, an expression gives undefined names back as values: strict ones fail when used.
    return _environment().compile_expression(text, undefined_to_none=False)


def _invalid(message: str, *, line: int = 1) -> TemplateInvalid:
    return TemplateInvalid(f"the answer cannot be written: {message}", line=line)
