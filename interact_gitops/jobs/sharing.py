"""Loading a tree that is nearly another one, such as the commit before it. Pure.

A file that stands in both, byte for byte, beneath the same defaults and for the same variables, holds the same jobs:
they are taken as they are, and only the others are read. What jobs of one tree must agree on is then looked at over
all of them; where they do not, the whole tree is loaded, which says it with its places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from interact_gitops.jobs.defaults import NAMES
from interact_gitops.jobs.loading import Loaded, load
from interact_gitops.jobs.model import Definition, Job, Scalar
from interact_gitops.jobs.tree import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A tree that was loaded without an error: its files, the variables that it was loaded for, and its jobs."""

    files: Sequence[SourceFile]
    variables: Mapping[str, Scalar]
    definitions: Sequence[Definition]


def load_beside(files: Sequence[SourceFile], known: Known, *, variables: Mapping[str, Scalar]) -> Loaded:
    """The jobs and errors that `load` finds in `files`, for the cost of the files that `known` does not have.

    Jobs of the other files are the very objects of `known`, with the paths that they have there; warnings of those
    files are not repeated.
    """
    shared = _shared(files, known) if _alike(variables, known.variables) else {}
    jobs: dict[str, list[Definition]] = {shown: [] for shown in shared.values()}
    for definition in known.definitions:
        if definition.path in jobs:
            jobs[definition.path].append(definition)
    read = load((file for file in files if file.path not in shared), variables=variables)
    together = [*read.definitions, *(definition for found in jobs.values() for definition in found)]
    if shared and (read.errors or not _agree([definition.job for definition in together])):
        return load(files, variables=variables)
    return Loaded(definitions=tuple(sorted(together, key=lambda d: d.job.key)), problems=read.problems)


def _alike(one: Mapping[str, Scalar], other: Mapping[str, Scalar]) -> bool:
    """Whether two sets of variables fill in the same texts; 1, 1.0 and true do not."""
    return repr(sorted(one.items())) == repr(sorted(other.items()))


def _shared(files: Sequence[SourceFile], known: Known) -> dict[PurePosixPath, str]:
    """The files of jobs that both trees have, each with the name that `known` shows."""
    there = {file.path: file for file in known.files}
    here = {file.path: file for file in files}
    defaults = {path for path in (*there, *here) if path.name in NAMES}
    moved = {path.parent for path in defaults if _raw(here.get(path)) != _raw(there.get(path))}
    # What names no file alone names no job's file: odd bytes in names can be shown alike.
    shown = Counter(file.shown for file in known.files)
    return {
        file.path: same.shown
        for file in files
        if file.path not in defaults
        and (same := there.get(file.path)) is not None
        and same.raw == file.raw
        and shown[same.shown] == 1
        and not (moved and moved.intersection(file.path.parents))
    }


def _raw(file: SourceFile | None) -> bytes | None:
    return file.raw if file is not None else None


def _agree(jobs: Sequence[Job]) -> bool:
    """Whether every key is one job's, and every earlier key nobody's but the one that it moved to."""
    names = [name for job in jobs for name in {job.key, *job.moved_from}]
    return len(names) == len(set(names)) and all(job.key not in job.moved_from for job in jobs)
