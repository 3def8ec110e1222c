"""Which job of a public target each definition means: bound, unbound or ambiguous. Pure.

Hosted Interact documents no way to list, read or write job definitions (interact-api.md). So nothing is compared
here, and nothing created: a definition is bound to a job by its `id` for the target, else to the one job seen to
run that has the same name under the same agent. What the API cannot do is said for each job, with its reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from interact_gitops.errors import Problem
from interact_gitops.interact.discovery import SeenJob
from interact_gitops.jobs.admission import BUILT_IN
from interact_gitops.jobs.model import Definition, Job
from interact_gitops.jobs.templates import inspect

State = Literal["bound", "unbound", "ambiguous"]
# What `import` writes for a question that the API does not tell.
UNKNOWN_PROMPT = "Unknown: copy this job's question from its page in Interact."


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One definition, and the job that it means on the target.

    `by` says what bound it. `candidates` are the jobs seen that it may mean: one when it is bound, none when that
    job never ran, several when it is ambiguous. `rivals` are the keys of other definitions that mean the same job.
    `refused` says why the job can never be triggered there; `notes` what a reader should know.
    """

    definition: Definition
    state: State
    by: Literal["id", "name"] | None = None
    remote_id: str | None = None
    candidates: tuple[SeenJob, ...] = ()
    rivals: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The job's key."""
        return self.definition.job.key

    @property
    def place(self) -> str:
        """`jobs.d/a.yaml:3`."""
        return f"{self.definition.path}:{self.definition.position.line}"

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do before the job can run there."""
        return self.state == "bound" and not self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """Every definition's binding, by key, and the jobs that ran there and that no definition means.

    `runner_schedules`: the schedules are evaluated by the runner, so they have to be off in Interact.
    """

    target: str
    jobs: tuple[Binding, ...]
    others: tuple[SeenJob, ...]
    runner_schedules: bool = True

    def count(self, state: State) -> int:
        """How many definitions are bound, unbound or ambiguous."""
        return sum(binding.state == state for binding in self.jobs)

    @property
    def refused(self) -> tuple[Binding, ...]:
        """The jobs that can never be triggered there."""
        return tuple(binding for binding in self.jobs if binding.refused)

    @property
    def complete(self) -> bool:
        """Whether every job is bound and can run."""
        return all(binding.settled for binding in self.jobs)


def bind(
    definitions: Sequence[Definition],
    seen: Iterable[SeenJob],
    *,
    target: str,
    shown: str,
    sends_body: bool = False,
    runner_schedules: bool = True,
) -> Bindings:
    """Bind every definition of a tree. `target` is the target's name in the configuration, `shown` how plans name
    it; `sends_body`: the target's `trigger_body` is `send`."""
    jobs = tuple(seen)
    there = _There(jobs)
    found = [_bind(one, there, target, sends_body) for one in sorted(definitions, key=lambda d: d.job.key)]
    meant: dict[str, list[str]] = {}
    for one in found:
        if one.remote_id:
            meant.setdefault(one.remote_id, []).append(one.key)
    claimed = {job.id for one in found for job in one.candidates} | set(meant)
    rivalled = (one if one.remote_id is None else _rivalled(one, meant[one.remote_id]) for one in found)
    return Bindings(
        target=shown,
        jobs=tuple(rivalled),
        others=tuple(job for job in jobs if job.id not in claimed),
        runner_schedules=runner_schedules,
    )


def unmet_needs(job: Job, *, sends_body: bool = False) -> tuple[str, ...]:
    """Why a trigger of the public API cannot run this job as it is written; nothing when it can."""
    parameters = frozenset(job.parameters)
    uses = [inspect(prompt.text, parameters)[1] for prompt in job.prompts]
    # A verified query takes its parameters by name, so a job that names one needs all of them.
    needed = parameters if any(prompt.query for prompt in job.prompts) else parameters & frozenset().union(*uses)
    reasons = []
    if needed and not sends_body:
        reasons.append(f"it takes parameters ({', '.join(sorted(needed))}), and a trigger there carries none")
    if job.fan_out and not sends_body:
        reasons.append("it fans out, and a trigger there starts one chat")
    marked = [i for i, prompt in enumerate(job.prompts, 1) if _has_markup(prompt.text, built_ins_only=sends_body)]
    if marked:
        numbers = ", ".join(map(str, marked)) if len(job.prompts) > 1 else ""
        which = (
            f"prompts {numbers} have" if len(marked) > 1 else f"prompt {numbers} has" if numbers else "its prompt has"
        )
        what = "{{ run.… }} or {{ job.… }}" if sends_body else "template markup"
        reasons.append(f"{which} {what}, which nobody fills in there")
    if job.overlap == "allow":
        reasons.append("`overlap: allow`: Interact starts no second run beside one in progress")
    return tuple(reasons)


def target_problems(definitions: Iterable[Definition], *, target: str, sends_body: bool) -> list[Problem]:
    """What `validate` says of jobs that a public target can never run: warnings, at their documents' beginnings."""
    remedy = "write the values into the prompt, or run the job on a target with the definitions API"
    return [
        Problem(
            position=definition.position,
            message=f"{definition.job.key} is never triggered on {target} (public API): {reason}",
            code="public-target",
            remedy=remedy,
            severity="warning",
        )
        for definition in definitions
        for reason in unmet_needs(definition.job, sends_body=sends_body)
    ]


def slugified(name: str) -> str:
    """A name as a slug: `Paid Search Analyst` → `paid-search-analyst`; empty for a name with no letter of ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].rstrip("-")


def of_target(value: str | Mapping[str, str] | None, target: str) -> str | None:
    """The `id` or `agent_id` that a definition gives for a target, if it does."""
    return value.get(target) if isinstance(value, Mapping) else value


class _There:
    """The jobs seen, found by what a definition says of its own."""

    def __init__(self, seen: Iterable[SeenJob]) -> None:
        self.by_id: dict[str, SeenJob] = {}
        self._by_name: dict[str, list[SeenJob]] = {}
        self._agents: set[str] = set()
        self._by_slug: dict[str, set[str]] = {}
        for one in seen:
            self.by_id[one.id] = one
            self._by_name.setdefault(_comparable(one.name), []).append(one)
            if one.agent_id:
                self._agents.add(one.agent_id)
                self._by_slug.setdefault(slugified(one.agent_name or ""), set()).add(one.agent_id)

    def named(self, name: str) -> Sequence[SeenJob]:
        """The jobs of this name, whatever their agents."""
        return self._by_name.get(_comparable(name), ())

    def agents_of(self, job: Job, target: str) -> Collection[str]:
        """The ids of the agents that a definition means: its `agent_id`, else the agent whose id is the slug, else
        those whose name makes the slug."""
        named = of_target(job.agent_id, target)
        if named is not None:
            return {named}
        return {job.agent} if job.agent in self._agents else self._by_slug.get(job.agent, ())


def _bind(definition: Definition, seen: _There, target: str, sends_body: bool) -> Binding:
    job = definition.job
    refused = unmet_needs(job, sends_body=sends_body)
    notes = (
        ("its prompt is still the one that import wrote: copy the question from Interact",)
        if any(prompt.text.strip() == UNKNOWN_PROMPT for prompt in job.prompts)
        else ()
    )
    named = of_target(job.id, target)
    if named is not None:
        there = (seen.by_id[named],) if named in seen.by_id else ()
        said = _differences(job, there[0]) if there else ("never seen to run",)
        return Binding(definition=definition, state="bound", by="id", remote_id=named, candidates=there,
                       refused=refused, notes=(*said, *notes))  # fmt: skip
    same_name = seen.named(job.name)
    agents = seen.agents_of(job, target)
    found = tuple(one for one in same_name if one.agent_id in agents)
    if len(found) == 1:
        return Binding(definition=definition, state="bound", by="name", remote_id=found[0].id, candidates=found,
                       refused=refused, notes=notes)  # fmt: skip
    if found:
        return Binding(definition=definition, state="ambiguous", candidates=found, refused=refused, notes=notes)
    elsewhere = tuple(
        f"a job of this name runs there under the agent {one.agent_name or one.agent_id or 'that is not told'}: "
        f"{one.id}; write it as `id` if that is the one"
        for one in same_name
    )
    return Binding(definition=definition, state="unbound", refused=refused, notes=(*elsewhere, *notes))


def _comparable(name: str | None) -> str:
    """A name without what nobody sees: space around it, and how its accents are written."""
    return unicodedata.normalize("NFC", (name or "").strip())


def _differences(job: Job, there: SeenJob) -> tuple[str, ...]:
    """What the chats tell of a job that is bound by its id, where it is not what the definition says."""
    if there.name is None or _comparable(there.name) == _comparable(job.name):
        return ()
    return (f"its name there is {there.name!r}",)


def _rivalled(one: Binding, keys: Sequence[str]) -> Binding:
    """A definition bound to the same job as others is bound to none: each of them would start it."""
    if len(keys) == 1:
        return one
    return replace(one, state="ambiguous", by=None, remote_id=None, rivals=tuple(key for key in keys if key != one.key))


def _has_markup(text: str, *, built_ins_only: bool) -> bool:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return False
    if not built_ins_only:
        return True
    from jinja2 import TemplateSyntaxError, meta

    from interact_gitops.jobs.sandbox import environment

    try:
        return not meta.find_undeclared_variables(environment().parse(text)).isdisjoint(BUILT_IN)
    except TemplateSyntaxError:
        return True  # no valid definition has it; whoever builds one by hand is told
