"""What a schema cannot say about a job: names used by templates, schedules, combinations, references.

Pure: a Job in, faults out, each with its path in definition-file terms. The file loader and the
server's API run the same checks, so that what passes here is accepted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from interact_gitops.errors import ScheduleInvalid, did_you_mean
from interact_gitops.jobs.fan_out import MAX_COMBINATIONS, count_before_exclude, expand, idle_excludes
from interact_gitops.jobs.faults import LONGEST_WORD, Fault, Path, shown
from interact_gitops.jobs.model import Combination, FanOut, Job
from interact_gitops.jobs.parameters import parameter_rules, pattern_readable, value_fault
from interact_gitops.jobs.templates import BUILT_IN, inspect
from interact_gitops.shapes import Shape

MAX_FAULTS_PER_LIST = 20
MANY = 10**12
LONGEST_DURATION = 366 * 86_400


def check(job: Job) -> tuple[Fault, ...]:
    """Everything wrong with a job that fits its schema; warnings included."""
    rules = {
        name: parameter_rules(schema)
        for name, schema in job.parameters.items()
        if "pattern" not in schema or pattern_readable(schema["pattern"])
    }
    faults = [*_parameters(job, rules), *_prompts(job), *_schedule(job), *_durations(job)]
    if job.fan_out:
        faults += _fan_out(job, rules)
    elif job.schedule:
        faults += _unset(job)
    return tuple(faults)


def _parameters(job: Job, rules: Mapping[str, Shape]) -> Iterator[Fault]:
    for name, schema in job.parameters.items():
        path: Path = ("parameters", name)
        if name in BUILT_IN:
            yield Fault(path=path, at_key=True, code="parameter", message=f"{name!r} is a built-in name of prompts",
                        remedy="choose another name")  # fmt: skip
        if name not in rules:
            yield Fault(path=(*path, "pattern"), code="parameter", message="this pattern cannot be read",
                        remedy="write a regular expression in single quotes, without (?=…), (?!…) or \\1")  # fmt: skip
            continue
        allowed = schema.get("enum", ())
        given = [((*path, "default"), schema["default"])] if "default" in schema else []
        given += [((*path, "enum", i), value) for i, value in enumerate(allowed)]
        given += [((*path, "examples", i), value) for i, value in enumerate(schema.get("examples", ()))]
        for where, value in given:
            if fault := value_fault(schema, value, rules[name]):
                yield Fault(
                    path=where,
                    code="parameter",
                    message=fault,
                    remedy="change the value or the parameter's rules",
                )
        for low, high in (("minimum", "maximum"), ("minLength", "maxLength")):
            if low in schema and high in schema and schema[low] > schema[high]:
                said = f"{low} {schema[low]} is above {high} {schema[high]}: no value fits"
                yield Fault(path=(*path, low), code="parameter", message=said, remedy="exchange the two")


def _prompts(job: Job) -> Iterator[Fault]:
    names = frozenset(job.parameters)
    used: set[str] = set()
    misread = False  # what a faulty template uses is anyone's guess
    for index, prompt in enumerate(job.prompts):
        faults, uses = inspect(prompt.text, names)
        used |= uses
        for fault in faults:
            yield Fault(path=("prompts", index, "text"), offset=fault.offset, code=fault.code,
                        message=fault.message, remedy=fault.remedy)  # fmt: skip
            misread = True
    if not misread and not any(prompt.query for prompt in job.prompts):
        for name in sorted(names - used - BUILT_IN.keys()):
            said = f"the parameter {name!r} is used by no prompt"
            yield Fault(path=("parameters", name), at_key=True, code="unused-parameter", message=said,
                        severity="warning", remedy="write {{ " + name + " }} in a prompt, or remove it")  # fmt: skip


def _schedule(job: Job) -> Iterator[Fault]:
    from interact_gitops import schedule as schedules

    if job.schedule is None:
        return
    for part, inspect_part in (
        ("cron", schedules.parse),
        ("timezone", schedules.zone),
        ("calendar", schedules.business_calendar),
    ):
        value = getattr(job.schedule, part)
        if value is None:
            continue
        try:
            inspect_part(value)
        except ScheduleInvalid as error:
            yield Fault(path=("schedule", part), code=error.code, message=error.message, remedy=error.remedy,
                        offset=error.offset)  # fmt: skip
    first, last = job.schedule.not_before, job.schedule.not_after
    if first and last and first > last:
        said = f"not_before {first} is after not_after {last}: the job never runs"
        yield Fault(path=("schedule", "not_after"), code="date", message=said, remedy="exchange the two")


def _durations(job: Job) -> Iterator[Fault]:
    spans: list[tuple[Path, int, int]] = [(("timeout",), job.timeout, 1), (("grace",), job.grace, 0)]
    if job.schedule:
        spans.append((("schedule", "start_deadline"), job.schedule.start_deadline, 1))
        spans.append((("schedule", "jitter"), job.schedule.jitter, 0))
    if job.retries:
        spans.append((("retries", "backoff"), job.retries.backoff, 0))
    for path, seconds, least in spans:
        if not least <= seconds <= LONGEST_DURATION:
            said = "this duration must be at least 1s" if seconds < least else "this duration is longer than 366 days"
            yield Fault(path=path, code="duration", message=said, remedy="write, for example, 30m or 6h")


def _unset(job: Job) -> Iterator[Fault]:
    for name, schema in job.parameters.items():
        if "default" not in schema:
            said = f"the scheduled job {job.key!r} leaves the parameter {name!r} unset"
            yield Fault(path=("parameters", name), at_key=True, code="unset-parameter", message=said,
                        remedy="give it a default, or a value in fan_out")  # fmt: skip


def _fan_out(job: Job, rules: Mapping[str, Shape]) -> Iterator[Fault]:
    fan_out = job.fan_out
    assert fan_out is not None
    if (fan_out.matrix is None) == (fan_out.combinations is None):
        both = fan_out.matrix is not None
        place: Path = ("fan_out", "combinations") if both else ("fan_out",)
        said = "both 'matrix' and 'combinations' are given" if both else "neither 'matrix' nor 'combinations' is given"
        yield Fault(path=place, at_key=True, code="one-of", message=said,
                    remedy="give one of them; include adds whole combinations to either")  # fmt: skip
        return
    count = count_before_exclude(fan_out)
    if count > MAX_COMBINATIONS:
        number = f"{count:,}" if count < MANY else f"more than {MANY:,}"
        yield Fault(path=("fan_out",), at_key=True, code="fan-out-size",
                    message=f"the fan-out has {number} combinations, the limit is {MAX_COMBINATIONS:,}",
                    remedy="split the job, or leave values out")  # fmt: skip
        return
    named = list(_value_faults(job, rules, _places(fan_out)))
    yield from named[:MAX_FAULTS_PER_LIST]
    if not named and not _is_plain_matrix(job, fan_out):
        yield from _combination_faults(job)


def _is_plain_matrix(job: Job, fan_out: FanOut) -> bool:
    """Whether there is a matrix alone, which gives each combination once, and every parameter that needs a value
    one: then nobody has to see the combinations."""
    if not fan_out.matrix or fan_out.include or fan_out.exclude:
        return False
    once = all(len({(type(v), v) for v in values}) == len(values) > 0 for values in fan_out.matrix.values())
    return once and all("default" in schema or name in fan_out.matrix for name, schema in job.parameters.items())


def _places(fan_out: FanOut) -> Iterator[tuple[Path, str, Any]]:
    """(path, parameter name, value) of every value written in the fan-out."""
    for name, values in (fan_out.matrix or {}).items():
        for index, value in enumerate(values):
            yield ("fan_out", "matrix", name, index), name, value
    for part in ("exclude", "include", "combinations"):
        for index, combination in enumerate(getattr(fan_out, part) or ()):
            for name, value in combination.items():
                yield ("fan_out", part, index, name), name, value


def _value_faults(job: Job, rules: Mapping[str, Shape], places: Iterator[tuple[Path, str, Any]]) -> Iterator[Fault]:
    seen: set[Path] = set()
    for path, name, value in places:
        schema = job.parameters.get(name)
        if schema is None:
            where = path[:-1] if path[1] == "matrix" else path
            if where not in seen:
                seen.add(where)
                remedy = did_you_mean(name[:LONGEST_WORD], job.parameters) or "declare it under parameters"
                said = f"fan_out names {shown(name)}, which is not a parameter of this job"
                yield Fault(path=where, at_key=True, code="fan-out-parameter", message=said, remedy=remedy)
        elif name in rules and (fault := value_fault(schema, value, rules[name])):
            yield Fault(path=path, code="fan-out-value", message=f"{name}: {fault}",
                        remedy="change the value or the parameter's rules")  # fmt: skip


def _combination_faults(job: Job) -> Iterator[Fault]:
    fan_out = job.fan_out
    assert fan_out is not None
    combinations = expand(fan_out)
    if not combinations:
        yield Fault(path=("fan_out", "exclude"), at_key=True, code="fan-out-empty", remedy="exclude less",
                    message="exclude leaves no combination to run")  # fmt: skip
    defaults = {name: schema["default"] for name, schema in job.parameters.items() if "default" in schema}
    required = [name for name, schema in job.parameters.items() if "default" not in schema]
    seen: dict[str, int] = {}
    told: set[tuple[Path, str]] = set()
    for index, combination in enumerate(combinations):
        missing = [name for name in required if name not in combination] if job.schedule else []
        text = repr(sorted({**defaults, **combination}.items()))  # tells 1, 1.0, '1' and true apart
        if not missing and text not in seen:
            seen[text] = index
            continue
        if len(told) == MAX_FAULTS_PER_LIST:
            return
        origin = _origin(job, index, len(combinations))
        cause = (origin, missing[0] if missing else text)
        if cause in told:
            continue
        told.add(cause)
        said = f"combination {index + 1} ({_brief(combination)}) "
        if missing:
            said += f"leaves the parameter {missing[0]!r} unset"
            yield Fault(path=origin, code="unset-parameter", message=said,
                        remedy="give it a value there, or a default")  # fmt: skip
        else:
            said += f"is the same as combination {seen[text] + 1}"
            yield Fault(path=origin, code="fan-out-duplicate", message=said,
                        remedy="remove one of the two")  # fmt: skip
    for index in idle_excludes(fan_out)[:MAX_FAULTS_PER_LIST]:
        yield Fault(path=("fan_out", "exclude", index), code="fan-out-exclude", severity="warning",
                        message="this exclude matches no combination", remedy="remove or correct it")  # fmt: skip


def _origin(job: Job, index: int, total: int) -> Path:
    """Where combination `index` comes from in the file."""
    fan_out = job.fan_out
    assert fan_out is not None
    included = index - (total - len(fan_out.include))
    if included >= 0:
        return ("fan_out", "include", included)
    if fan_out.combinations is not None and not fan_out.exclude:
        return ("fan_out", "combinations", index)
    return ("fan_out", "matrix" if fan_out.matrix else "combinations")


def _brief(combination: Combination) -> str:
    text = ", ".join(f"{name}={shown(value)}" for name, value in combination.items())
    return text if len(text) <= 80 else text[:79] + "…"


def parse_day(text: str) -> date | None:
    """The date in YYYY-MM-DD, or None when there is no such day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
