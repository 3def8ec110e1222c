"""The definitions tree on disk: which files it has, and their bytes. The package's only I/O."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.jobs.source import MAX_BYTES

SUFFIXES = (".yaml", ".yml")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")  # is shown as it is


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
        below = PurePosixPath(os.path.relpath(folder, root).replace(os.sep, "/"))
        shown_folder = label_of(named, below / "_").removesuffix("_")
        for name in [*names, *(f for f in folders if os.path.islink(os.path.join(folder, f)))]:
            if name.startswith(".") or (not name.lower().endswith(SUFFIXES) and name not in folders):
                continue
            label = f"{shown_folder}{name}" if _PLAIN_NAME.fullmatch(name) else label_of(named, below / name)
            raw = _read(os.path.join(folder, name), root, label)
            if isinstance(raw, Problem):
                problems.append(raw)
            else:
                files.append(SourceFile(path=below / name, shown=label, raw=raw))
    for error in unreadable:
        label = label_of(named, PurePosixPath(os.path.relpath(str(error.filename), root)))
        problems.append(_problem(label, f"the folder cannot be read: {error.strerror}", "unreadable",
                                 "check its permissions"))  # fmt: skip
    files.sort(key=lambda file: file.path.as_posix())
    return files, problems + _clashes(files)


def label_of(named: str, path: PurePosixPath) -> str:
    """The name that people see of a file `path` below a tree `named`: text that a terminal and a log can take."""
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


def _read(path: str, root: Path, label: str) -> bytes | Problem:
    """The bytes of a file, one more than the limit at most."""
    try:
        # Folders that are links are not walked: nothing but a link can lead out of the tree, and none is
        # followed here. Nobody waits for a pipe that no one writes to.
        return _bytes(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), label)
    except OSError as error:
        if not os.path.islink(path):
            said = f"the file cannot be read: {error.strerror}"
            return _problem(label, said, "unreadable", "check its permissions")
    return _linked(Path(path), root, label)


def _bytes(file: int, label: str) -> bytes | Problem:
    """What an open file holds; it is closed."""
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return _problem(label, "this is not a regular file", "unreadable", "remove it")
        # Asking for the limit would cost a buffer of that size each time; one byte over tells what grows meanwhile.
        raw = os.read(file, min(found.st_size, MAX_BYTES) + 1)
        if len(raw) != found.st_size:
            while len(raw) <= MAX_BYTES and (more := os.read(file, MAX_BYTES + 1 - len(raw))):
                raw += more
        return raw
    finally:
        os.close(file)


def _linked(path: Path, root: Path, label: str) -> bytes | Problem:
    """What a link leads to, if that is a file of the tree."""
    code = "symlink"
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(root):
            return _problem(label, "this link leaves the definitions tree", code, "copy the file into the tree")
        if target.is_dir():
            return _problem(label, "this link is to a folder", code, "move the folder there instead")
    except RuntimeError:  # how Python before 3.13 says that links lead in a circle
        return _problem(label, "this link leads back to itself", code, "remove it")
    except OSError as error:
        return _problem(label, f"this link leads nowhere: {error.strerror}", code, "mend or remove it")
    return _read(str(target), root, label)


def _problem(label: str, message: str, code: str, remedy: str | None = None) -> Problem:
    return Problem(position=Position(label), message=message, code=code, remedy=remedy)
