"""A fault at a path inside a document, before anyone knows which file and line that is.

Schema errors and our own checks both give faults; the file loader turns them into problems with
positions, the server into JSON pointers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from interact_gitops.errors import did_you_mean
from interact_gitops.jobs.excerpt import excerpt
from interact_gitops.jobs.phrases import (
    MAX_SHOWN,
    json_word,
    kind_of,
    limit_broken,
    limit_remedy,
    named,
    shown,
    type_remedy,
    types,
)
from interact_gitops.shapes import Shape

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["LONGEST_WORD", "MAX_SHOWN", "Fault", "Path", "json_word", "named", "shape_faults", "shown"]

Path = tuple[str | int, ...]
LONGEST_WORD = 100  # that is compared with known words: the comparison is quadratic
MAX_FAULTS = 250  # of one document: more than the loader shows of one file


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong at `path`.

    `at_key` points at the name rather than at its value; `offset` counts characters into a text.
    """

    path: Path
    message: str
    code: str
    remedy: str | None = None
    severity: Literal["error", "warning"] = "error"
    at_key: bool = False
    offset: int = 0


def shape_faults(shape: Shape, value: Any) -> list[Fault]:
    """In what `value` differs from a schema, in people's words; of very many faults the first 250.

    A schema's `x-remedy` says how to mend a form or a limit; `x-secret` keeps the value out of messages.
    """
    try:
        if shape.is_valid(value):
            return []
        errors = shape.fit.iter_errors(excerpt(value))
    except ValueError as error:  # not JSON at all: a lone surrogate, an endless number, a key that is not a text
        return [Fault(path=(), code="wrong-type", message=f"this is not a JSON value: {error}")]
    found = (fault for error in errors for fault in _faults(error, value, shape.schema))
    return _without_echoes(list(islice(found, MAX_FAULTS))) or [_beyond_the_excerpt()]


def _without_echoes(faults: list[Fault]) -> list[Fault]:
    """The faults less those that only repeat a misspelt name: `promt` is unknown, and so `prompt` is missing."""
    meant = [(fault.path[:-1], fault.remedy) for fault in faults if fault.code == "unknown-field" and fault.remedy]
    return [
        fault
        for fault in faults
        if fault.code not in {"missing-field", "one-of"}
        or not any(
            parent == fault.path
            and remedy.startswith("did you mean ")
            and remedy.split("'")[1] in fault.message.split("'")
            for parent, remedy in meant
        )
    ]


def _beyond_the_excerpt() -> Fault:
    said = "this does not fit the schema, and is too large to say where"
    return Fault(path=(), code="out-of-range", message=said, remedy="write a smaller document")


def _faults(error: ValidationError, document: Any, schema: Any) -> Iterator[Fault]:
    path = _path(document, error.instance_path)
    rule = str(error.schema_path[-1])
    value: Any = _at(document, path)
    rules: Mapping[str, Any] = _at(schema, error.schema_path[:-1])
    limit: Any = rules[rule]
    hint: str | None = rules.get("x-remedy")
    secret = bool(rules.get("x-secret"))
    quoted = "this" if secret else shown(value)
    if rule == "additionalProperties" and "x-names" in rules:
        right = re.compile(next(iter(rules["patternProperties"])))
        for name in (name for name in value if not right.fullmatch(name)):
            yield Fault(path=(*path, name), at_key=True, code="bad-form", remedy=rules["x-names"],
                        message=f"the name {shown(name)} does not have the right form")  # fmt: skip
    elif rule == "additionalProperties":
        known = rules.get("properties", {})
        for name in (name for name in value if name not in known):
            remedy = did_you_mean(name[:LONGEST_WORD], known) or f"known here: {', '.join(sorted(known))}"
            yield Fault(path=(*path, name), at_key=True, code="unknown-field", remedy=remedy,
                        message=f"unknown field {shown(name)}")  # fmt: skip
    elif rule == "required":
        missing = error.kind.value
        if missing not in value:  # it may only be missing from the excerpt
            yield Fault(path=path, code="missing-field", message=f"the field {missing!r} is missing",
                        remedy=_described(rules, missing))  # fmt: skip
    elif rule in {"anyOf", "oneOf"}:
        yield from _choice_faults(error, document, schema, limit)
    elif rule == "type":
        found = kind_of(value) if secret else named(value)
        yield Fault(path=path, code="wrong-type", remedy=type_remedy(limit, value, hint),
                    message=f"this must be {types(limit)}, not {found}")  # fmt: skip
    elif rule == "enum":
        words = [str(option) for option in limit if option is not None]
        remedy = (
            did_you_mean(value[:LONGEST_WORD], words) if isinstance(value, str) else None
        ) or f"write one of: {', '.join(words)}"
        yield Fault(path=path, code="not-allowed", message=f"{quoted} is not allowed here", remedy=remedy)
    elif rule == "uniqueItems":
        index = _first_twice(value)
        yield Fault(path=path, code="out-of-range", remedy="keep one of the two",
                    message=f"{shown(value[index])} stands twice in this list")  # fmt: skip
    elif rule == "pattern":
        yield Fault(path=path, code="bad-form", remedy=hint, message=f"{quoted} does not have the right form")
    else:
        yield Fault(path=path, code="out-of-range", message=limit_broken(rule, limit, value, quoted),
                    remedy=hint or limit_remedy(rule, rules))  # fmt: skip


def _choice_faults(error: ValidationError, document: Any, schema: Any, options: list[Any]) -> Iterator[Fault]:
    path = _path(document, error.instance_path)
    if all(isinstance(option, dict) and option.keys() == {"required"} for option in options):
        yield _one_of(path, _at(document, path), [name for option in options for name in option["required"]])
        return
    # The option that was meant is the one whose faults lie deepest.
    context: list[list[ValidationError]] = [branch for branch in getattr(error.kind, "context", ()) if branch]
    meant = max(context, key=_depth, default=[])
    found = [fault for part in meant for fault in _faults(part, document, schema)]
    if not context:
        said = f"{shown(_at(document, path))} fits more than one form allowed here"
        found = [Fault(path=path, code="bad-form", message=said)]
    yield from found or [
        Fault(path=path, code="bad-form", message=f"{shown(_at(document, path))} fits no form allowed here")
    ]


def _depth(branch: list[ValidationError]) -> tuple[int, bool]:
    """How deep the faults of an option lie; among equals, "or nothing" is what nobody meant."""
    deepest = max(len(part.instance_path) for part in branch)
    return deepest, str(branch[0].schema_path[-1]) != "type" or branch[0].kind.value != ["null"]


def _path(document: Any, reported: Iterable[str | int]) -> Path:
    """The path in an error: jsonschema-rs reports a key that looks like a number, `007` or `+7`, as that number."""
    path: list[str | int] = []
    for part in reported:
        if isinstance(document, dict) and part not in document:
            path.append(next(key for key in document if _INDEX.fullmatch(key) and int(key) == int(part)))
        else:
            path.append(part)
        document = document[path[-1]]
    return tuple(path)


_INDEX = re.compile(r"\+?[0-9]{1,20}")


def _at(document: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        document = document[part]
    return document


def _first_twice(items: list[Any]) -> int:
    """The index of the first item that an earlier one equals; 2 and 2.0 are one number."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        whole = int(item) if isinstance(item, float) and item.is_integer() else item
        text = json.dumps(whole, sort_keys=True)
        if text in seen:
            return index
        seen.add(text)
    return 0


def _one_of(path: Path, value: Mapping[str, Any], names: list[str]) -> Fault:
    given = [name for name in names if name in value]
    if given:
        said = f"both {' and '.join(map(repr, given))} are given"
        return Fault(path=(*path, list(value)[max(list(value).index(name) for name in given)]), at_key=True,
                     message=said, code="one-of", remedy="keep one of them")  # fmt: skip
    said = f"neither {' nor '.join(map(repr, names))} is given"
    return Fault(path=path, message=said, code="one-of", remedy=f"write {' or '.join(names)}")


def _described(rules: Mapping[str, Any], name: str) -> str | None:
    description = rules.get("properties", {}).get(name, {}).get("description")
    return f"{name}: {description.partition('. ')[0].rstrip('.')}" if description else None
