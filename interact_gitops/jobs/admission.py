"""Which templates are admitted as prompts: a small, closed language.

We admit only syntax whose cost and reach are bounded by the template's own length. There is no loop,
assignment, call, macro or include, attributes exist only on `run` and `job`, and filters come from a
list. What is not admitted is a fault with its place, at validation already.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import did_you_mean
from interact_gitops.jobs.faults import LONGEST_WORD, shown
from interact_gitops.jobs.sandbox import FILTERS, TESTS, environment

if TYPE_CHECKING:
    from jinja2 import nodes

MAX_NODES = 2_000
MAX_DEPTH = 50
MAX_FAULTS = 20
BUILT_IN = {
    "run": ("date", "scheduled_at", "timezone", "trigger"),
    "job": ("key", "name", "labels"),
}
_ADMITTED = frozenset(
    {
        "Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Filter", "Test", "If",
        "CondExpr", "Compare", "Operand", "And", "Or", "Not", "Add", "Sub", "Mul", "Div", "FloorDiv", "Mod",
        "Neg", "Pos", "Concat", "List", "Tuple", "Keyword",
    }
)  # fmt: skip
# What is not admitted: in words, and the word of the source that stands for it.
_REFUSED = {
    "For": ("loops", "for"),
    "Assign": ("assignments", "set"),
    "AssignBlock": ("assignments", "set"),
    "Call": ("calls", "("),
    "Include": ("includes", "include"),
    "Import": ("imports", "import"),
    "FromImport": ("imports", "from"),
    "Extends": ("templates that extend others", "extends"),
    "Block": ("blocks", "block"),
    "Macro": ("macros", "macro"),
    "CallBlock": ("calls", "call"),
    "FilterBlock": ("filter blocks", "filter"),
    "Pow": ("powers", "**"),
    "Slice": ("slices", "["),
    "Dict": ("maps", "{"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """Something a template may not do, at `offset` characters into its text."""

    offset: int
    line: int
    column: int
    code: str
    message: str
    remedy: str | None


@functools.lru_cache(maxsize=4_096)
def inspect(text: str, parameters: frozenset[str]) -> tuple[tuple[TemplateFault, ...], frozenset[str]]:
    """(what is wrong with the template, the parameter names it uses). Pure; renders nothing."""
    if (plain := _plain_uses(text, parameters)) is not None:
        return (), plain
    return _judge(text, parameters)


# `{{ name }}` or `{{ run.date }}`: all that most prompts have. A brace before it would be read with it.
_VALUE = re.compile(r"(?<!\{)\{\{[ \t\n]*([A-Za-z_][A-Za-z0-9_]*)(?:\.([a-z_]+))?[ \t\n]*\}\}")
_MARKS = ("{{", "{%", "{#")
_WORDS = frozenset(["and", "else", "if", "in", "is", "not", "or", "true", "false", "none", "True", "False", "None"])
_MOST_PLAIN = MAX_NODES // 4


def _plain_uses(text: str, parameters: frozenset[str]) -> frozenset[str] | None:
    """The parameters that a template uses which does nothing but name known values; None for any other.

    What this admits, `_judge` admits, at fifty times the price (and that of importing Jinja).
    """
    if "{" not in text:
        return frozenset()
    used = set()
    values = _VALUE.findall(text)
    for name, member in values:
        if member:
            if name in parameters or member == "labels" or member not in BUILT_IN.get(name, ()):
                return None
        elif name not in parameters or name in _WORDS:
            return None
        else:
            used.add(name)
    rest = _VALUE.sub(" ", text)
    return None if len(values) > _MOST_PLAIN or any(mark in rest for mark in _MARKS) else frozenset(used)


def _judge(text: str, parameters: frozenset[str]) -> tuple[tuple[TemplateFault, ...], frozenset[str]]:
    """`inspect` by Jinja's own reading of the template."""
    from jinja2 import TemplateSyntaxError

    if text.count("{{") + text.count("{%") > MAX_NODES // 2:
        return (_too_complex(text),), frozenset()
    try:
        tree = environment().parse(text)
    except TemplateSyntaxError as error:
        return (_syntax_fault(text, error.message or "", error.lineno),), frozenset()
    except (RecursionError, ValueError):
        # Brackets within brackets, or a number of more digits than Python reads.
        return (_too_complex(text),), frozenset()
    walk = _Walk(text, parameters)
    walk.visit(tree, 0)
    if walk.nodes > MAX_NODES or walk.too_deep:
        return (_too_complex(text),), frozenset()
    return tuple(sorted(walk.faults, key=lambda fault: fault.offset)), frozenset(walk.used)


class _Walk:
    """One pass over a template's tree: what is used, and what is not admitted."""

    def __init__(self, text: str, parameters: frozenset[str]) -> None:
        self.text = text
        self.parameters = parameters
        self.used: set[str] = set()
        self.faults: list[TemplateFault] = []
        self.nodes = 0
        self.too_deep = False
        self.places: _Places | None = None

    def fault(self, node: nodes.Node, word: str, code: str, message: str, remedy: str | None) -> None:
        if len(self.faults) == MAX_FAULTS:
            return
        if self.places is None:
            self.places = _Places(self.text)
        offset = self.places.find(node.lineno, word, type(node).__name__)
        self.faults.append(_fault(self.text, offset, code, message, remedy))

    def visit(self, node: nodes.Node, depth: int) -> None:
        self.nodes += 1
        self.too_deep |= depth > MAX_DEPTH
        if self.too_deep or self.nodes > MAX_NODES:
            return
        kind = type(node).__name__
        if kind not in _ADMITTED:
            what, word = _REFUSED.get(kind, (f"{kind} expressions", ""))
            remedy = "use parameters, {% if %} and filters; fan_out or several prompts repeat a question"
            self.fault(node, word, "template-syntax", f"{what} are not available in prompts", remedy)
        elif kind == "Name":
            self.name(node)
        elif kind in {"Getattr", "Getitem"}:
            self.attribute(node)
        else:
            if kind == "Filter":
                self.known(node, "filter", FILTERS)
            elif kind == "Test":
                self.known(node, "test", TESTS)
            for child in node.iter_child_nodes():
                self.visit(child, depth + 1)

    def name(self, node: Any) -> None:
        known = sorted(self.parameters | set(BUILT_IN))
        if node.name in self.parameters:
            self.used.add(node.name)
        elif node.name in BUILT_IN:
            members = ", ".join(f"{node.name}.{member}" for member in BUILT_IN[node.name])
            said = f"{node.name!r} is not a value by itself"
            self.fault(node, node.name, "template-name", said, f"use one of {members}")
        else:
            remedy = (
                did_you_mean(node.name[:LONGEST_WORD], known)
                or f"declare it under parameters, or use one of: {', '.join(known)}"
            )
            said = f"{shown(node.name)} is neither a parameter of this job nor a built-in"
            self.fault(node, node.name, "template-name", said, remedy)

    def attribute(self, node: Any) -> None:
        parts = _dotted(node)
        if parts is None or parts[0] in self.parameters or parts[0] not in BUILT_IN:
            word = parts[-1] if parts else str(getattr(node, "attr", "["))
            said = "only run and job have members in prompts"
            self.fault(node, word, "template-sandbox", said, "use a parameter's value as it is, or with a filter")
            return
        members = BUILT_IN[parts[0]]
        if parts[1] not in members or len(parts) > (3 if parts[1] == "labels" else 2) or parts == ["job", "labels"]:
            dotted = ".".join(parts)
            options = [f"{parts[0]}.{member}" for member in members if member != "labels"]
            if parts[0] == "job":
                options.append("job.labels.NAME")
            remedy = did_you_mean(dotted[:LONGEST_WORD], options) or f"use one of {', '.join(options)}"
            self.fault(node, parts[-1], "template-name", f"{shown(dotted)} is not a built-in value", remedy)

    def known(self, node: Any, what: str, names: tuple[str, ...]) -> None:
        if node.name not in names:
            remedy = did_you_mean(node.name[:LONGEST_WORD], names) or f"use one of: {', '.join(names)}"
            said = f"the {what} {shown(node.name)} is not available in prompts"
            self.fault(node, node.name, f"template-{what}", said, remedy)


class _Places:
    """Where the words of a template stand; Jinja's tree knows lines only, but its tokens are the whole text."""

    def __init__(self, text: str) -> None:
        self.words: dict[tuple[int, str, str], list[int]] = {}
        self.text = text
        self.seen: Counter[tuple[int, str, str]] = Counter()
        offset, before = 0, ""
        for line, kind, value in environment().lex(text):
            if kind in {"name", "operator"} or (kind == "string" and before == "["):
                word = value.strip("'\"") if kind == "string" else value
                # A name after a dot or in brackets is a member, after a bar a filter, else a value.
                role = {".": "Getattr", "[": "Getattr", "|": "Filter"}.get(before, "Name")
                for key in ((line, word, role), (line, word, "")):
                    self.words.setdefault(key, []).append(offset)
            if kind != "whitespace":
                before = value
            offset += len(value)

    def find(self, line: int, word: str, kind: str) -> int:
        """The offset of `word` on `line`; asked again, of the next one; without one, of the line."""
        role = {"Getitem": "Getattr", "Filter": "Filter", "Getattr": "Getattr", "Name": "Name"}.get(kind, "")
        for key in ((line, word, role), (line, word, "")):
            if found := self.words.get(key):
                index = min(self.seen[key], len(found) - 1)
                self.seen[key] += 1
                return found[index]
        return _first_braces(self.text, line)


def _syntax_fault(text: str, said: str, line: int) -> TemplateFault:
    remedy = "write {{ name }} for a value, {{ '{{' }} for literal braces"
    if said.startswith("Unexpected end of template"):
        said, remedy = "it ends inside {% if %}", "write {% endif %}"
    message = f"this template cannot be read: {said.rstrip('.')}"
    return _fault(text, _first_braces(text, line), "template-syntax", message, remedy)


def _first_braces(text: str, line: int) -> int:
    """Where markup begins on `line` or after it; without any, where the line begins."""
    lines = _line_starts(text)
    start = lines[min(line, len(lines)) - 1]
    return min((place for mark in ("{{", "{%", "{#") if (place := text.find(mark, start)) >= 0), default=start)


def _too_complex(text: str) -> TemplateFault:
    said = f"this template is too complex: more than {MAX_NODES:,} parts or {MAX_DEPTH} levels"
    return _fault(text, text.find("{"), "template-syntax", said, "simplify it, or split it into several prompts")


def _fault(text: str, offset: int, code: str, message: str, remedy: str | None) -> TemplateFault:
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    return TemplateFault(offset=offset, line=line, column=column, code=code, message=message, remedy=remedy)


def _line_starts(text: str) -> list[int]:
    return [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]


def _dotted(node: Any) -> list[str] | None:
    """`run.date` and `job.labels["team"]` as their parts; None for anything computed."""
    from jinja2 import nodes

    parts: list[str] = []
    while not isinstance(node, nodes.Name):
        part = node.attr if isinstance(node, nodes.Getattr) else None
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            part = node.arg.value
        if part is None:
            return None
        parts.append(part)
        node = node.node
    return [node.name, *reversed(parts)]
