"""`import` from a target with the definitions API: its jobs read, their files written, and the jobs taken over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.planning.applying import Applied
    from interact_gitops.planning.imported import Import, Tree

SCHEMA = Path("schema/job.schema.json")


def read_import(workspace: Workspace, client: Client, selectors: Sequence[str]) -> Import:
    """What importing the selected jobs would write; of all jobs, with no selector.

    Raises DefinitionsInvalid for a tree that cannot be used, SelectionInvalid for a selector that names nothing.
    """
    from interact_gitops.config import owner
    from interact_gitops.errors import Position
    from interact_gitops.jobs.model import Definition
    from interact_gitops.jobs.selectors import select
    from interact_gitops.planning.importing import plan_import

    tree, mark = _tree(workspace), owner(workspace.settings)
    remote = client.jobs()
    if not selectors:
        return plan_import(tree, remote, managed_by=mark)
    seen: list[Definition] = []
    plan_import(tree, remote, managed_by=mark, wanted=lambda one: bool(seen.append(one)))
    chosen = {definition.job.key for definition in select(seen, selectors)}
    return plan_import(tree, remote, managed_by=mark, wanted=lambda one: one.job.key in chosen)
