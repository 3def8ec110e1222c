"""A commit of a repository as files: read from git's own store, never checked out.

Links are followed inside the tree as the file system would; what leads out of it is a problem, and so is a
submodule. Nothing is fetched: what a shallow or partial clone lacks is said.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.gitops.program import Said, ask_git
from interact_gitops.jobs.source import MAX_BYTES
from interact_gitops.jobs.tree import SUFFIXES, SourceFile

_LINK, _SUBMODULE = "120000", "160000"
_LONGEST_CHAIN = 10  # links that lead to links


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blob:
    mode: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One commit of the repository that holds a folder. `below` is that folder's path from the top, `""` for the top.

    `named` is how people named it, `commit` its full hash.
    """

    folder: Path
    named: str
    commit: str
    below: str
    _blobs: Mapping[str, _Blob] = field(repr=False)

    @property
    def short(self) -> str:
        """The commit as people read it."""
        return self.commit[:7]

    def file(self, path: str) -> bytes | None:
        """The bytes of a file, by its path from the folder; None when the commit has none."""
        blob = self._blobs.get(self._at(path))
        return None if blob is None else next(iter(_contents(self.folder, [blob.oid]).values()))

    def tree(self, path: str) -> tuple[list[SourceFile], list[Problem]]:
        """Every definitions file below a folder, as `jobs.tree.read_tree` finds them on disk, and what cannot be read.

        Raises Failure when the commit has no such folder, or the folder lies outside of the repository.
        """
        root = self._at(path)
        prefix = f"{root}/" if root else ""
        inside = {name: blob for name, blob in self._blobs.items() if name.startswith(prefix)}
        if not inside:
            said = f"the commit {self.named} ({self.short}) has no folder {path!r}"
            raise Failure(said, remedy="compare with a commit that has definitions, or name the folder: --definitions")
        problems: list[Problem] = []
        wanted: dict[str, _Blob] = {}
        for name, blob in sorted(inside.items()):
            relative = name.removeprefix(prefix)
            if any(part.startswith(".") for part in relative.split("/")):
                continue
            if blob.mode == _SUBMODULE:
                problems.append(_problem(path, relative, "this is a submodule: its files are another repository's"))
            elif relative.lower().endswith(SUFFIXES):
                found = self._followed(name, blob, prefix)
                if found is None:
                    problems.append(_problem(path, relative, "this link leads to no file of the definitions tree"))
                else:
                    wanted[relative] = found
        small = [blob.oid for blob in wanted.values() if blob.size <= MAX_BYTES]
        contents = _contents(self.folder, small)
        files = [
            SourceFile(
                path=PurePosixPath(relative),
                shown=str(PurePosixPath(path) / relative),
                raw=contents.get(blob.oid, b" " * (MAX_BYTES + 1)),  # too large to be a definition: not even read
            )
            for relative, blob in wanted.items()
        ]
        return files, problems

    def _at(self, path: str) -> str:
        at = posixpath.normpath(posixpath.join(self.below or ".", path.replace(os.sep, "/")))
        if posixpath.isabs(path) or at == ".." or at.startswith("../"):
            raise Failure(f"{path!r} is not in the git repository", remedy="definitions belong into the repository")
        return "" if at == "." else at

    def _followed(self, name: str, blob: _Blob, prefix: str) -> _Blob | None:
        for _ in range(_LONGEST_CHAIN):
            if blob.mode != _LINK:
                return blob
            target = os.fsdecode(_contents(self.folder, [blob.oid])[blob.oid])
            name = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            found = self._blobs.get(name) if name.startswith(prefix) else None
            if found is None:
                return None
            blob = found
        return None


def read_revision(folder: Path, named: str) -> Revision:
    """The commit that `named` means (a branch, tag, hash or expression such as `HEAD~1`) in `folder`'s repository.

    Raises Failure, in one line, where there is no git, no repository, or no such commit.
    """
    if not named or named.startswith("-") or not named.isprintable():
        raise Failure(f"{named!r} names no commit", remedy="name a branch, a tag or a hash, such as origin/main")
    place = ask_git(folder, "rev-parse", "--show-prefix", "--is-shallow-repository")
    if place is None:
        raise Failure("there is no git program here", remedy="install git, or leave out --base")
    if place.code:
        raise Failure(f"{str(folder)!r} is not in a git repository", remedy="run this in a clone, or leave out --base")
    below, _, shallow = os.fsdecode(place.out).rstrip("\n").rpartition("\n")
    found = ask_git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")
    if found is None or found.code:
        remedy = "fetch more of the history: `git fetch --unshallow`, or fetch-depth: 0 in actions/checkout"
        if shallow.strip() != "true":
            remedy = "see `git branch --all` and `git log`; a pull request's base may need `git fetch` first"
        raise Failure(f"there is no commit {named!r} in this clone", remedy=remedy)
    commit = os.fsdecode(found.out).strip()
    listed = _demand(ask_git(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", commit), named)
    return Revision(
        folder=folder, named=named, commit=commit, below=below.strip().rstrip("/"), _blobs=dict(_entries(listed))
    )  # fmt: skip


def _entries(listed: bytes) -> Iterator[tuple[str, _Blob]]:
    for line in listed.split(b"\0"):
        if line:
            about, _, name = line.partition(b"\t")
            mode, _, oid, size = about.split()
            yield (
                os.fsdecode(name),
                _Blob(mode=mode.decode(), oid=oid.decode(), size=int(size) if size.isdigit() else 0),
            )


def _contents(folder: Path, oids: list[str]) -> dict[str, bytes]:
    """The bytes of blobs, by one git process for all of them."""
    if not oids:
        return {}
    distinct = list(dict.fromkeys(oids))
    raw = _demand(ask_git(folder, "cat-file", "--batch", given="\n".join(distinct).encode() + b"\n"), "its files")
    found: dict[str, bytes] = {}
    at = 0
    for oid in distinct:
        end = raw.index(b"\n", at)
        header = raw[at:end].split()
        if len(header) != 3:
            said = f"this clone lacks the object {oid[:12]}"
            raise Failure(said, remedy="fetch it: a partial or damaged clone cannot be compared")
        size = int(header[2])
        found[oid] = raw[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def _demand(said: Said | None, what: str) -> bytes:
    if said is None or said.code:
        why = said.complaint.splitlines()[-1][:200] if said and said.complaint else "it gave no answer"
        raise Failure(f"git cannot read {what}: {why}", remedy="check the clone with `git fsck`")
    return said.out


def _problem(root: str, relative: str, message: str) -> Problem:
    where = Position(str(PurePosixPath(root) / relative))
    return Problem(position=where, message=message, code="symlink", remedy="put the file itself into the tree")
