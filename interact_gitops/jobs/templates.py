"""Prompts are templates, and templates are untrusted text: what a run fills in, and how.

Jinja2 parses and renders; `admission.py` says which templates are admitted at all. Rendering is
capped in what it writes, and its filters in what they may build on the way.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from interact_gitops.errors import TemplateInvalid
from interact_gitops.jobs.admission import BUILT_IN, TemplateFault, inspect
from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.sandbox import FILTERS, MAX_OUTPUT, environment

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["BUILT_IN", "FILTERS", "MAX_OUTPUT", "RunFacts", "TemplateFault", "inspect", "render", "run_date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run tells its prompts: the instant it stands for (aware) and what triggered it."""

    scheduled_at: datetime
    trigger: str


def run_date(job: Job, scheduled_at: datetime) -> date:
    """The date of `scheduled_at` in the job's zone (UTC for a job with no schedule)."""
    return scheduled_at.astimezone(_zone(job)).date()


def render(text: str, *, job: Job, parameters: Mapping[str, Scalar], run: RunFacts) -> str:
    """The prompt as asked. Raises TemplateInvalid, also for a template that validation would refuse."""
    from jinja2 import TemplateError, UndefinedError

    faults, _ = inspect(text, frozenset(job.parameters))
    if faults:
        first = faults[0]
        raise TemplateInvalid(first.message, code=first.code, line=first.line, column=first.column, remedy=first.remedy)
    facts = {
        "run": {
            "date": run_date(job, run.scheduled_at).isoformat(),
            "scheduled_at": run.scheduled_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "timezone": str(_zone(job)),
            "trigger": run.trigger,
        },
        "job": {"key": job.key, "name": job.name, "labels": dict(job.labels)},
    }
    pieces: list[str] = []
    size = 0
    try:
        for piece in _compiled(text).generate({**parameters, **facts}):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_OUTPUT:
                break
        answer = "".join(pieces)
        answer.encode()  # half a surrogate pair cannot be sent
    except UndefinedError as error:
        raise TemplateInvalid(f"the prompt uses a value that is not set: {error.message}", code="template") from error
    except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        raise TemplateInvalid(f"the prompt cannot be filled in: {error}", code="template") from error
    if size > MAX_OUTPUT:
        said = f"the filled-in prompt has more than {MAX_OUTPUT:,} characters"
        raise TemplateInvalid(said, code="template-size", remedy="shorten it, or ask in several prompts")
    return answer


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    """One compilation for all combinations of a fan-out."""
    return environment().from_string(text)


def _zone(job: Job) -> ZoneInfo:
    from interact_gitops.schedule import zone

    return zone(job.schedule.timezone if job.schedule else "UTC")
