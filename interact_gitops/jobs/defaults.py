"""`_defaults.yaml`: fields given to every job of a folder and below; nearest wins, maps merge, lists replace."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from interact_gitops.errors import Position, Problem
from interact_gitops.jobs.faults import Fault, Path, shape_faults
from interact_gitops.jobs.files import whole_schedule
from interact_gitops.jobs.positions import Document
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.shapes import Shape, build_shape, schema

NAMES = ("_defaults.yaml", "_defaults.yml")
NEVER = ("key", "id", "moved_from")

Defaults = dict[PurePosixPath, Document]


def read_defaults(file: SourceFile, documents: list[Document], defaults: Defaults) -> tuple[list[Fault], list[Problem]]:
    """Add one defaults file to `defaults`; (its faults by path, its problems by position)."""
    folder = file.path.parent
    if len(documents) > 1 or folder in defaults:
        where = documents[-1].start if documents else Position(file.shown)
        said = "a folder has one defaults document, and this is another"
        return [], [Problem(position=where, message=said, code="defaults", remedy="join them into one")]
    if not documents or documents[0].value is None:
        return [], []
    document = documents[0]
    if not isinstance(document.value, dict):
        said = "defaults are a map of job fields"
        remedy = "write `field: value` lines"
        return [], [Problem(position=document.start, message=said, code="wrong-type", remedy=remedy)]
    defaults[folder] = document
    faults = [
        Fault(path=(name,), at_key=True, code="defaults", message=f"{name!r} cannot be a default",
              remedy="write it in the job itself")
        for name in NEVER
        if name in document.value
    ]  # fmt: skip
    value = whole_schedule(document.value)
    # A variable is only known to fit once it is filled in.
    return faults + [f for f in shape_faults(_shape(), value) if "${" not in str(_value_at(value, f.path))], []


def beneath(path: PurePosixPath, defaults: Mapping[PurePosixPath, Document]) -> tuple[Document, ...]:
    """The defaults that hold for a file, nearest first."""
    return tuple(defaults[folder] for folder in path.parents if folder in defaults) if defaults else ()


def _value_at(value: Any, path: Path) -> object:
    for part in path:
        value = value[part]
    return value if isinstance(value, str) else None


@functools.cache
def _shape() -> Shape:
    """The job schema with nothing required: a defaults file gives parts of many jobs."""
    return build_shape(_loose({name: rule for name, rule in schema("job.schema.json").items() if name != "oneOf"}))


def _loose(rule: Any) -> Any:
    if isinstance(rule, list):
        return [_loose(part) for part in rule]
    if not isinstance(rule, dict):
        return rule
    # Not of items: a list replaces, so that its maps are whole.
    return {
        name: part if name in {"items", "examples"} else _loose(part)
        for name, part in rule.items()
        if name != "required" or not isinstance(part, list)
    }
