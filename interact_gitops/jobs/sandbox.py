"""The Jinja2 environment of prompts: sandboxed, with a short list of filters whose results are bounded."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import TemplateInvalid

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_OUTPUT = 100_000
MAX_NUMBER = 2**128
MAX_PRECISION = 15
FILTERS = (
    "abs", "capitalize", "default", "float", "int", "join", "length", "lower", "replace", "round",
    "string", "title", "trim", "truncate", "upper",
)  # fmt: skip
TESTS = ("boolean", "defined", "divisibleby", "eq", "even", "ge", "gt", "in", "integer", "le", "lower", "lt", "ne",
         "none", "number", "odd", "string", "undefined", "upper")  # fmt: skip


@functools.cache
def environment() -> Environment:
    """The one environment in which prompts are parsed and rendered."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class PromptEnvironment(ImmutableSandboxedEnvironment):
        """Arithmetic is for numbers: `'a' * 10**9` and `'%9999999d' % 1` cost more than they are long."""

        intercepted_binops = frozenset({"*", "%", "+", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not (isinstance(left, int | float) and isinstance(right, int | float)):
                raise TemplateInvalid(f"{operator} needs two numbers", code="template", remedy="join texts with ~")
            result = super().call_binop(context, operator, left, right)
            if abs(result) > MAX_NUMBER:
                raise TemplateInvalid(f"{operator} gives a number that is too large", code="template")
            return result

    made = PromptEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    made.globals.clear()
    made.tests = {name: made.tests[name] for name in TESTS}
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.filters |= {"replace": _replace, "join": _join, "round": _round, "truncate": _truncate}
    return made


def _replace(value: object, old: object, new: object) -> str:
    text, before, after = str(value), str(old), str(new)
    if len(text) + text.count(before) * len(after) > MAX_OUTPUT:
        raise TemplateInvalid(f"replace would give over {MAX_OUTPUT:,} characters", code="template-size")
    return text.replace(before, after)


def _join(values: object, separator: object = "") -> str:
    if not isinstance(values, list | tuple | str):
        raise TemplateInvalid("join needs a list", code="template")
    parts = [str(value) for value in values]
    if sum(map(len, parts)) + len(str(separator)) * len(parts) > MAX_OUTPUT:
        raise TemplateInvalid(f"join would give over {MAX_OUTPUT:,} characters", code="template-size")
    return str(separator).join(parts)


def _truncate(value: object, length: object = 255, killwords: object = False, end: object = "...") -> str:
    """Jinja's `truncate`, which asserts where it should refuse."""
    from jinja2.filters import do_truncate

    if not isinstance(length, int) or length < len(str(end)):
        raise TemplateInvalid(f"truncate needs room for {str(end)[:20]!r}", code="template")
    return do_truncate(environment(), str(value), length, bool(killwords), str(end))


def _round(value: object, precision: object = 0) -> float:
    """Jinja's `round` without its methods: they compute 10 to the power of `precision`."""
    if not isinstance(value, int | float):
        raise TemplateInvalid("round needs a number", code="template")
    if not isinstance(precision, int) or abs(precision) > MAX_PRECISION:
        raise TemplateInvalid(f"round takes up to {MAX_PRECISION} digits", code="template")
    return round(float(value), precision)
