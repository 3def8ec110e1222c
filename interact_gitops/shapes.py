"""The shipped JSON Schemas: each read once, each with one reused validator.

The files live in `schema/` at the top of the repository and inside the wheel beside this module.
One validator per schema is reused because building one costs 35 times a validation.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_HERE = Path(__file__).resolve().parent


def schema_path(name: str) -> Path:
    """Where the shipped schema file `name` is: in the wheel, or at the top of a checkout."""
    shipped = _HERE / "schema" / name
    return shipped if shipped.exists() else _HERE.parent / "schema" / name


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The parsed schema file, e.g. `job.schema.json`. Read-only by convention: it is shared."""
    return cast("dict[str, Any]", json.loads(schema_path(name).read_text(encoding="utf-8")))


def build_validator(document: dict[str, Any]) -> Validator:
    """A 2020-12 validator for one schema document; formats are annotations, as in the standard."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(document)


@functools.cache
def validator(name: str) -> Validator:
    """The one validator of the shipped schema file `name`."""
    return build_validator(schema(name))
