"""The Jinja2 environment of answers and rules: sandboxed, and bounded in what they may cost.

Jinja's sandbox keeps templates away from Python. What it does not bound is cost: `'x'.center(10**9)`, a loop in a loop
in a loop, `{% set a = a ~ a %}` forty times, `{% set n = n * n %}` forty times. So nothing is called, filters come from
a list, texts are joined within a cap, numbers have a largest one, lists are written out of constants, and loops and
filters that go through lists count the time they take and what they give.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context, pass_environment
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from interact_gitops.jobs.sandbox import MAX_NUMBER
from interact_gitops.jobs.sandbox import environment as prompts

LONGEST_TEXT = 100_000
LARGEST_LIST = 16_000_000
"""Characters and entries of what a filter makes of a list: twice what the rows of a query may have."""
MOST_NODES = 3_000
MOST_SECONDS = 2.0
"""Of this thread's CPU, for one answer."""

_FILTERS = (
    "abs", "attr", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr",
    "sort", "string", "sum", "title", "trim", "unique", "upper", "wordcount",
)  # fmt: skip
_BOUNDED = ("join", "replace", "round", "truncate")  # as in prompts
_THROUGH_LISTS = ("map", "reject", "rejectattr", "select", "selectattr")
_OF_TEXTS = ("capitalize", "join", "lower", "replace", "string", "title", "trim", "truncate", "upper", "wordcount")
_REFUSED = {
    nodes.Macro: "macros", nodes.CallBlock: "calls", nodes.Call: "calls", nodes.FilterBlock: "filter blocks",
    nodes.AssignBlock: "blocks of set", nodes.Include: "includes", nodes.Import: "imports",
    nodes.FromImport: "imports", nodes.Extends: "templates that extend others", nodes.Block: "blocks",
    nodes.Pow: "powers",
}  # fmt: skip
_clock = threading.local()


class AnswerEnvironment(ImmutableSandboxedEnvironment):
    """See the module. `budget` is to be called before each rendering."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, **options)
        self.globals.clear()
        bounded = prompts().filters
        self.filters = {name: self.filters[name] for name in _FILTERS} | {name: bounded[name] for name in _BOUNDED}
        self.filters |= {name: _weighed(self.filters[name]) for name in _THROUGH_LISTS}
        self.filters |= {name: _short(self.filters[name]) for name in _OF_TEXTS}
        self.filters |= {"sum": _of_numbers(self.filters["sum"]), "_counted": _counted, "_joined": _joined}

    def budget(self) -> None:
        """From now on a rendering of this thread has `MOST_SECONDS`."""
        _clock.until = time.thread_time() + MOST_SECONDS

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A row's column, before a method of that name."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_callable(self, _obj: Any) -> bool:
        """Nothing is: methods of texts and numbers make gigabytes out of one number."""
        return False

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, on numbers only."""
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple) or operator == "**":
            raise SecurityError(f"{operator} works on numbers only here, and ** not at all; join texts with ~")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int | float) and abs(result) > MAX_NUMBER:
            raise SecurityError(f"{operator} gives a number that is too large")
        return result

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template's tree, admitted. Raises TemplateSyntaxError."""
        try:
            tree = super()._parse(source, name, filename)
            for count, node in enumerate(tree.find_all(nodes.Node)):
                _admit(node)
                if count > MOST_NODES:
                    raise TemplateSyntaxError(f"it has more than {MOST_NODES:,} parts", 1)
            _bound(tree)
        except RecursionError:
            raise TemplateSyntaxError("it nests too deep", 1) from None
        return tree


def _admit(node: nodes.Node) -> None:
    what = _REFUSED.get(type(node))
    if what is not None:
        raise TemplateSyntaxError(f"{what} are not available in answers", node.lineno)
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict) and getattr(node, "ctx", "load") == "load":
        # A list of itself twice, forty times over, is small until it is written.
        try:
            node.as_const()
        except nodes.Impossible:
            raise TemplateSyntaxError("lists are written out of constants", node.lineno) from None


def _bound(parent: nodes.Node) -> None:
    """Loops count, and texts are joined within the cap."""
    for name, value in parent.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(parent, name, _bounded(value))
        elif isinstance(value, list):
            value[:] = [_bounded(one) if isinstance(one, nodes.Node) else one for one in value]


def _bounded(node: nodes.Node) -> nodes.Node:
    _bound(node)
    line = {"lineno": node.lineno}
    if isinstance(node, nodes.For):
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, **line)
    elif isinstance(node, nodes.Concat):
        return nodes.Filter(nodes.Tuple(node.nodes, "load", **line), "_joined", [], [], None, None, **line)
    return node


def text_of(value: object) -> str:
    """`str(value)`, unless that is longer than a text may be: a list of a list of itself, ten times over, is small
    until it is written. Raises SecurityError."""
    left = LONGEST_TEXT
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
        left -= len(one) if isinstance(one, str) and one is not value else 1
        if left < 0 or len(waiting) > LONGEST_TEXT:
            raise SecurityError(f"a list would be written as more than {LONGEST_TEXT:,} characters")
    return str(value)


def _counted(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if time.thread_time() > _clock.until:
            raise SecurityError(f"it takes longer than {MOST_SECONDS:g} s")
        yield value


def _weighed(filter_: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """A filter that goes through a list, within the time and the size that there are."""

    @pass_context
    def weighed(context: Any, value: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        size = 0
        for one in _counted(filter_(context, value, *arguments, **named)):
            size += len(one) if isinstance(one, str | list | tuple) else 1
            if size > LARGEST_LIST:
                raise SecurityError("it makes a list that is too large")
            yield one

    return weighed


def _short(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of a text, to which a list is given as the text that it is written as."""

    def short(value: Any, *arguments: Any, **named: Any) -> Any:
        for one in (value, *arguments, *named.values()):
            text_of(one)
        return filter_(value, *arguments, **named)

    return short


def _of_numbers(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """`sum`, which would also join lists, and copies them for each one."""

    @pass_environment
    def added(environment: Any, value: Any, attribute: Any = None, start: Any = 0) -> Any:
        if not isinstance(start, int | float):
            raise SecurityError("sum adds up numbers")
        return filter_(environment, value, attribute, start)

    return added


def _joined(values: Sequence[Any]) -> str:
    parts = [text_of(value) for value in values]
    if sum(map(len, parts)) > LONGEST_TEXT:
        raise SecurityError(f"~ gives more than {LONGEST_TEXT:,} characters")
    return "".join(parts)
