"""A commit of a repository as files: read from git's own store, never checked out.

Links are followed inside the tree as the file system would; what leads out of it is a problem, and so is a
submodule. Nothing is fetched: what a shallow or partial clone lacks is said.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.gitops.program import ask_git, top_of
from interact_gitops.jobs.source import MAX_BYTES
from interact_gitops.jobs.tree import SUFFIXES, SourceFile, label_of
from interact_gitops.programs import Said

_LINK, _SUBMODULE = "120000", "160000"
_LONGEST_CHAIN = 10  # links that lead to links
_LENGTH_OF_SHA256 = 64  # hex digits, in a repository of that object format


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
        """The bytes of a file, by its path from the folder; None when the commit has none.

        Raises Failure for a path that leads out of the repository, and for what is there and no file of the commit.
        """
        name = self._at(path)
        blob = self._blobs.get(name)
        if blob is None:
            return None
        found = self._followed(name, blob, "") if blob.mode != _SUBMODULE else None
        if found is None:
            said = f"{path!r} at {self.short} is a link that leads to no file of the commit"
            raise Failure(said, remedy="put the file itself there")
        return _contents(self.folder, [found.oid])[found.oid]

    def has(self, path: str) -> bool:
        """Whether the commit has a folder with anything in it. Raises Failure for one outside of the repository."""
        prefix = self._prefix(path)
        return any(name.startswith(prefix) for name in self._blobs)

    def tree(self, path: str, *, at_hand: Sequence[SourceFile] = ()) -> tuple[list[SourceFile], list[Problem]]:
        """Every definitions file below a folder, as `jobs.tree.read_tree` finds them on disk, and what cannot be read.

        What is `at_hand`, such as the files of another commit or of the disk, git is not asked for again; a file that
        is the same in name and bytes is that very object. No folder is as an empty one. Raises Failure for a folder
        outside of the repository.
        """
        prefix = self._prefix(path)
        inside = {name: blob for name, blob in self._blobs.items() if name.startswith(prefix)}
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
        oids = {id(file): self._oid(file.raw) for file in at_hand}
        contents = {oids[id(file)]: file.raw for file in at_hand}
        small = [blob.oid for blob in wanted.values() if blob.size <= MAX_BYTES and blob.oid not in contents]
        contents |= _contents(self.folder, small)
        # Making a name that people can be shown, ten thousand times, costs more than all the rest.
        plain = label_of(path, PurePosixPath("_")).removesuffix("_")
        named = {file.shown: file for file in at_hand}
        files = []
        for relative, blob in wanted.items():
            same = named.get(plain + relative)
            if same is None or oids[id(same)] != blob.oid or str(same.path) != relative:
                at = PurePosixPath(relative)
                raw = contents.get(blob.oid, b" " * (MAX_BYTES + 1))  # too large to be a definition: not even read
                same = SourceFile(path=at, shown=label_of(path, at), raw=raw)
            files.append(same)
        return files, problems

    def _oid(self, raw: bytes) -> str:
        """The name that git gives to these bytes as a blob."""
        kind = "sha256" if len(self.commit) == _LENGTH_OF_SHA256 else "sha1"
        return hashlib.new(kind, b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()

    def _prefix(self, path: str) -> str:
        """How the files below a folder begin; the folder itself may be a link to another of the commit."""
        root = self._at(path)
        for _ in range(_LONGEST_CHAIN):
            blob = self._blobs.get(root)
            if blob is None or blob.mode != _LINK:
                break
            root = self._led_to(root, blob)
        return f"{root}/" if root else ""

    def _led_to(self, name: str, link: _Blob) -> str:
        target = os.fsdecode(_contents(self.folder, [link.oid])[link.oid])
        return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))

    def _at(self, path: str) -> str:
        at = posixpath.normpath(posixpath.join(self.below or ".", path.replace(os.sep, "/")))
        if posixpath.isabs(path) or at == ".." or at.startswith("../"):
            raise Failure(f"{path!r} is not in the git repository", remedy="definitions belong into the repository")
        return "" if at == "." else at

    def _followed(self, name: str, blob: _Blob, prefix: str) -> _Blob | None:
        for _ in range(_LONGEST_CHAIN):
            if blob.mode != _LINK:
                return blob
            name = self._led_to(name, blob)
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
    place = ask_git(folder, "rev-parse", "--is-shallow-repository")
    if place is None:
        raise Failure("there is no git program here", remedy="install git, or leave out --base")
    top = top_of(folder)
    if place.code or top is None:
        raise _no_repository(folder, place)
    below = folder.resolve().relative_to(top).as_posix()
    found = ask_git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}")
    if found is None or found.code:
        remedy = "fetch more of the history: `git fetch --unshallow`, or fetch-depth: 0 in actions/checkout"
        if place.out.strip() != b"true":
            remedy = "see `git branch --all` and `git log`; a pull request's base may need `git fetch` first"
        raise Failure(f"there is no commit {named!r} in this clone", remedy=remedy)
    commit = os.fsdecode(found.out).strip()
    listed = _demand(ask_git(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", commit), named)
    return Revision(
        folder=folder, named=named, commit=commit, below="" if below == "." else below, _blobs=dict(_entries(listed))
    )  # fmt: skip


def _no_repository(folder: Path, said: Said) -> Failure:
    """There is none, or git declines to read it, which is most often since it is another user's."""
    top = top_of(folder)
    if top is None:
        return Failure(f"{str(folder)!r} is not in a git repository", remedy="run this in a clone, or leave out --base")
    remedy = "check it with `git status`"
    if "dubious ownership" in said.complaint:
        remedy = f"trust it, if it is yours: git config --global --add safe.directory {shlex.quote(str(top))}"
    return Failure(f"git does not read the repository {str(top)!r}: {_first_line(said)}", remedy=remedy)


def _first_line(said: Said) -> str:
    return said.complaint.partition("\n")[0].removeprefix("fatal: ")[:200] or f"it ended with {said.code}"


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
        why = _first_line(said) if said else "it gave no answer"
        raise Failure(f"git cannot read {what}: {why}", remedy="check the clone with `git fsck`")
    return said.out


def _problem(root: str, relative: str, message: str) -> Problem:
    where = Position(label_of(root, PurePosixPath(relative)))
    return Problem(position=where, message=message, code="symlink", remedy="put the file itself into the tree")
