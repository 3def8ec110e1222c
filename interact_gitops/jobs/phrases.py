"""Values, types and limits in people's words; messages are made of these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MAX_SHOWN = 60


def limit_broken(rule: str, limit: Any, value: Any, quoted: str) -> str:
    """The sentence for a value beyond a limit; `quoted` is the value as it may be shown."""
    if rule not in _KINDS:
        words = f"is {_COMPARED[rule]}" if rule in _COMPARED else f"breaks the rule {rule}"
        return f"{quoted} {words} {shown(limit)}"
    kind, part = _KINDS[rule]
    if not value:
        return f"this {kind} is empty"
    count = f"this {kind} has {_count(len(value), part)}"
    return f"{count}, at least {limit:,} are needed" if rule.startswith("min") else f"{count}, the limit is {limit:,}"


_COMPARED = {
    "minimum": "below",
    "maximum": "above",
    "exclusiveMinimum": "not above",
    "exclusiveMaximum": "not below",
    "multipleOf": "not a multiple of",
}
_KINDS = {
    "minLength": ("text", "character"),
    "maxLength": ("text", "character"),
    "minItems": ("list", "item"),
    "maxItems": ("list", "item"),
    "minProperties": ("map", "entry"),
    "maxProperties": ("map", "entry"),
}


def limit_remedy(rule: str, rules: Mapping[str, Any]) -> str | None:
    """How to come within a limit."""
    if rule in {"minimum", "maximum"}:
        low, high = rules.get("minimum"), rules.get("maximum")
        ends = ((f"from {low}", low), (f"to {high}", high))
        return "write a number " + " ".join(words for words, end in ends if end is not None)
    remedies = {
        "minLength": "write some text",
        "maxLength": "shorten it",
        "minItems": "give it an item, or leave the field out",
        "minProperties": "give it an entry, or leave the field out",
        "maxItems": "leave some out",
        "maxProperties": "leave some out",
    }
    return remedies.get(rule)


def _count(number: int, word: str) -> str:
    plural = "entries" if word == "entry" else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"


def shown(value: object) -> str:
    """A value as a message quotes it: one line, at most 60 characters, control characters escaped."""
    text = repr(value[:MAX_SHOWN]) if isinstance(value, str) else json_word(value)
    if len(text) <= MAX_SHOWN:
        return text
    return text[: MAX_SHOWN - 2] + "…" + text[-1]


def json_word(value: object) -> str:
    """A value as YAML and JSON write it: true, not True."""
    return json.dumps(value, ensure_ascii=True, default=str)


def named(value: object) -> str:
    """What kind of value this is, in words, with the value when it is a scalar."""
    if value is None or isinstance(value, dict | list):
        return kind_of(value)
    return shown(value) if isinstance(value, bool) else f"{kind_of(value)} {shown(value)}"


def kind_of(value: object) -> str:
    """What kind of value this is, in words, without the value."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return (
        "true or false" if isinstance(value, bool) else "the number" if isinstance(value, int | float) else "the text"
    )


_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
}


def types(limit: str | Iterable[str]) -> str:
    """A schema's `type` in words."""
    wanted = [limit] if isinstance(limit, str) else list(limit)
    if wanted == ["null"]:
        return "empty"
    words = [_NAMES[kind] for kind in wanted if kind != "null" and not (kind == "integer" and "number" in wanted)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def type_remedy(limit: str | list[str], value: object, hint: str | None) -> str | None:
    """How to write a value of the right type, having met `value`."""
    wanted = {limit} if isinstance(limit, str) else {*limit}
    if "string" in wanted and isinstance(value, bool | int | float):
        return "put it in quotes"
    if wanted <= {"boolean", "null"} and isinstance(value, str):
        return "write true or false, without quotes; yes, no, on and off are texts"
    if wanted <= {"integer", "number", "null"} and isinstance(value, str) and _NUMBER.fullmatch(value):
        return "write it without quotes"
    if "array" in wanted and wanted <= {"array", "null"}:
        return "write a list: [a, b], or one '- ' line per item"
    wanted -= {"integer"} if "number" in wanted else set()
    examples = [words for kind, words in _EXAMPLES.items() if kind in wanted]
    return hint or f"write {' or '.join(examples) or 'nothing'}"


_EXAMPLES = {
    "string": "a text",
    "integer": "a whole number such as 7",
    "number": "a number such as 2.5",
    "boolean": "true or false",
    "array": "a list: [a, b]",
    "object": "a map: one `name: value` line for each entry",
}
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
