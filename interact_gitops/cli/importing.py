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
_LONG = 200  # jobs or files from which on progress is shown


def read_import(workspace: Workspace, client: Client, selectors: Sequence[str]) -> Import:
    """What importing the selected jobs would write; of all jobs, with no selector.

    Raises DefinitionsInvalid for a tree that cannot be used, SelectionInvalid for a selector that names nothing.
    """
    from interact_gitops.cli.progress import progress
    from interact_gitops.config import owner
    from interact_gitops.jobs.selectors import select
    from interact_gitops.planning.importing import plan_import

    mark, tree = owner(workspace.settings), _tree(workspace)
    jobs = client.jobs()
    with progress("importing", len(jobs), quiet=workspace.quiet or len(jobs) < _LONG) as step:
        return plan_import(
            tree,
            jobs,
            managed_by=mark,
            choose=(lambda definitions: select(definitions, selectors)) if selectors else None,
            step=lambda: step(True),
        )


def write_import(workspace: Workspace, made: Import) -> None:
    """Write the files. Raises Failure at the first that cannot be; importing again goes on from there."""
    from interact_gitops.cli.progress import progress
    from interact_gitops.cli.saving import save

    folder = workspace.settings.definitions_folder
    folder.mkdir(parents=True, exist_ok=True)
    with progress("writing", len(made.files), quiet=workspace.quiet or len(made.files) < _LONG) as step:
        for file in made.files:
            save(folder / file.path, file.after, before=file.before)
            step(True)


def demand_adoptable(workspace: Workspace) -> None:
    """Raises Refused for a target that takes reviewed plans only."""
    if workspace.target.protected:
        said = f"the target {workspace.target.name!r} is protected: taking jobs over needs a plan file"
        raise Refused(said, remedy="import without --adopt, then `interact-gitops plan --adopt SELECTOR --out FILE`")


def adopt(workspace: Workspace, client: Client, made: Import, *, selectors: Sequence[str], yes: bool) -> Applied | None:
    """Put our mark on the imported jobs that nobody manages, as `apply --adopt` does; None when there are none."""
    from interact_gitops.cli.locking import locked
    from interact_gitops.cli.planned import make_plan, say_lines
    from interact_gitops.cli.progress import progress
    from interact_gitops.cli.reviewed import confirm
    from interact_gitops.cli.times import now
    from interact_gitops.planning.applying import apply
    from interact_gitops.planning.rendering.text import render_plan

    keys = {job.key for job in made.jobs if not job.ours and job.action != "refused"}
    if not keys:
        return None
    with locked(workspace, client, wait_seconds=60) as lease:
        whole = make_plan(workspace, client, adopt=list(selectors) or ["*"], prune=False)
        changes = tuple(change for change in whole.changes if change.action == "adopt" and change.key in keys)
        plan = replace(whole, changes=changes)
        if not yes:
            say_lines(render_plan(plan, now=now(), quiet=workspace.quiet))
        confirm(workspace, plan, yes)
        with progress("taking over", len(plan.writes), quiet=workspace.quiet) as step:
            return apply(
                plan,
                client,
                held=lease.held if lease else None,
                progress=lambda outcome: step(outcome.result == "done"),
            )


def _tree(workspace: Workspace) -> Tree:
    """The definitions as the target's variables make them; a folder that is not there yet has none."""
    from interact_gitops.jobs.loading import Loaded, load
    from interact_gitops.jobs.tree import read_tree
    from interact_gitops.planning.imported import Tree

    settings = workspace.settings
    folder, variables = settings.definitions_folder, settings.variables(settings.target_name(workspace.target_named))
    files, unreadable = read_tree(folder, shown=settings.definitions) if folder.is_dir() else ([], [])
    loaded = load(files, variables=variables)
    whole = Loaded(definitions=loaded.definitions, problems=(*unreadable, *loaded.problems))
    return Tree(
        files=files,
        definitions=whole.valid(settings.definitions),
        variables=variables,
        shown=settings.definitions,
        modeline=_modeline(settings.folder, folder),
    )


def _modeline(repository: Path, definitions: Path) -> str | None:
    """The job schema's path as files in the definitions folder name it, where this repository has it."""
    schema = repository / SCHEMA
    return Path(os.path.relpath(schema, definitions)).as_posix() if schema.is_file() else None
