"""What commands are about: a job by its key, found in the tree or on the target, and completed in the shell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace
from interact_gitops.errors import Failure, SelectionInvalid, did_you_mean

if TYPE_CHECKING:
    from interact_gitops.jobs.model import Definition


def _complete_key(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    workspace = ctx.find_object(Workspace) or Workspace()
    try:
        return [d.job.key for d in workspace.load().definitions if d.job.key.startswith(incomplete)]
    except Failure:
        return []  # a shell asking for completions has no place for a message


def job_argument(*, required: bool = True) -> Callable[[Any], Any]:
    """The JOB argument, with shell completion of the tree's keys."""
    return click.argument("job", required=required, shell_complete=_complete_key)


def find_definition(definitions: Sequence[Definition], key: str) -> Definition:
    """The definition with this key. Raises SelectionInvalid with the nearest one."""
    for definition in definitions:
        if definition.job.key == key:
            return definition
    remedy = did_you_mean(key, [d.job.key for d in definitions]) or "see `interact-gitops list`"
    raise SelectionInvalid(f"there is no job {key!r} in the definitions", remedy=remedy)
