"""What `import` writes: the definitions of a target as files. Pure.

A job that the tree has is changed where it stands, in those fields that differ; a job that it lacks gets a file of its
own. The result is loaded, and compared with the target, before anybody writes it: what a file cannot say is told, field
by field, and a tree that was valid stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from interact_gitops.errors import Failure
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.planning.filing import Filing, Task
from interact_gitops.planning.imported import FileChange, Import, ImportedJob, Tree

Choice = Callable[[Sequence[Definition]], Iterable[Definition]]


def plan_import(
    tree: Tree,
    remote: Iterable[RemoteJob],
    *,
    managed_by: str,
    choose: Choice | None = None,
    step: Callable[[], object] = int,
) -> Import:
    """What brings `tree` in line with the jobs of a target. `managed_by` is our ownership mark: jobs with another are
    told, and left alone. `choose` takes some of the others, by their definitions as they would be.
    `step` is called as each file gets its text.

    Raises Failure where the files would clash with the rest of the tree, and whatever `choose` raises.
    """
    there = sorted(remote, key=lambda job: job.key)
    filing = Filing(tree=tree, managed_by=managed_by, keys=frozenset(job.key for job in there), step=step)
    found = [filing.task(job) for job in there if job.managed_by in {None, managed_by}]
    tasks = [task for task in found if isinstance(task, Task)]
    ended = [task for task in found if isinstance(task, ImportedJob)]
    if choose is not None:
        chosen = {definition.job.key for definition in choose([task.as_definition(tree.shown) for task in tasks])}
        tasks, ended = [task for task in tasks if task.job.key in chosen], []
    ended += [task.ended("unchanged") for task in tasks if task.definition and not task.fields]
    made, files = filing.file([task for task in tasks if not task.definition or task.fields])
    _demand_valid(tree, files)
    return Import(
        jobs=tuple(sorted([*ended, *made], key=lambda job: job.key)),
        files=tuple(sorted(files, key=lambda file: file.shown)),
        missing=_missing(tree.definitions, {job.key for job in there}) if choose is None else (),
        foreign=tuple((job.key, job.managed_by) for job in there if job.managed_by not in {None, managed_by}),
    )


def _missing(definitions: Sequence[Definition], keys: Collection[str]) -> tuple[Definition, ...]:
    return tuple(d for d in definitions if d.job.key not in keys and not any(old in keys for old in d.job.moved_from))


def _demand_valid(tree: Tree, files: Sequence[FileChange]) -> None:
    """Each file is valid by itself; that they are together is not said yet: a new key may be another's earlier one."""
    if not files:
        return
    changed = {file.path: file for file in files}
    new = [SourceFile(path=file.path, shown=file.shown, raw=file.after) for file in files]
    kept = [file for file in tree.files if file.path not in changed]
    errors = load([*kept, *new], variables=tree.variables).errors
    if errors:
        raise Failure(f"the tree would not be valid: {errors[0]}", remedy="leave that job out, with !KEY")
