"""`plan --base REV`: two git trees compared. No target is asked, and no secret is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from interact_gitops.cli.declared import choose_channels, split_selectors
from interact_gitops.errors import DefinitionsInvalid, Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.errors import Problem
    from interact_gitops.gitops.revision import Revision
    from interact_gitops.jobs.model import Scalar
    from interact_gitops.jobs.sharing import Known
    from interact_gitops.planning.between import Tree
    from interact_gitops.planning.plan import Plan


def plan_between(workspace: Workspace, base: str, *, select: Sequence[str], prune: bool | None) -> Plan:
    """What the files on disk change of the definitions at `base`, for the chosen target's variables.

    Raises DefinitionsInvalid for a tree that cannot be used, Failure for a base that is not there.
    """
    from interact_gitops.gitops.revision import read_revision
    from interact_gitops.planning.between import Tree, diff_trees

    if prune and select:
        raise Refused("--prune deletes what is not in the tree", remedy="leave out --select")
    settings = workspace.settings
    target = settings.target_name(workspace.target_named)
    revision = read_revision(settings.folder, base)
    known = _on_disk(settings, target)
    after = Tree(definitions=known.definitions, channels=settings.written_channels())
    then = _settings_at(revision, settings, named=workspace.definitions_named)
    before = _tree_at(revision, then, (then if target in then.targets else settings).variables(target), known)
    if select:
        before, after = _chosen(before, after, select)
    names = f"git {revision.short} → working tree" + (f" ({target})" if target else "")
    made = diff_trees(before, after, names=names, prune=prune is not False)
    if revision.has(then.definitions):
        return made
    note = f"the commit {revision.named} ({revision.short}) has no folder {then.definitions!r}: every job is new"
    return replace(made, notes=(*made.notes, note))


def _on_disk(settings: Settings, target: str | None) -> Known:
    """The working tree, with its files. Raises DefinitionsInvalid."""
    from interact_gitops.jobs.loading import Loaded, load
    from interact_gitops.jobs.sharing import Known
    from interact_gitops.jobs.tree import read_tree

    files, unreadable = read_tree(settings.definitions_folder, shown=settings.definitions)
    variables = settings.variables(target)
    loaded = load(files, variables=variables)
    definitions = Loaded(definitions=loaded.definitions, problems=(*unreadable, *loaded.problems)).valid(
        settings.definitions
    )
    return Known(files=files, variables=variables, definitions=definitions)


def _settings_at(revision: Revision, now: Settings, *, named: str | None) -> Settings:
    """The base's own configuration. Raises ConfigurationInvalid, which names the commit."""
    from pathlib import Path

    from interact_gitops.config import settings_of

    file = Path(now.file).name if now.file else "interact-gitops.yaml"
    return settings_of(revision.file(file), folder=now.folder, shown=f"{file}@{revision.short}", definitions=named)


def _tree_at(revision: Revision, then: Settings, variables: Mapping[str, Scalar], known: Known) -> Tree:
    """The base's definitions; what the disk has of them too is not read again.

    A target that the base did not have yet has today's variables.
    """
    from interact_gitops.jobs.sharing import load_beside
    from interact_gitops.planning.between import Tree

    files, unreadable = revision.tree(then.definitions, at_hand=known.files)
    loaded = load_beside(files, known, variables=variables)
    problems = [_at(problem, revision) for problem in (*unreadable, *loaded.errors)]
    if problems:
        raise DefinitionsInvalid(problems, what=f"{then.definitions} at {revision.named} ({revision.short})")
    return Tree(definitions=loaded.definitions, channels=then.written_channels())


def _at(problem: Problem, revision: Revision) -> Problem:
    """The problem with its commit: nobody must look for it on disk, where it may be mended."""
    where = problem.position
    return replace(problem, position=replace(where, file=f"{where.file}@{revision.short}"))


def _chosen(before: Tree, after: Tree, select: Sequence[str]) -> tuple[Tree, Tree]:
    """Both trees cut to what the selectors name in either: what was selected may be gone, or new."""
    from interact_gitops.jobs.selectors import select as choose

    jobs, channels = split_selectors(select)
    earlier = {definition.job.key: definition for definition in before.definitions}
    union = {**earlier, **{definition.job.key: definition for definition in after.definitions}}
    keys = {definition.job.key for definition in choose(tuple(union.values()), jobs)} if jobs else set()
    keys |= {was for d in after.definitions if d.job.key in keys for was in d.job.moved_from}
    names = {c.name for c in choose_channels((*before.channels, *after.channels), channels)}
    return _cut(before, keys, names), _cut(after, keys, names)


def _cut(tree: Tree, keys: set[str], names: set[str]) -> Tree:
    return replace(
        tree,
        definitions=tuple(d for d in tree.definitions if d.job.key in keys),
        channels=tuple(c for c in tree.channels if c.name in names),
    )
