"""`plan --base REV`: two git trees compared. No target is asked, and no secret is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from interact_gitops.cli.declared import choose_channels, split_selectors
from interact_gitops.errors import DefinitionsInvalid, Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.gitops.revision import Revision
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
    after = Tree(definitions=workspace.definitions(), channels=settings.written_channels())
    revision = read_revision(settings.folder, base)
    before = _tree_at(revision, settings, target, named=workspace.definitions_named)
    if select:
        before, after = _chosen(before, after, select)
    names = f"git {revision.short} → working tree" + (f" ({target})" if target else "")
    return diff_trees(before, after, names=names, prune=prune is not False)


def _tree_at(revision: Revision, now: Settings, target: str | None, *, named: str | None) -> Tree:
    """The base's definitions, by its own configuration. A target that it did not have yet has today's variables."""
    from pathlib import Path

    from interact_gitops.config import settings_of
    from interact_gitops.jobs.loading import load
    from interact_gitops.planning.between import Tree

    file = Path(now.file).name if now.file else "interact-gitops.yaml"
    shown = f"{file}@{revision.short}"
    then = settings_of(revision.file(file), folder=now.folder, shown=shown, definitions=named)
    files, unreadable = revision.tree(then.definitions)
    loaded = load(files, variables=(then if target in then.targets else now).variables(target))
    if unreadable or loaded.errors:
        raise DefinitionsInvalid(
            [*unreadable, *loaded.errors], what=f"{then.definitions} at {revision.named} ({revision.short})"
        )
    return Tree(definitions=loaded.definitions, channels=then.written_channels())


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
