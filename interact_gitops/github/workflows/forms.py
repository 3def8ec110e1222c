"""The form that GitHub shows to start a run: a field per parameter, and the values that come out of it. Pure.

Facts (GitHub's documentation of workflow_dispatch): at most 25 inputs, 65,535 characters in all, of type string,
number, boolean, choice or environment; an input's id is a word; `inputs` keeps booleans and gives the rest as text.
A parameter that no field can show as it is goes into `params_json`, with those that are too many. A field that is left
empty is a value not given: the parameter's default then, which is why optional texts need no second way to say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from interact_gitops.errors import Refused, did_you_mean
from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.parameters import complete, parse_value
from interact_gitops.jobs.strict_json import read_strictly
from interact_gitops.planning.rendering.github import shortened
from interact_gitops.planning.rendering.styled import visible

TYPED = 24  # fields beside `params_json`; GitHub takes 25
FAN_OUT, PARAMS_JSON, JOB = "fan_out", "params_json", "job"
MOST_CHOICES = 100  # options of a list, in which nobody can search
LONGEST_LINE = 160  # characters of a description
_LEAST_WORDS = 40  # characters of it that are left to what somebody wrote
_LONGEST_VALUE = 200  # characters of a default or an option
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_EXACT = 2**53  # GitHub's numbers are JavaScript's
_GENERATE = "write the forms again with `interact-gitops workflows generate`, or choose the branch that has them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field; `default` is YAML text, ready to be written, or None for none."""

    name: str
    type: Literal["string", "number", "boolean", "choice"]
    description: str
    required: bool = False
    default: str | None = None
    options: tuple[str, ...] = ()


def form(job: Job) -> tuple[Field, ...]:
    """The fields of a job's form, in the order of its parameters."""
    head = (_fan_out_field(),) if job.fan_out else ()
    fields = {name: field for name in job.parameters if (field := _field(job, name)) is not None}
    # What has to be filled in comes first where not all have room: it must not hide in JSON.
    ranked = sorted(fields, key=lambda name: "default" in job.parameters[name])
    typed = set(ranked[: TYPED - len(head)])
    rest = [name for name in job.parameters if name not in typed]
    tail = (_json_field(job, rest),) if rest else ()
    return (*head, *(field for name, field in fields.items() if name in typed), *tail)


def form_of_any(keys: Iterable[str]) -> tuple[Field, ...]:
    """The fields of the form that runs any job."""
    options = tuple(keys)
    listed = options if len(options) <= MOST_CHOICES else ()
    said = "The job to run" if listed else "The key of the job to run"
    words = "Its parameters as a JSON object; left empty, the job runs as it would by its schedule"
    return (
        Field(name=JOB, type="choice" if listed else "string", description=said, required=True, options=listed),
        Field(name=PARAMS_JSON, type="string", description=words, default='""'),
    )


def values_of(job: Job, inputs: Mapping[str, Any]) -> dict[str, Scalar] | None:
    """The parameter values that came out of a job's own form, complete; None for a run of its fan-out.

    Raises Refused for fields that the form does not have, ParametersInvalid for values that do not fit.
    """
    fields = {field.name for field in form(job)}
    for name in inputs:
        if name not in fields:
            hint = did_you_mean(name, fields)
            raise Refused(f"the form of {job.key} has no field {name!r}", remedy=hint or _GENERATE)
    texts = {name: _text(value) for name, value in inputs.items() if name in job.parameters and name != PARAMS_JSON}
    texts.pop(FAN_OUT, None)
    values: dict[str, Any] = {n: parse_value(job.parameters[n], text) for n, text in texts.items() if text}
    values = _joined(values, _object(inputs.get(PARAMS_JSON)))
    if job.fan_out and _text(inputs.get(FAN_OUT, False)).lower() == "true":
        given = [name for name, value in values.items() if value != job.parameters.get(name, {}).get("default")]
        if given:
            said = f"the fan-out is ticked, and {', '.join(given)} is filled in: it would not be used"
            raise Refused(said, remedy="untick the fan-out for one chat with these values, or leave them as they were")
        return None
    return complete(job, values)


def values_of_any(job: Job, inputs: Mapping[str, Any]) -> dict[str, Scalar] | None:
    """The same out of the form that runs any job: no values are the job's own run. Raises as `values_of`."""
    for name in inputs:
        if name not in {JOB, PARAMS_JSON}:
            raise Refused(f"the form has no field {name!r}", remedy=_GENERATE)
    values = _object(inputs.get(PARAMS_JSON))
    return complete(job, values) if values else None


def read_inputs(text: str) -> dict[str, Any]:
    """GitHub's `toJSON(inputs)`, which is null where a form has no fields. Raises Refused for anything but a map."""
    return {} if text.strip() == "null" else _object(text, what="INPUTS")


def _fan_out_field() -> Field:
    said = "Run its fan-out, one chat for each of its combinations; unticked, one chat with the values below"
    return Field(name=FAN_OUT, type="boolean", description=said, default="true")


def _json_field(job: Job, names: list[str]) -> Field:
    needed = not job.fan_out and any("default" not in job.parameters[name] for name in names)
    said = _line(f"As a JSON object: {', '.join(names)}")
    return Field(name=PARAMS_JSON, type="string", description=said, required=needed, default=None if needed else '""')


def _field(job: Job, name: str) -> Field | None:
    """The field of one parameter; None where none says all that the parameter says."""
    schema = job.parameters[name]
    if name in {FAN_OUT, PARAMS_JSON}:
        return None
    default, unset = schema.get("default"), "default" not in schema
    required = unset and not job.fan_out
    texts = [_text(value) for value in schema.get("enum", () if unset else (default,))]
    if not all(map(_plain, texts)) or len(set(texts)) != len(texts):
        return None
    said = _description(name, schema)
    kind = schema["type"]
    # A list or a box always says something. Where nothing need be said, because the fan-out does, a text can be empty.
    choosable = not (unset and job.fan_out)
    if "enum" in schema and choosable and all(texts) and len(texts) <= MOST_CHOICES:
        shown = None if unset else quoted(_text(default))
        return Field(name=name, type="choice", description=said, required=required, default=shown, options=tuple(texts))
    if kind == "boolean" and choosable:
        return Field(name=name, type="boolean", description=said, default=_text(False if unset else default))
    if kind in {"integer", "number"} and "enum" not in schema and (unset or abs(default or 0) <= _EXACT):
        shown = None if unset else _number(default)
        return Field(name=name, type="number", description=said, required=required, default=shown)
    shown = None if unset else quoted(_text(default))
    return Field(name=name, type="string", description=said, required=required, default=shown)


def _description(name: str, schema: Mapping[str, Any]) -> str:
    rules, said = list(_rules(schema)), schema.get("description") or schema.get("title")
    if not said:
        return _line(f"{name} ({', '.join(rules)})" if rules else name)
    # What a value must be is told whole, as far as there is room: without it nobody can fill the field in.
    tail = _line(f" ({', '.join([name, *rules])})", LONGEST_LINE - _LEAST_WORDS)
    return _line(" ".join(str(said).split()), LONGEST_LINE - len(tail)) + tail


def _rules(schema: Mapping[str, Any]) -> Iterable[str]:
    if "enum" in schema:
        yield "one of " + " | ".join(map(_text, schema["enum"][:20]))
    elif schema["type"] != "string":
        yield {"integer": "a whole number", "number": "a number", "boolean": "true or false"}[schema["type"]]
    words = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most",
             "exclusiveMaximum": "less than", "multipleOf": "a multiple of", "pattern": "like",
             "minLength": "characters at least",
             "maxLength": "characters at most"}  # fmt: skip
    yield from (f"{words[rule]} {schema[rule]}" for rule in words if rule in schema)
    if schema.get("format") == "date":
        yield "YYYY-MM-DD"


def _joined(typed: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    twice = [name for name in more if name in typed]
    if twice:
        raise Refused(f"{PARAMS_JSON} says {', '.join(twice)} once more", remedy="fill it in once")
    return {**typed, **more}


def _object(given: object, *, what: str = PARAMS_JSON) -> dict[str, Any]:
    text = _text(given).strip()
    if not text:
        return {}
    try:
        value = read_strictly(text)
    except ValueError as error:
        said = f"{what} is not JSON: {visible(str(error))[:200]}"
        raise Refused(said, remedy='write an object such as {"days": 7}') from error
    if not isinstance(value, dict):
        raise Refused(f"{what} is not a JSON object", remedy='write one, such as {"days": 7}')
    return value


def _text(value: object) -> str:
    """A value as a field shows it and gives it back."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _plain(text: str) -> bool:
    """Whether a value survives a line of a form, and means nothing to GitHub on its way there."""
    return visible(text) == text == text.strip() and "${{" not in text and len(text) <= _LONGEST_VALUE


def _number(value: Any) -> str:
    """With no exponent, which only some readers of YAML take for a number."""
    return f"{Decimal(repr(value)):f}"


def _line(text: str, most: int = LONGEST_LINE) -> str:
    """Text for a description: one line, and no expression of GitHub's, which it would not accept here."""
    return shortened(inert(visible(text)), most)


def inert(text: str) -> str:
    """The text with no `${{` in it: GitHub refuses a file that has one where it evaluates none."""
    return re.sub(r"\$(?=\{\{)", "$ ", text)


def word(name: str) -> str:
    """A parameter's name as a YAML key: some names are words of YAML 1.1, which some readers take for another value."""
    return quoted(name) if name.lower() in _YAML_WORDS else name


def quoted(text: str) -> str:
    """A double-quoted YAML scalar: for visible text, JSON's string is one."""
    return json.dumps(text, ensure_ascii=False)
