"""The shipped JSON Schemas: each read once, each with one reused validator.

The files live in `schema/` at the top of the repository and inside the wheel beside this module.
Two libraries share the work: jsonschema-rs says yes or no in microseconds, and only a document that
does not fit is walked again by jsonschema, whose errors say what and where.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from jsonschema_rs import Draft202012Validator as Fit

_HERE = Path(__file__).resolve().parent


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


def build_validator(document: dict[str, Any]) -> Validator:
    """A 2020-12 validator for one schema document, for its messages; formats are annotations."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(document)


@functools.cache
def validator(name: str) -> Validator:
    """The one validator of the shipped schema file `name`."""
    return build_validator(schema(name))


def build_fit(document: dict[str, Any]) -> Fit:
    """A compiled yes-or-no check for one schema document.

    Its regular expressions run in bounded time, whatever pattern a pull request brings.
    Raises ValueError for a pattern that cannot be read.
    """
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(document)


@functools.cache
def fit(name: str) -> Fit:
    """The compiled check of the shipped schema file `name`."""
    return build_fit(schema(name))
