"""Prompts are templates, and templates are untrusted text: a small, closed language.

Jinja2 parses and renders; we admit only syntax whose cost and reach are bounded by the template's own
length. There is no loop, assignment, call, macro or include, attributes exist only on `run` and `job`,
and filters come from a list. What is not admitted is a fault with its line, at validation already.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from interact_gitops.errors import TemplateInvalid, did_you_mean
from interact_gitops.jobs.model import Job, Scalar

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MAX_OUTPUT = 100_000
BUILT_IN = {
    "run": ("date", "scheduled_at", "timezone", "trigger"),
    "job": ("key", "name", "labels"),
}
FILTERS = (
    "abs", "capitalize", "default", "float", "int", "join", "length", "lower", "replace", "round",
    "string", "title", "trim", "truncate", "upper",
)  # fmt: skip
_ADMITTED = (
    "Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Filter", "Test", "If",
    "CondExpr", "Compare", "Operand", "And", "Or", "Not", "Add", "Sub", "Mul", "Div", "FloorDiv", "Mod",
    "Neg", "Pos", "Concat", "List", "Tuple", "Keyword",
)  # fmt: skip
_SAYINGS = {
    "For": "loops",
    "Assign": "assignments",
    "AssignBlock": "assignments",
    "Call": "calls",
    "Include": "includes",
    "Import": "imports",
    "FromImport": "imports",
    "Extends": "inheritance",
    "Block": "blocks",
    "Macro": "macros",
    "Pow": "powers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run tells its prompts: the instant it stands for (aware) and what triggered it."""

    scheduled_at: datetime
    trigger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """Something a template may not do; `line` counts from 1 in its text, `word` is what to look for there."""

    line: int
    word: str
    code: str
    message: str
    remedy: str | None


def run_date(job: Job, scheduled_at: datetime) -> date:
    """The date of `scheduled_at` in the job's zone (UTC for a job with no schedule)."""
    return scheduled_at.astimezone(_zone(job)).date()


def render(text: str, *, job: Job, parameters: Mapping[str, Scalar], run: RunFacts) -> str:
    """The prompt as asked. Raises TemplateInvalid, also for a template that validation would refuse."""
    from jinja2 import TemplateError, UndefinedError

    faults, _ = inspect(text, frozenset(job.parameters))
    if faults:
        first = faults[0]
        raise TemplateInvalid(first.message, code=first.code, line=first.line, remedy=first.remedy)
    facts = {
        "run": {
            "date": run_date(job, run.scheduled_at).isoformat(),
            "scheduled_at": run.scheduled_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "timezone": str(_zone(job)),
            "trigger": run.trigger,
        },
        "job": {"key": job.key, "name": job.name, "labels": dict(job.labels)},
    }
    try:
        answer = _environment().from_string(text).render({**parameters, **facts})
    except UndefinedError as error:
        raise TemplateInvalid(f"the prompt uses a value that is not set: {error.message}", code="template") from error
    except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        raise TemplateInvalid(f"the prompt cannot be filled in: {error}", code="template") from error
    if len(answer) > MAX_OUTPUT:
        said = f"the filled-in prompt has {len(answer):,} characters, the limit is {MAX_OUTPUT:,}"
        raise TemplateInvalid(said, code="template-size")
    return answer


@functools.lru_cache(maxsize=4_096)
def inspect(text: str, parameters: frozenset[str]) -> tuple[tuple[TemplateFault, ...], frozenset[str]]:
    """(what is wrong with the template, the parameter names it uses). Pure; renders nothing."""
    if "{" not in text:
        return (), frozenset()
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        said = f"this template cannot be read: {error.message}"
        remedy = "write {{ name }} for a value; {{ '{{' }} for literal braces"
        return (
            TemplateFault(line=error.lineno, word="", code="template-syntax", message=said, remedy=remedy),
        ), frozenset()
    except RecursionError:
        said = "this template nests too deep"
        return (
            TemplateFault(line=1, word="", code="template-syntax", message=said, remedy="simplify it"),
        ), frozenset()
    walk = _Walk(parameters)
    walk.visit(tree)
    return tuple(walk.faults), frozenset(walk.used)


class _Walk:
    """One pass over a template's tree: what is used, and what is not admitted."""

    def __init__(self, parameters: frozenset[str]) -> None:
        self.parameters = parameters
        self.used: set[str] = set()
        self.faults: list[TemplateFault] = []

    def fault(self, node: nodes.Node, word: str, code: str, message: str, remedy: str | None) -> None:
        self.faults.append(TemplateFault(line=node.lineno, word=word, code=code, message=message, remedy=remedy))

    def visit(self, node: nodes.Node) -> None:
        kind = type(node).__name__
        if kind not in _ADMITTED:
            said = f"{_SAYINGS.get(kind, kind)} are not available in prompts"
            remedy = "use parameters, {% if %} and filters; fan_out or several prompts repeat a question"
            self.fault(node, _word(node), "template-syntax", said, remedy)
        elif kind == "Name":
            self.name(node)
        elif kind in {"Getattr", "Getitem"}:
            self.attribute(node)
        else:
            if kind == "Filter":
                self.filter(node)
            for child in node.iter_child_nodes():
                self.visit(child)

    def name(self, node: Any) -> None:
        known = sorted(self.parameters | set(BUILT_IN))
        if node.name in self.parameters:
            self.used.add(node.name)
        elif node.name in BUILT_IN:
            members = ", ".join(f"{node.name}.{member}" for member in BUILT_IN[node.name])
            self.fault(
                node,
                node.name,
                "template-name",
                f"{node.name!r} is not a value by itself",
                f"use one of {members}",
            )
        else:
            remedy = did_you_mean(node.name, known) or f"declare it under parameters, or use one of: {', '.join(known)}"
            said = f"{node.name!r} is neither a parameter of this job nor a built-in"
            self.fault(node, node.name, "template-name", said, remedy)

    def attribute(self, node: Any) -> None:
        parts = _dotted(node)
        if parts is None or parts[0] in self.parameters or parts[0] not in BUILT_IN:
            word = parts[-1] if parts else _word(node)
            said = "only run and job have members in prompts"
            self.fault(node, word, "template-sandbox", said, "use a parameter's value as it is, or with a filter")
            return
        members = BUILT_IN[parts[0]]
        if parts[1] not in members or len(parts) > (3 if parts[1] == "labels" else 2) or parts == ["job", "labels"]:
            shown = ".".join(parts)
            options = [f"{parts[0]}.{member}" for member in members if member != "labels"]
            if parts[0] == "job":
                options.append("job.labels.NAME")
            remedy = did_you_mean(shown, options) or f"use one of {', '.join(options)}"
            self.fault(node, parts[-1], "template-name", f"{shown!r} is not a built-in value", remedy)

    def filter(self, node: Any) -> None:
        if node.name not in FILTERS:
            remedy = did_you_mean(node.name, FILTERS) or f"use one of: {', '.join(FILTERS)}"
            said = f"the filter {node.name!r} is not available in prompts"
            self.fault(node, node.name, "template-filter", said, remedy)


def _dotted(node: Any) -> list[str] | None:
    """`run.date` and `job.labels["team"]` as their parts; None for anything computed."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return [node.name]
    part = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        part = node.arg.value
    before = _dotted(node.node) if part is not None else None
    return [*before, part] if before is not None and part is not None else None


def _word(node: Any) -> str:
    """A word of the source to look for when pointing at a node."""
    name = getattr(node, "attr", None) or getattr(node, "name", None)
    if isinstance(name, str):
        return name
    return {"For": "for", "Assign": "set", "Macro": "macro", "Include": "include", "Import": "import"}.get(
        type(node).__name__, ""
    )


@functools.cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class PromptEnvironment(ImmutableSandboxedEnvironment):
        """Arithmetic is for numbers: `'a' * 10**9` and `'%9999999d' % 1` cost more than they are long."""

        intercepted_binops = frozenset({"*", "%", "+", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not (isinstance(left, int | float) and isinstance(right, int | float)):
                raise TemplateInvalid(f"{operator} needs two numbers; ~ joins texts", code="template")
            return super().call_binop(context, operator, left, right)

    environment = PromptEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.filters["replace"] = _replace
    environment.filters["join"] = _join
    return environment


def _replace(value: object, old: object, new: object) -> str:
    text, before, after = str(value), str(old), str(new)
    if len(text) + text.count(before) * len(after) > MAX_OUTPUT:
        raise TemplateInvalid(f"replace would give over {MAX_OUTPUT:,} characters", code="template-size")
    return text.replace(before, after)


def _join(values: object, separator: object = "") -> str:
    parts = [str(value) for value in _iterate(values)]
    if sum(map(len, parts)) + len(str(separator)) * len(parts) > MAX_OUTPUT:
        raise TemplateInvalid(f"join would give over {MAX_OUTPUT:,} characters", code="template-size")
    return str(separator).join(parts)


def _iterate(values: object) -> Iterator[object]:
    if not isinstance(values, list | tuple | str):
        raise TemplateInvalid("join needs a list", code="template")
    return iter(values)


def _zone(job: Job) -> ZoneInfo:
    from interact_gitops.schedule import zone

    return zone(job.schedule.timezone if job.schedule else "UTC")
