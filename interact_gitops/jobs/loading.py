"""Files → definitions: documents, defaults, variables, schema, checks; all problems or none.

Pure: bytes come in from `tree.py` (or, later, from a git commit), definitions and problems go out.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from interact_gitops.errors import DefinitionsInvalid, Position, Problem, did_you_mean
from interact_gitops.jobs.checks import check
from interact_gitops.jobs.defaults import NAMES, Defaults, beneath, read_defaults
from interact_gitops.jobs.faults import Fault, shape_faults
from interact_gitops.jobs.files import (
    drop_partial_defaults,
    file_path,
    job_from_file,
    merge_defaults,
    whole_schedule,
    without_unfinished,
)
from interact_gitops.jobs.model import Definition, Job, Scalar
from interact_gitops.jobs.positions import Document
from interact_gitops.jobs.references import Claim, claim, reference_problems
from interact_gitops.jobs.salvage import independent, sound_part
from interact_gitops.jobs.source import MAX_PROBLEMS, read_documents
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.jobs.variables import fill, unfilled_offset
from interact_gitops.shapes import shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A tree as read: definitions sorted by key, and problems sorted by position."""

    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid using the tree."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def valid(self, where: str) -> tuple[Definition, ...]:
        """The definitions. Raises DefinitionsInvalid when there is any error: all or nothing."""
        if self.errors:
            raise DefinitionsInvalid(self.problems, what=where)
        return self.definitions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layers:
    """A document with the defaults documents beneath it, nearest first, and the variables to fill in."""

    documents: tuple[Document, ...]
    variables: Mapping[str, Scalar]

    def problem(self, fault: Fault, value: Mapping[str, Any], *, filled: bool) -> Problem:
        """The fault at its position; `filled`: it was found after variables were filled in."""
        where = self.position(fault, value, filled=filled)
        return Problem(position=where, message=fault.message, code=fault.code, remedy=fault.remedy,
                       severity=fault.severity)  # fmt: skip

    def position(self, fault: Fault, value: Mapping[str, Any], *, filled: bool) -> Position:
        path = whole = file_path(fault.path, value)
        while path:
            for document in self.documents:
                offset = fault.offset
                if offset and filled and "${" in (raw := document.text_at(path) or ""):
                    offset = unfilled_offset(raw, self.variables, offset)
                found = document.position(path, key=fault.at_key and path == whole, offset=offset)
                if found:
                    return found
            path = path[:-1]
        return self.documents[0].start


@dataclass(slots=True)
class _Reading:
    """What a load has found so far."""

    variables: Mapping[str, Scalar]
    channels: Collection[str] | None
    definitions: list[Definition] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    problems: dict[str, list[Problem]] = field(default_factory=dict)  # by file shown

    def add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.problems.setdefault(problem.position.file, []).append(problem)

    def full(self, file: SourceFile) -> bool:
        """Whether a file has more problems than are shown."""
        return len(self.problems.get(file.shown, ())) > MAX_PROBLEMS


def load(
    files: Iterable[SourceFile],
    *,
    variables: Mapping[str, Scalar] | None = None,
    channels: Collection[str] | None = None,
) -> Loaded:
    """Every definition in `files` for a target with `variables`.

    `channels`: the names that the configuration declares; a job that attaches another one gets a warning.
    """
    with _no_collections():
        return _load(sorted(files, key=lambda file: file.path.as_posix()), _Reading(variables or {}, channels))


@contextmanager
def _no_collections() -> Iterator[None]:
    """Loading makes hundreds of thousands of objects that live to its end: looking for garbage among
    them again and again doubles its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(files: list[SourceFile], reading: _Reading) -> Loaded:
    defaults: Defaults = {}
    for file in files:
        if file.path.name in NAMES:
            _read_defaults(file, defaults, reading)
    # One file after the other: what was read of it is not kept any longer than its jobs need it.
    for file in files:
        if file.path.name not in NAMES:
            _read_jobs(file, beneath(file.path, defaults), reading)
    reading.add(reference_problems(reading.claims))
    return Loaded(
        definitions=tuple(sorted(reading.definitions, key=lambda d: (d.job.key, d.position))),
        problems=tuple(problem for name in sorted(reading.problems) for problem in _shown(reading.problems[name])),
    )


def _read_defaults(file: SourceFile, defaults: Defaults, reading: _Reading) -> None:
    documents, found = read_documents(file.shown, file.raw)
    reading.add(found)
    faults, found = read_defaults(file, documents, defaults)
    reading.add(found)
    layers = _Layers(documents=tuple(documents), variables={})
    reading.add(layers.problem(fault, documents[0].value, filled=False) for fault in faults)


def _read_jobs(file: SourceFile, under: tuple[Document, ...], reading: _Reading) -> None:
    documents, found = read_documents(file.shown, file.raw)
    reading.add(found)
    jobs = [document for document in documents if document.value is not None]
    if not found and not jobs:
        reading.add([_empty(file)])
    for document in jobs:
        if not reading.full(file):
            _define(file, document, under, reading)


def _shown(problems: list[Problem]) -> list[Problem]:
    """One file's problems, sorted, each once, and not more than people read."""
    unique = {(p.position, p.code, p.message): p for p in problems}
    ordered = [unique[key] for key in sorted(unique)]
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    closing = Problem(position=ordered[MAX_PROBLEMS].position, code="many-problems", remedy="mend these first",
                      message=f"this file has more than {MAX_PROBLEMS} problems; the rest are not shown")  # fmt: skip
    return [*ordered[:MAX_PROBLEMS], closing]


def _define(file: SourceFile, document: Document, under: tuple[Document, ...], reading: _Reading) -> None:
    if not isinstance(document.value, dict):
        said = "this document is not a map of job fields"
        reading.add([Problem(position=document.start, message=said, code="wrong-type",
                             remedy="begin with `key:` and `name:`")])  # fmt: skip
        return
    if claimed := claim(document):
        reading.claims.append(claimed)
    layers = _Layers(documents=(document, *under), variables=reading.variables)
    value = _with_defaults(document, under)
    unfilled: list[Fault] = []
    if any(layer.source.may_refer for layer in layers.documents):
        value = fill(value, reading.variables, unfilled)
    faults, job = _judge(value, unfilled)
    faults = [fault for fault in faults if not _of_defaults(fault, document)]
    problems = [layers.problem(fault, value, filled=False) for fault in unfilled[:MAX_PROBLEMS]]
    problems += [layers.problem(fault, value, filled=True) for fault in faults]
    # What the YAML reader complained of has no value: what follows from that would be said twice.
    said_already = {problem.position for problem in reading.problems.get(file.shown, ()) if problem.code != "variable"}
    reading.add(p for p in problems if p.severity == "warning" or p.position not in said_already)
    if job is not None and not any(problem.severity == "error" for problem in problems):
        definition = Definition(job=job, path=file.shown, position=document.start)
        reading.definitions.append(definition)
        if reading.channels is not None:
            reading.add(_unknown_channels(definition, layers, reading.channels))


def _with_defaults(document: Document, under: tuple[Document, ...]) -> Mapping[str, Any]:
    """What a document says, over the defaults beneath it, nearest first."""
    value: Mapping[str, Any] = whole_schedule(document.value)
    if not under:
        return value
    for layer in under:
        value = merge_defaults(whole_schedule(layer.value), value)
    return without_unfinished(drop_partial_defaults(dict(value), document.value), document.value)


def _judge(value: Mapping[str, Any], unfilled: list[Fault]) -> tuple[list[Fault], Job | None]:
    """(the faults of a document with its variables filled in, the Job in it if it fits)."""
    faults: list[Fault] = []
    if not unfilled and shape("job.schema.json").is_valid(value):
        job = job_from_file(value, faults)
        return [*faults, *check(job)], job
    touched = {fault.path for fault in unfilled}
    faults = [f for f in shape_faults(shape("job.schema.json"), value) if f.path not in touched]
    sound = sound_part(value, [*unfilled, *faults])
    if sound is not None:
        part, broken = sound
        found: list[Fault] = []
        found += check(job_from_file(part, found))
        faults += [fault for fault in found if independent(fault, broken)]
    return faults, None


def _of_defaults(fault: Fault, document: Document) -> bool:
    """Whether a fault says that a job leaves a parameter unused that it only has from its folder."""
    return fault.code == "unused-parameter" and document.position(fault.path) is None


def _unknown_channels(definition: Definition, layers: _Layers, channels: Collection[str]) -> Iterator[Problem]:
    for index, notification in enumerate(definition.job.notifications):
        if notification.channel not in channels:
            said = f"the configuration declares no channel {notification.channel!r}"
            remedy = did_you_mean(notification.channel, channels) or "declare it under channels, or make it in Interact"
            fault = Fault(path=("notifications", index, "channel"), code="channel", message=said, remedy=remedy,
                          severity="warning")  # fmt: skip
            yield layers.problem(fault, {}, filled=True)


def _empty(file: SourceFile) -> Problem:
    said = "this file holds no job"
    return Problem(position=Position(file.shown), message=said, code="empty-file", severity="warning",
                   remedy="write a job, or remove the file")  # fmt: skip
