"""The definition files that a command is to work on, each with its place on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from interact_gitops.errors import Failure, Position, Problem, SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.jobs.tree import SourceFile

Places = list[tuple[Path, "SourceFile"]]


def named_files(workspace: Workspace, paths: Sequence[str]) -> tuple[Places, list[Problem]]:
    """(the files, what cannot be read) in the files and folders `paths`; without any, in the definitions folder.

    Raises SelectionInvalid for a path that is not there, Failure for a file that is no YAML file.
    """
    from interact_gitops.jobs.tree import read_tree

    if not paths:
        folder = workspace.settings.definitions_folder
        files, problems = read_tree(folder, shown=workspace.settings.definitions)
        return _once([(folder / file.path, file) for file in files]), problems
    found: Places = []
    problems = []
    for name in paths:
        path = workspace.folder / name
        if path.is_dir():
            files, more = read_tree(path, shown=name)
            found += [(path / file.path, file) for file in files]
            problems += more
        else:
            found.append((path, _one(path, name)))
    return _once(found), problems


def _once(found: Places) -> Places:
    """Each file once, whatever links lead to it."""
    return list({path.resolve(): (path, file) for path, file in found}.values())


def _one(path: Path, name: str) -> SourceFile:
    from interact_gitops.jobs.tree import SUFFIXES, SourceFile

    if not path.exists():
        raise SelectionInvalid(f"there is no file or folder {name!r}", remedy="paths start where you are")
    if not name.lower().endswith(SUFFIXES):
        raise Failure(
            f"{name!r} is not a YAML file", remedy=f"name a folder, or files that end in {' or '.join(SUFFIXES)}"
        )
    try:
        return SourceFile(path=PurePosixPath(path.name), shown=name, raw=path.read_bytes())
    except OSError as error:
        raise Failure(
            f"{Position(name).file} cannot be read: {error.strerror}", remedy="check its permissions"
        ) from error
