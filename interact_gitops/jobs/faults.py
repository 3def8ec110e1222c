"""A fault at a path inside a document, before anyone knows which file and line that is.

Schema errors and our own checks both give faults; the file loader turns them into problems with
positions, the server into JSON pointers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from interact_gitops.errors import did_you_mean

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

Path = tuple[str | int, ...]
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong at `path`.

    `at_key` points at the name rather than at its value. `line` (from 1) and `word` narrow a fault
    down inside a text; line 0 means the whole value. `offset` counts characters from the value's start.
    """

    path: Path
    message: str
    code: str
    remedy: str | None = None
    severity: Literal["error", "warning"] = "error"
    at_key: bool = False
    line: int = 0
    word: str = ""
    offset: int = 0


def shape_faults(validator: Validator, value: Any) -> list[Fault]:
    """Everything in which `value` differs from the validator's schema, in people's words."""
    return [fault for error in validator.iter_errors(value) for fault in _faults(error)]


def _faults(error: ValidationError) -> Iterator[Fault]:
    path: Path = tuple(error.absolute_path)
    rule: str = str(error.validator)
    limit: Any = error.validator_value
    value: Any = error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    hint = schema.get("x-remedy")
    if rule == "additionalProperties":
        known = schema.get("properties", {})
        for name in [name for name in value if name not in known]:
            remedy = did_you_mean(name, known) or f"known here: {', '.join(sorted(known))}"
            yield Fault(path=(*path, name), at_key=True, code="unknown-field", remedy=remedy,
                        message=f"unknown field {shown(name)}")  # fmt: skip
    elif rule == "required":
        missing = next((name for name in limit if name not in value and f"{name!r} is" in error.message), limit[0])
        yield Fault(path=path, code="missing-field", message=f"the field {missing!r} is missing",
                    remedy=_described(schema, missing))  # fmt: skip
    elif rule == "oneOf":
        names = [name for option in limit for name in option.get("required", ())]
        given = [name for name in names if name in value]
        said = (
            f"both {' and '.join(map(repr, given))} are given"
            if given
            else f"neither {' nor '.join(map(repr, names))} is given"
        )
        yield Fault(path=(*path, given[-1]) if given else path, at_key=True, message=said,
                    code="one-of", remedy=f"give one of {' or '.join(map(repr, names))}")  # fmt: skip
    elif rule == "type":
        yield Fault(path=path, code="wrong-type", remedy=_type_remedy(limit, value, hint),
                    message=f"this must be {_types(limit)}, not {named(value)}")  # fmt: skip
    elif rule == "enum":
        words = [str(option) for option in limit]
        remedy = (did_you_mean(value, words) if isinstance(value, str) else None) or f"write one of: {', '.join(words)}"
        yield Fault(path=path, code="not-allowed", message=f"{shown(value)} is not allowed here", remedy=remedy)
    elif rule == "pattern" or error.parent is not None:
        at_key = "propertyNames" in error.absolute_schema_path
        yield Fault(path=(*path, value) if at_key else path, at_key=at_key, code="bad-form", remedy=hint,
                    message=f"{shown(value)} does not have the right form")  # fmt: skip
    else:
        yield Fault(path=path, code="out-of-range", message=_limit(rule, limit, value), remedy=hint)


def _limit(rule: str, limit: Any, value: Any) -> str:
    count = len(value) if isinstance(value, str | list | dict) else 0
    sentences = {
        "minLength": "this text is empty"
        if count == 0
        else f"this text has {count} characters, at least {limit} are needed",
        "maxLength": f"this text has {count:,} characters, the limit is {limit:,}" if isinstance(limit, int) else "",
        "minItems": "this list is empty" if count == 0 else f"this list has {count} items, at least {limit} are needed",
        "maxItems": f"this list has {count} items, the limit is {limit}",
        "minProperties": "this map is empty"
        if count == 0
        else f"this map has {count} entries, at least {limit} are needed",
        "maxProperties": f"this map has {count} entries, the limit is {limit}",
        "minimum": f"{shown(value)} is below {limit}",
        "maximum": f"{shown(value)} is above {limit}",
        "exclusiveMinimum": f"{shown(value)} must be above {limit}",
        "exclusiveMaximum": f"{shown(value)} must be below {limit}",
        "multipleOf": f"{shown(value)} is not a multiple of {limit}",
        "uniqueItems": "this list holds a value twice",
    }
    return sentences.get(rule) or f"{shown(value)} breaks the rule {rule} {limit}"


def shown(value: object) -> str:
    """A value as a message quotes it: one line, at most 60 characters, control characters escaped."""
    text = repr(value) if isinstance(value, str) else json_word(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def json_word(value: object) -> str:
    """A value as YAML and JSON write it: true, not True."""
    import json

    return json.dumps(value, ensure_ascii=True, default=str)


def named(value: object) -> str:
    """What kind of value this is, in words, with the value when it is short."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    kind = "true or false" if isinstance(value, bool) else "a number" if isinstance(value, int | float) else "the text"
    return f"{kind} {shown(value)}" if not isinstance(value, bool) else shown(value)


_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
}


def _types(limit: str | Iterable[str]) -> str:
    wanted = [limit] if isinstance(limit, str) else list(limit)
    words = [_NAMES[kind] for kind in wanted if kind != "null"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _type_remedy(limit: str | list[str], value: object, hint: str | None) -> str | None:
    if "string" in limit and isinstance(value, bool | int | float):
        return "put it in quotes"
    if limit == "boolean" and isinstance(value, str):
        return "write true or false; YAML 1.2 knows no yes, no, on or off"
    if limit in {"integer", "number"} and isinstance(value, str):
        return "write it without quotes" if value.strip("+-").replace(".", "", 1).isdigit() else hint
    if limit == "array":
        return "write a list: [a, b], or one '- ' line per item"
    return hint


def _described(schema: Mapping[str, Any], name: str) -> str | None:
    description = schema.get("properties", {}).get(name, {}).get("description")
    return f"{name}: {description}" if description else None
