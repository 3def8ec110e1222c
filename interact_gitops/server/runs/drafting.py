"""A run before it is stored: which chats, with which parameters and which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from interact_gitops.errors import ParametersInvalid, TemplateInvalid
from interact_gitops.jobs.fan_out import MAX_COMBINATIONS, expand
from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.parameters import complete
from interact_gitops.jobs.templates import RunFacts, render, run_date
from interact_gitops.jobs.wire import canonical_json, wire_pointer
from interact_gitops.server.failures import BodyFault, Invalid
from interact_gitops.server.identity import new_id
from interact_gitops.server.runs.requests import RunRequest
from interact_gitops.server.store.chats import NewChat, RenderedPrompt

MAX_FAULTS = 20
DEFAULT_PARALLEL = 8
"""Chats of one run at a time, for a job that does not fan out and a trigger that does not say."""

MAX_TEXT = 64 * 1024 * 1024
"""Characters of all prompts of one run together: 10,000 chats of 100,000 each would be a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A run that can be started."""

    chats: tuple[NewChat, ...]
    fan_out: bool
    max_parallel: int
    scheduled_at: datetime
    run_date: date


def draft(job: Job, request: RunRequest, *, now: datetime) -> Draft:
    """The run that `request` asks of `job`. Raises Invalid with every fault (at most 20)."""
    given, fan_out = _combinations(job, request)
    scheduled_at = request.scheduled_at or now
    filled = _filled(job, request, given)
    facts = RunFacts(scheduled_at=scheduled_at, trigger=request.trigger)
    rendered = _rendered(job, filled, facts)
    chats = tuple(
        NewChat(id=new_id("chat"), combination=dict(one) if fan_out else None, parameters=values, prompts=prompts)
        for one, values, prompts in zip(given, filled, rendered, strict=True)
    )
    return Draft(
        chats=chats,
        fan_out=fan_out,
        max_parallel=request.max_parallel or (job.fan_out.max_parallel if job.fan_out else DEFAULT_PARALLEL),
        scheduled_at=scheduled_at,
        run_date=run_date(job, scheduled_at),
    )


def _combinations(job: Job, request: RunRequest) -> tuple[Sequence[Mapping[str, Any]], bool]:
    if request.parameters is not None and request.combinations is not None:
        raise _invalid(BodyFault(pointer="/combinations", message="both parameters and combinations are given"))
    fans_out = request.parameters is None and (request.combinations is not None or job.fan_out is not None)
    if request.max_parallel is not None and not fans_out:
        said = "maxParallel goes with combinations, or with a job that fans out"
        raise _invalid(BodyFault(pointer="/maxParallel", message=said))
    if request.combinations is not None:
        return request.combinations, True
    if request.parameters is not None:
        return (request.parameters,), False
    if job.fan_out is not None:
        found = expand(job.fan_out)
        assert len(found) <= MAX_COMBINATIONS  # checked when the job was stored
        return found, True
    return ({},), False


def _filled(job: Job, request: RunRequest, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Scalar]]:
    faults: list[BodyFault] = []
    filled: list[dict[str, Scalar]] = []
    seen: dict[str, int] = {}
    for index, one in enumerate(given):
        place = _place(request, index)
        try:
            values = complete(job, one)
        except ParametersInvalid as invalid:
            faults += [_parameter_fault(place, name, message, one) for name, message in invalid.faults]
            values = {}
        else:
            values = {name: _whole(job, name, value) for name, value in values.items()}
            first = seen.setdefault(canonical_json(values), index)
            if first != index:
                said = f"combination {index + 1} is the same as combination {first + 1}"
                faults.append(BodyFault(pointer=place, message=said, code="duplicate"))
        if len(faults) >= MAX_FAULTS:
            break
        filled.append(values)
    if faults:
        raise _invalid(*faults[:MAX_FAULTS])
    return filled


def _place(request: RunRequest, index: int) -> str:
    """Where in the body the values of chat `index` come from; the whole body for the job's own."""
    if request.combinations is not None:
        return f"/combinations/{index}"
    return "/parameters" if request.parameters is not None else ""


def _parameter_fault(place: str, name: str, message: str, given: Mapping[str, Any]) -> BodyFault:
    if place and name in given:
        escaped = wire_pointer(("parameters", name)).removeprefix("/parameters")
        return BodyFault(pointer=place + escaped, message=message, code="parameter")
    return BodyFault(pointer=place, message=f"{name}: {message}", code="parameter")


def _whole(job: Job, name: str, value: Scalar) -> Scalar:
    """7.0 for an integer parameter is 7, and is written so in prompts."""
    if job.parameters[name].get("type") == "integer" and isinstance(value, float):
        return int(value)
    return value


def _rendered(job: Job, filled: Sequence[Mapping[str, Scalar]], facts: RunFacts) -> list[list[RenderedPrompt]]:
    size = 0
    found: list[list[RenderedPrompt]] = []
    for values in filled:
        prompts = [_prompt(job, index, values, facts) for index in range(len(job.prompts))]
        size += sum(len(prompt.text) for prompt in prompts)
        if size > MAX_TEXT:
            said = f"the prompts of this run are longer than {MAX_TEXT:,} characters together"
            raise _invalid(BodyFault(pointer="", message=said, code="too-long", remedy="start fewer chats at a time"))
        found.append(prompts)
    return found


def _prompt(job: Job, index: int, values: Mapping[str, Scalar], facts: RunFacts) -> RenderedPrompt:
    prompt = job.prompts[index]
    try:
        return RenderedPrompt(text=render(prompt.text, job=job, parameters=values, run=facts), query=prompt.query)
    except TemplateInvalid as invalid:
        said = f"prompt {index + 1} of the job cannot be filled in: {invalid.message}"
        raise _invalid(BodyFault(pointer="", message=said, code=invalid.code, remedy=invalid.remedy)) from invalid


def _invalid(*faults: BodyFault) -> Invalid:
    return Invalid("the run was not started: " + "; ".join(fault.message for fault in faults[:3]), faults=faults)
