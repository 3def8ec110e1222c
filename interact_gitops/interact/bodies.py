"""The API's wrapper objects taken apart, and bodies compared. Pure.

What does not have the API's form is an UnexpectedAnswer that says which request it answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from interact_gitops.interact.errors import UnexpectedAnswer
from interact_gitops.interact.records import Misread, RemoteJob, read_etag, read_job
from interact_gitops.interact.transport import Answer
from interact_gitops.jobs.wire import FIELDS, canonical_json, job_from_wire, job_to_wire

T = TypeVar("T")


def part(text: str) -> str:
    """One segment of a path; `..` stays a name."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def whole(answer: Answer, what: str) -> dict[str, Any]:
    """The body, which has to be an object."""
    if not isinstance(answer.body, dict):
        raise UnexpectedAnswer(f"{what}: the answer has another form than the API's", remedy="check the target's URL")
    return answer.body


def items(answer: Answer, name: str, what: str) -> list[Mapping[str, Any]]:
    """The list under `name`, whose members have to be objects."""
    found = whole(answer, what).get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UnexpectedAnswer(f"{what}: the answer has another form than the API's", remedy="check the target's URL")
    return found


def read(reader: Callable[[Mapping[str, Any]], T], raw: Mapping[str, Any], what: str) -> T:
    """What `reader` makes of a body."""
    try:
        return reader(raw)
    except Misread as misread:
        said = f"{what}: the answer has {misread}"
        raise UnexpectedAnswer(said, remedy="check the target's version") from misread


def one_job(answer: Answer, what: str) -> RemoteJob:
    """The job in an answer; the body's entity tag counts before the header's, which proxies weaken."""
    raw = whole(answer, what).get("job")
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(f"{what}: the answer names no job", remedy="check the target's version")
    return read(read_job, {**raw, "etag": read_etag(raw.get("etag")) or answer.etag}, what)


def same_definition(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two bodies define the same job, defaults filled; ownership and provenance apart.

    A body that cannot be read is the same as none.
    """
    try:
        first, second = job_to_wire(job_from_wire(one)), job_to_wire(job_from_wire(other))
        return all(canonical_json(first[name]) == canonical_json(second[name]) for name in FIELDS.values())
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def is_written(job: RemoteJob, body: Mapping[str, Any]) -> bool:
    """Whether a job is as `body` says, so that a write of ours whose answer was lost has been done."""
    return job.managed_by == body.get("managedBy") and same_definition(job.raw, body)
