"""The shipped JSON Schemas: each read once, each compiled once.

The files live in `schema/` at the top of the repository and inside the wheel beside this module.
jsonschema-rs is the one judge of shape: it answers in microseconds, its errors carry paths, and the
regular expressions of a pull request run in linear time.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator as Fit

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema document and its compiled check; formats are annotations, as in the standard."""

    schema: Mapping[str, Any]
    fit: Fit = field(repr=False)

    def is_valid(self, value: object) -> bool:
        """Whether `value` fits. Raises ValueError for what is not JSON (a lone surrogate, a key that is no text)."""
        return self.fit.is_valid(value)


def shipped_path(name: str) -> Path:
    """Where a file or folder that ships with the program is: in the wheel, or at the top of a checkout."""
    inside = _HERE / name
    return inside if inside.exists() else _HERE.parent / name


def schema_path(name: str) -> Path:
    """Where the shipped schema file `name` is."""
    return shipped_path(f"schema/{name}")


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The parsed schema file, e.g. `job.schema.json`. Read-only by convention: it is shared."""
    return cast("dict[str, Any]", json.loads(schema_path(name).read_text(encoding="utf-8")))


def build_fit(document: Mapping[str, Any]) -> Fit:
    """A compiled check for one schema document.

    Raises ValueError for a pattern that cannot be read, which look-around and back references cannot:
    without them every pattern runs in time linear in the text.
    """
    from jsonschema_rs import Draft202012Validator, RegexOptions

    return Draft202012Validator(dict(document), pattern_options=RegexOptions())


def build_shape(document: Mapping[str, Any]) -> Shape:
    """The Shape of one schema document. Raises ValueError as `build_fit`."""
    bounded = _bounded(document)
    return Shape(bounded, build_fit(bounded))


def _bounded(rule: Any) -> Any:
    """A schema with `propertyNames` said as `patternProperties`.

    jsonschema-rs gives one error for each wrong name, with a copy of the whole map in it: megabytes for
    a file of kilobytes. Wrong names of `patternProperties` are one error. `x-names` keeps the remedy.
    """
    if isinstance(rule, list):
        return [_bounded(part) for part in rule]
    if not isinstance(rule, Mapping):
        return rule
    parts = {name: part if name in {"examples", "default", "enum"} else _bounded(part) for name, part in rule.items()}
    names = parts.get("propertyNames")
    if isinstance(names, dict) and "pattern" in names and "properties" not in parts:
        del parts["propertyNames"]
        parts["patternProperties"] = {names["pattern"]: parts.get("additionalProperties", True)}
        parts["additionalProperties"] = False
        parts["x-names"] = names.get("x-remedy")
    return parts


@functools.cache
def shape(name: str) -> Shape:
    """The one Shape of the shipped schema file `name`."""
    return build_shape(schema(name))


@functools.cache
def fit(name: str) -> Fit:
    """The compiled check of the shipped schema file `name`."""
    return shape(name).fit
