"""The definitions tree on disk: which files it has, and their bytes. The package's only I/O."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.jobs.source import MAX_BYTES

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One definitions file: its path below the tree with `/`, the name people see, its bytes."""

    path: PurePosixPath
    shown: str
    raw: bytes


def read_tree(directory: Path, *, shown: str | None = None) -> tuple[list[SourceFile], list[Problem]]:
    """Every definitions file below `directory`, sorted, and what could not be read.

    Hidden files and folders are left out. A link that leaves the tree is a problem, never followed.
    Raises Failure when the folder is not there: nothing may be taken for "no jobs".
    """
    named = shown if shown is not None else str(directory)
    if not directory.is_dir():
        remedy = "run `interact-gitops init`, or name the folder with --definitions"
        raise Failure(f"the definitions folder {named!r} is not there", remedy=remedy)
    root = directory.resolve()
    files: list[SourceFile] = []
    problems: list[Problem] = []
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*names, *(f for f in folders if os.path.islink(os.path.join(folder, f)))]:
            if name.startswith(".") or (not name.lower().endswith(SUFFIXES) and name not in folders):
                continue
            path = PurePosixPath(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
            label = _label(named, path)
            outcome = _read(Path(folder, name), root, path, label)
            if isinstance(outcome, Problem):
                problems.append(outcome)
            else:
                files.append(outcome)
    for error in unreadable:
        label = _label(named, PurePosixPath(os.path.relpath(str(error.filename), root)))
        problems.append(_problem(label, f"the folder cannot be read: {error.strerror}", "unreadable",
                                 "check its permissions"))  # fmt: skip
    files.sort(key=lambda file: file.path.as_posix())
    return files, problems + _clashes(files)


def _label(named: str, path: PurePosixPath) -> str:
    """A file's name as people see it: text that a terminal and a log can take."""
    text = str(PurePosixPath(named.replace(os.sep, "/")) / path)
    safe = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in safe)


def _clashes(files: list[SourceFile]) -> list[Problem]:
    """Files that are one file where case does not count: there a checkout would lose a job."""
    seen: dict[str, SourceFile] = {}
    problems = []
    for file in files:
        first = seen.setdefault(file.path.as_posix().casefold(), file)
        if first is not file:
            said = f"only upper and lower case tell this file from {first.shown}: macOS and Windows keep one of them"
            problems.append(Problem(position=Position(file.shown), message=said, code="name-clash", severity="warning",
                                    remedy="rename one of them"))  # fmt: skip
    return problems


def _read(path: Path, root: Path, relative: PurePosixPath, label: str) -> SourceFile | Problem:
    try:
        linked = path.is_symlink()  # folders that are links are not walked: nothing else can lead out of the tree
        target = path.resolve(strict=True) if linked else path
        if linked and not target.is_relative_to(root):
            return _problem(label, "this link leaves the definitions tree", "symlink", "copy the file into the tree")
        kind = target.stat().st_mode
        if not stat.S_ISREG(kind):
            if stat.S_ISDIR(kind):
                return _problem(label, "this link is to a folder", "symlink", "move the folder there instead")
            return _problem(label, "this is not a regular file", "unreadable", "remove it")
        with target.open("rb") as stream:
            return SourceFile(path=relative, shown=label, raw=stream.read(MAX_BYTES + 1))
    except RuntimeError:  # how Python before 3.13 says that links lead in a circle
        said, code, remedy = "this link leads back to itself", "symlink", "remove it"
    except OSError as error:
        said, code, remedy = f"the file cannot be read: {error.strerror}", "unreadable", "check its permissions"
        if path.is_symlink():
            said, code, remedy = f"this link leads nowhere: {error.strerror}", "symlink", "mend or remove it"
    return _problem(label, said, code, remedy)


def _problem(label: str, message: str, code: str, remedy: str | None = None) -> Problem:
    return Problem(position=Position(label), message=message, code=code, remedy=remedy)
