"""GitHub's expressions, as far as our workflows use them; anything else is an error, and so is a name nobody defined.

Source: GitHub's documentation, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([0-9]+)|([A-Za-z_][\w-]*)|(==|!=|&&|\|\||[!().,]))")
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
Functions = Mapping[str, Callable[..., Any]]


class Unknown(Exception):
    """Something that this evaluator does not know, or that is not there."""


def filled(text: str, contexts: Mapping[str, Any], functions: Functions) -> str:
    """A text with its expressions replaced."""
    return _INSIDE.sub(lambda found: _shown(evaluate(found[1], contexts, functions)), text)


def condition(text: Any, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Whether an `if:` holds; without a status function it means success as well."""
    bare = str(text).strip()
    whole = _INSIDE.fullmatch(bare)
    expression = whole[1] if whole else bare
    holds = bool(evaluate(expression, contexts, functions))
    asks = re.search(r"\b(always|cancelled|failure|success)\s*\(", expression)
    return holds and (bool(asks) or bool(functions["success"]()))


def evaluate(text: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """The value of one expression."""
    parser = _Parser(text, contexts, functions)
    value = parser.either()
    if parser.tokens:
        raise Unknown(f"{text!r}: {parser.tokens[0]!r} is not expected")
    return value


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Any], functions: Functions) -> None:
        self.text, self.contexts, self.functions = text, contexts, functions
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise Unknown(f"{text!r} at {at}")
            self.tokens.append(next(part for part in found.groups() if part is not None))
            at = found.end()

    def either(self) -> Any:
        value = self.both()
        while self._take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._take("&&"):
            other = self.compared()
            value = value and other
        return value

    def compared(self) -> Any:
        value = self.negated()
        for operator, want in (("==", True), ("!=", False)):
            if self._take(operator):
                return (_loose(value) == _loose(self.negated())) is want
        return value

    def negated(self) -> Any:
        return not self.negated() if self._take("!") else self.primary()

    def primary(self) -> Any:
        if not self.tokens:
            raise Unknown(f"{self.text!r} ends too early")
        token = self.tokens.pop(0)
        if token == "(":
            value = self.either()
            self._demand(")")
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if self._take("("):
            return self._called(token)
        return self._looked_up(token)

    def _called(self, name: str) -> Any:
        if name not in self.functions:
            raise Unknown(f"{self.text!r}: no function {name}")
        arguments = []
        if not self._take(")"):
            arguments.append(self.either())
            while self._take(","):
                arguments.append(self.either())
            self._demand(")")
        return self.functions[name](*arguments)

    def _looked_up(self, name: str) -> Any:
        if name in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[name]
        if name not in self.contexts:
            raise Unknown(f"{self.text!r}: no context {name}")
        value = self.contexts[name]
        path = name
        while self._take("."):
            part = self.tokens.pop(0)
            # What the repository does not have set is empty; everything else has to be there.
            if path in {"vars", "secrets"}:
                value = value.get(part, "")
            elif not isinstance(value, Mapping) or part not in value:
                raise Unknown(f"{self.text!r}: {path} has no {part}")
            else:
                value = value[part]
            path += f".{part}"
        return value

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _demand(self, token: str) -> None:
        if not self._take(token):
            raise Unknown(f"{self.text!r}: {token} is missing")


def to_json(value: Any) -> str:
    """`toJSON`."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _loose(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
