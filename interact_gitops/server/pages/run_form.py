"""The form that runs a job, made of its parameters' schemas; and what was typed into it, read back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from interact_gitops.jobs.fan_out import expand
from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.parameters import parse_value
from interact_gitops.notify.messages.cleaning import shown
from interact_gitops.server.failures import BodyFault
from interact_gitops.server.pages.visits import Fields

Kind: TypeAlias = Literal["text", "long", "number", "date", "email", "url", "checkbox", "select"]

PREFIX = "p."  # of the fields' names, so that a parameter may be called `token`
_LONG = 200  # characters from which on a text gets more than one line
_FORMATS: Mapping[str, Kind] = {"date": "date", "email": "email", "uri": "url"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An entry of a select."""

    value: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter's field. `attributes` are limits that the browser checks, too."""

    name: str
    label: str
    kind: Kind
    help: str
    value: str
    checked: bool
    required: bool
    attributes: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    examples: tuple[str, ...]
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """`combinations` is how many chats the job's own fan-out starts (0: it has none), `every` whether these are
    chosen. `faults` are those of no single field."""

    fields: tuple[Field, ...]
    combinations: int
    every: bool
    max_parallel: int
    faults: tuple[str, ...]

    @property
    def wrong(self) -> tuple[Field, ...]:
        """The fields that cannot be taken as they are."""
        return tuple(field for field in self.fields if field.fault)


def run_form(job: Job, given: Fields | None = None, faults: Iterable[BodyFault] = ()) -> RunForm:
    """The form, empty or as it was sent, with what is wrong beside each field."""
    by_field, others = _sorted_faults(job, faults)
    combinations = len(expand(job.fan_out)) if job.fan_out else 0
    return RunForm(
        fields=tuple(_field(name, rules, given, by_field.get(name)) for name, rules in job.parameters.items()),
        combinations=combinations,
        every=combinations > 0 and (given is None or given.text("what") != "one"),
        max_parallel=job.fan_out.max_parallel if job.fan_out else 0,
        faults=others,
    )


def read_values(job: Job, given: Fields) -> dict[str, Scalar]:
    """The parameters that were typed in. A field left empty is not given, unless it is a text with a default that
    somebody took out."""
    found: dict[str, Scalar] = {}
    for name, rules in job.parameters.items():
        text = given.text(PREFIX + name)
        if rules["type"] == "boolean" and "enum" not in rules:
            found[name] = text == "true"
        elif text or (rules["type"] == "string" and "default" in rules and given.given(PREFIX + name)):
            found[name] = _value(rules, text)
    return found


def _value(rules: Mapping[str, Any], text: str) -> Scalar:
    for one in rules.get("enum", ()):
        if shown(one) == text:
            return one  # type: ignore[no-any-return]  # a scalar, by the schema of jobs
    # Browsers send line breaks as CR LF; files have LF.
    return parse_value(rules, text.replace("\r\n", "\n"))


def _field(name: str, rules: Mapping[str, Any], given: Fields | None, fault: str | None) -> Field:
    kind = _kind(rules)
    default = rules.get("default")
    sent = given is not None and (given.given(PREFIX + name) or kind == "checkbox")
    value = given.text(PREFIX + name) if given is not None and sent else "" if default is None else shown(default)
    options = tuple(Option(value=text, chosen=text == value) for text in map(shown, rules.get("enum", ())))
    return Field(
        name=name,
        label=rules.get("title") or name,
        kind=kind,
        help=_help(rules),
        value=value,
        checked=value == "true",
        required="default" not in rules and kind != "checkbox",
        attributes=_attributes(rules, kind),
        options=options,
        examples=tuple(map(shown, rules.get("examples", ()))),
        fault=fault,
    )


def _kind(rules: Mapping[str, Any]) -> Kind:
    if "enum" in rules:
        return "select"
    if rules["type"] == "boolean":
        return "checkbox"
    if rules["type"] in {"integer", "number"}:
        return "number"
    default = rules.get("default")
    if isinstance(default, str) and ("\n" in default or len(default) > _LONG):
        return "long"
    return _FORMATS.get(rules.get("format", ""), "text")


def _attributes(rules: Mapping[str, Any], kind: Kind) -> tuple[tuple[str, str], ...]:
    """What HTML can say as JSON Schema means it; the rest is checked when the form is sent."""
    found: list[tuple[str, str]] = []
    if kind == "number":
        low = rules.get("minimum", rules.get("exclusiveMinimum"))
        high = rules.get("maximum", rules.get("exclusiveMaximum"))
        found += [(name, shown(limit)) for name, limit in (("min", low), ("max", high)) if limit is not None]
        # Steps are counted from the lowest value, so that a fraction there would refuse every whole number.
        whole = rules["type"] == "integer" and (low is None or float(low).is_integer())
        found += [("step", "1" if whole else "any"), ("inputmode", "numeric" if whole else "decimal")]
    elif kind in {"text", "long"}:
        found += [(name.lower(), shown(rules[name])) for name in ("minLength", "maxLength") if name in rules]
    return tuple(found)


def _help(rules: Mapping[str, Any]) -> str:
    """The description, and the limits in words."""
    said = [text.strip().rstrip(".") for text in [rules.get("description", "")] if text.strip()]
    low, high = rules.get("minimum"), rules.get("maximum")
    above, below = rules.get("exclusiveMinimum"), rules.get("exclusiveMaximum")
    if low is not None and high is not None:
        said.append(f"from {shown(low)} to {shown(high)}")
    else:
        limits = (("at least", low), ("at most", high), ("above", above), ("below", below))
        said += [f"{words} {shown(limit)}" for words, limit in limits if limit is not None]
    if "multipleOf" in rules:
        said.append(f"a multiple of {shown(rules['multipleOf'])}")
    if "pattern" in rules:
        said.append(f"matches {rules['pattern']}")
    examples = rules.get("examples", ())
    if examples:
        said.append("for example " + ", ".join(map(shown, examples[:3])))
    return "; ".join(said)


def _sorted_faults(job: Job, faults: Iterable[BodyFault]) -> tuple[dict[str, str], tuple[str, ...]]:
    by_field: dict[str, str] = {}
    others: list[str] = []
    for fault in faults:
        name = _field_of(job, fault)
        said = fault.message.removeprefix(f"{name}: ")
        text = said[:1].upper() + said[1:]
        if name is None or name in by_field:
            others.append(f"{text} ({fault.remedy})" if fault.remedy else text)
        else:
            by_field[name] = text
    return by_field, tuple(others)


def _field_of(job: Job, fault: BodyFault) -> str | None:
    """The parameter that a fault is about, by its place or, where nothing was given, by its words."""
    place, _, name = fault.pointer.partition("/parameters/")
    if not place and name in job.parameters:
        return name
    if fault.code == "parameter":
        named = fault.message.partition(": ")[0]
        return named if named in job.parameters else None
    return None
