"""A job of the target read as a definition, or not at all. Pure.

What is compared and shown has passed the API's own description: a weird server makes a failure that names
the job, never a crash somewhere in a rendering.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interact_gitops.interact.errors import UnexpectedAnswer
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.wire import definition_hash, job_from_wire, job_to_wire
from interact_gitops.shapes import build_fit, schema

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator as Fit


def read_definition(job: RemoteJob) -> dict[str, Any]:
    """The job's definition with every default filled; fields that we do not know are left aside.

    Raises UnexpectedAnswer, naming the job, for a body that is no definition.
    """
    try:
        return wire_of(job.raw)
    except ValueError as error:
        raise _unreadable(job, str(error)) from error


def wire_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as a definition with every default filled. Raises ValueError, whose words say what it is instead."""
    try:
        wire = job_to_wire(job_from_wire(body))
        definition_hash(wire)  # raises ValueError for what is not JSON: infinity, half a character
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not _fit().is_valid(wire):
        raise ValueError("it does not fit the API's description")
    return wire


def _unreadable(job: RemoteJob, why: str) -> UnexpectedAnswer:
    said = f"the job {job.key} on the target ({job.id}) cannot be read: {why}"
    return UnexpectedAnswer(said, remedy="check the target's version; or delete that job there")


@functools.cache
def _fit() -> Fit:
    api = schema("interact-api.openapi.json")
    definition = api["components"]["schemas"]["JobDefinition"]
    return build_fit({**definition, "components": api["components"]})
