"""Files → definitions: documents, defaults, variables, schema, checks; all problems or none.

Pure: bytes come in from `tree.py` (or, later, from a git commit), definitions and problems go out.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from interact_gitops.errors import DefinitionsInvalid, Position, Problem, did_you_mean
from interact_gitops.jobs.checks import check
from interact_gitops.jobs.faults import Fault, shape_faults
from interact_gitops.jobs.files import drop_partial_defaults, file_path, job_from_file, merge_defaults, whole_schedule
from interact_gitops.jobs.model import Definition, Scalar
from interact_gitops.jobs.references import reference_problems
from interact_gitops.jobs.source import Document, read_documents
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.jobs.variables import fill
from interact_gitops.shapes import build_validator, fit, schema, validator

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

DEFAULTS = ("_defaults.yaml", "_defaults.yml")
NOT_IN_DEFAULTS = ("key", "id", "moved_from")


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


@dataclass(frozen=True, slots=True)
class _Layers:
    """A document with the defaults documents beneath it, nearest first."""

    documents: tuple[Document, ...]

    def position(self, fault: Fault, value: Mapping[str, Any]) -> Position:
        path = file_path(fault.path, value)
        while path:
            for document in self.documents:
                if fault.line and (found := document.text_position(path, fault.line, fault.word)):
                    return found
                if found := document.position(path, key=fault.at_key and path == fault.path):
                    return document.inside(path, found, fault.offset)
            path = path[:-1]
        return self.documents[0].start


def load(
    files: Iterable[SourceFile],
    *,
    variables: Mapping[str, Scalar] | None = None,
    channels: Collection[str] | None = None,
) -> Loaded:
    """Every definition in `files` for a target with `variables`.

    `channels`: the names that the configuration declares; a job that attaches another one gets a warning.
    """
    problems: list[Problem] = []
    defaults: dict[PurePosixPath, Document] = {}
    jobs: list[tuple[SourceFile, Document]] = []
    for file in files:
        documents, faults = read_documents(file.shown, file.raw)
        problems += faults
        if file.path.name in DEFAULTS:
            problems += _read_defaults(file, documents, defaults)
        else:
            jobs += [(file, document) for document in documents if document.value is not None]
            if not faults and all(document.value is None for document in documents):
                problems.append(_empty(file))
    definitions: list[Definition] = []
    for file, document in jobs:
        definition, found = _define(file, document, _beneath(file.path, defaults), variables or {})
        problems += found
        if definition:
            definitions.append(definition)
            if channels is not None:
                problems += _unknown_channels(definition, document, channels)
    problems += reference_problems(definitions)
    unique = {(p.position, p.code, p.message): p for p in problems}
    return Loaded(
        definitions=tuple(sorted(definitions, key=lambda d: (d.job.key, d.position))),
        problems=tuple(sorted(unique.values(), key=lambda p: (p.position, p.code, p.message))),
    )


def _define(
    file: SourceFile, document: Document, beneath: tuple[Document, ...], variables: Mapping[str, Scalar]
) -> tuple[Definition | None, list[Problem]]:
    layers = _Layers((document, *beneath))
    if not isinstance(document.value, dict):
        said = "this document is not a map of job fields"
        return None, [
            Problem(
                position=document.start,
                message=said,
                code="wrong-type",
                remedy="begin with `key:` and `name:`",
            )
        ]
    value = whole_schedule(document.value)
    for layer in beneath:
        value = merge_defaults(whole_schedule(layer.value), value)
    value = drop_partial_defaults(value, document.value)
    faults: list[Fault] = []
    value = fill(value, variables, faults)
    if not fit("job.schema.json").is_valid(value):
        faults += shape_faults(validator("job.schema.json"), value)
    definition = None
    if not faults:
        job = job_from_file(value, faults)
        faults += check(job)
        definition = Definition(job=job, path=file.shown, position=document.start)
    problems = [
        Problem(position=layers.position(fault, value), message=fault.message, code=fault.code,
                remedy=fault.remedy, severity=fault.severity)
        for fault in faults
    ]  # fmt: skip
    return definition if all(p.severity == "warning" for p in problems) else None, problems


def _read_defaults(
    file: SourceFile, documents: list[Document], defaults: dict[PurePosixPath, Document]
) -> list[Problem]:
    folder = file.path.parent
    if len(documents) > 1 or folder in defaults:
        where = documents[-1].start if documents else Position(file.shown)
        said = "a folder has one defaults document"
        return [Problem(position=where, message=said, code="defaults", remedy="join them into one")]
    if not documents or documents[0].value is None:
        return []
    document = documents[0]
    if not isinstance(document.value, dict):
        said = "defaults are a map of job fields"
        return [Problem(position=document.start, message=said, code="wrong-type", remedy="write `field: value` lines")]
    faults = [
        Fault(path=(name,), at_key=True, code="defaults", message=f"{name!r} cannot be a default",
              remedy="write it in the job itself")
        for name in NOT_IN_DEFAULTS
        if name in document.value
    ]  # fmt: skip
    faults += shape_faults(_defaults_validator(), whole_schedule(document.value))
    defaults[folder] = document
    layers = _Layers((document,))
    return [
        Problem(position=layers.position(f, document.value), message=f.message, code=f.code, remedy=f.remedy)
        for f in faults
        if "${" not in str(f.message)  # a variable is only known to fit once it is filled in
    ]


@functools.cache
def _defaults_validator() -> Validator:
    """The job schema with nothing required: a defaults file gives some fields of many jobs."""
    rules = {name: rule for name, rule in schema("job.schema.json").items() if name not in {"required", "oneOf"}}
    rules["properties"] = {name: _loose(rule) for name, rule in rules["properties"].items()}
    return build_validator(rules)


def _loose(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in rule.items() if name != "required"}


def _beneath(path: PurePosixPath, defaults: Mapping[PurePosixPath, Document]) -> tuple[Document, ...]:
    return tuple(defaults[folder] for folder in path.parents if folder in defaults) if defaults else ()


def _unknown_channels(definition: Definition, document: Document, channels: Collection[str]) -> list[Problem]:
    problems = []
    for index, notification in enumerate(definition.job.notifications):
        if notification.channel not in channels:
            where = document.position(("notifications", index, "channel")) or definition.position
            said = f"the configuration declares no channel {notification.channel!r}"
            remedy = did_you_mean(notification.channel, channels) or "declare it under channels, or make it in Interact"
            problems.append(Problem(position=where, message=said, code="channel", remedy=remedy, severity="warning"))
    return problems


def _empty(file: SourceFile) -> Problem:
    said = "this file holds no job"
    return Problem(position=Position(file.shown), message=said, code="empty-file", severity="warning",
                   remedy="write a job, or remove the file")  # fmt: skip
