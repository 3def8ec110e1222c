"""Parameters of a job: JSON Schemas of scalar types, the values that fit them, and values typed in by hand."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import ParametersInvalid, did_you_mean
from interact_gitops.jobs.faults import shape_faults, shown
from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.scalars import ScalarRefused, resolve
from interact_gitops.shapes import Shape, build_fit, build_shape

MAX_TEXT = 10_000
_ANNOTATIONS = frozenset({"default", "description", "examples", "title"})  # no rules: they tell no value from another


def complete(job: Job, values: Mapping[str, object]) -> dict[str, Scalar]:
    """`values` with defaults filled in, in the order of the job's parameters.

    Raises ParametersInvalid with every fault: unknown names, values that break their schema, and
    parameters left unset.
    """
    faults = [(name, _unknown(job, name)) for name in values if name not in job.parameters]
    filled: dict[str, Scalar] = {}
    for name, schema in job.parameters.items():
        if name in values:
            fault = value_fault(schema, values[name])
            if fault:
                faults.append((name, fault))
            else:
                filled[name] = values[name]  # type: ignore[assignment]  # the schema admits scalars only
        elif "default" in schema:
            filled[name] = schema["default"]
        else:
            faults.append((name, "a value is required: the parameter has no default"))
    if faults:
        raise ParametersInvalid(faults, job=job.key)
    return filled


def value_fault(schema: Mapping[str, Any], value: object, rules: Shape | None = None) -> str | None:
    """Why `value` breaks a parameter's schema, or None. `rules`: `parameter_rules(schema)`, for many values."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"the text has {len(value):,} characters, the limit is {MAX_TEXT:,}"
    try:
        shape = rules or parameter_rules(schema)
        if shape.is_valid(value):
            return _format_fault(schema, value)
    except ValueError as error:
        return f"this value cannot be checked: {error}"
    first = shape_faults(shape, value)[0]
    if first.code == "bad-form":
        return f"{shown(value)} does not match the pattern {schema['pattern']}"
    return f"{first.message} ({first.remedy})" if first.code == "not-allowed" else first.message


def parameter_rules(schema: Mapping[str, Any]) -> Shape:
    """The compiled rules of a parameter. Raises ValueError for a pattern that cannot be read."""
    rules = {name: rule for name, rule in schema.items() if name not in _ANNOTATIONS}
    return _shape(json.dumps(rules))


@functools.lru_cache(maxsize=4_096)
def pattern_readable(pattern: str) -> bool:
    """Whether a parameter's `pattern` is a regular expression."""
    try:
        build_fit({"pattern": pattern})
    except ValueError:
        return False
    return True


def parse_value(schema: Mapping[str, Any], text: str) -> Scalar:
    """A value as typed on a command line or a form, by the parameter's type.

    Text that does not read as that type is returned as it is, for the schema to refuse.
    """
    kind = schema.get("type")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in {"integer", "number"}:
        try:
            value = resolve(text)
        except ScalarRefused:
            return text
        return value if isinstance(value, int | float) and not isinstance(value, bool) else text
    return text


@functools.lru_cache(maxsize=8_192)
def _shape(schema: str) -> Shape:
    return build_shape(json.loads(schema))


def _unknown(job: Job, name: str) -> str:
    known = ", ".join(job.parameters) or "none"
    return f"the job has no such parameter; {did_you_mean(name, job.parameters) or f'its parameters: {known}'}"


def _format_fault(schema: Mapping[str, Any], value: object) -> str | None:
    if schema.get("format") == "date" and isinstance(value, str):
        from datetime import date

        try:
            written = date.fromisoformat(value).isoformat()
        except ValueError:
            written = ""
        if written != value:  # Python also reads 20260228 and 2026-W09
            return f"{shown(value)} is not a date written as YYYY-MM-DD"
    return None
