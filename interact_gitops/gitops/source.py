"""Where definitions come from: a branch of a repository, kept as a mirror that is never checked out.

The mirror is a cache and nothing more: when it is damaged or gone it is made anew. It lies in a folder's `.git`,
and is bare.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.gitops.network import GitTrouble, Network
from interact_gitops.gitops.program import ask_git
from interact_gitops.gitops.revision import Revision, read_revision

KEPT = "refs/interact-gitops/"  # what the mirror must not lose: the head, and the last good commit
_HEAD = f"{KEPT}head"
PACKS = 50  # after so many fetches the mirror is tidied up


class BranchGone(GitTrouble):
    """The repository is there, and the branch is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as people know it. `at` is when it was committed, in UTC."""

    sha: str
    author: str
    subject: str
    at: datetime

    @property
    def short(self) -> str:
        """As people read it."""
        return self.sha[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A branch (its full reference), mirrored in `folder`."""

    network: Network
    reference: str
    folder: Path

    def head(self) -> str:
        """The commit that the branch is at now, for the price of one question. Raises GitTrouble, BranchGone."""
        self._made()
        listed = self.network.ask(
            self.folder, "ls-remote", "--end-of-options", self.network.address.url, self.reference
        )
        # git matches the end of names: another reference may end like ours.
        found = [line.split("\t") for line in os.fsdecode(listed).splitlines()]
        head = next((oid for oid, name in found if name == self.reference), None)
        if head is None:
            branch = self.reference.removeprefix("refs/heads/")
            remedy = "push it again, or name another with --branch; until then nothing is written"
            raise BranchGone(f"the repository has no branch {branch!r}", remedy=remedy)
        return head

    def fetch(self, commit: str) -> None:
        """Bring a commit here, unless it is. Raises GitTrouble for one that the repository does not give."""
        if self._has(commit):
            return
        self._made()
        try:
            # By its own name, so that nothing moves meanwhile; without history, which nobody reads here.
            self.network.ask(
                self.folder, "fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head", "--force",
                "--end-of-options", self.network.address.url, f"{commit}:{_HEAD}",
            )  # fmt: skip
        finally:
            self._tidy()
        if not self._has(commit):
            raise GitTrouble(f"the commit {commit[:7]} did not come", remedy="it is tried again")

    def read(self, commit: str) -> Revision:
        """The files of a commit that is here. Raises Failure where the mirror is damaged: `forget` it then."""
        return read_revision(self.folder, commit)

    def commit(self, sha: str) -> Commit:
        """Who made a commit that is here, when, and what it says. Raises Failure."""
        shown = ask_git(self.folder, "show", "--no-patch", "--format=%an%x00%s%x00%ct", "--end-of-options", sha)
        if shown is None or shown.code:
            raise Failure(f"git cannot read the commit {sha[:7]}", remedy="it is fetched again")
        author, subject, at = shown.out.decode("utf-8", "replace").rstrip("\n").split("\0")
        return Commit(sha=sha, author=author, subject=subject, at=datetime.fromtimestamp(int(at), UTC))

    def keep(self, sha: str) -> None:
        """Hold on to a commit, which was good, until another is kept: it is what a restart compares with."""
        done = ask_git(self.folder, "update-ref", f"{KEPT}good", sha)
        if done is None or done.code:
            raise Failure(
                f"the mirror in {str(self.folder)!r} cannot be written", remedy="check its disk and permissions"
            )

    def kept(self) -> str | None:
        """The commit that is held on to."""
        if not (self.folder / ".git").is_dir():
            return None
        found = ask_git(self.folder, "rev-parse", "--verify", "--quiet", f"{KEPT}good")
        return found.out.decode().strip() if found is not None and found.code == 0 else None

    def has(self, sha: str) -> bool:
        """Whether a commit is here."""
        return self._has(sha)

    def is_sound(self) -> bool:
        """Whether what the mirror holds on to is in it."""
        listed = ask_git(self.folder, "for-each-ref", "--format=%(objectname)")
        return (
            listed is not None and listed.code == 0 and all(self._has(sha) for sha in os.fsdecode(listed.out).split())
        )

    def forget(self) -> None:
        """Throw the mirror away: the next fetch makes it anew."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _has(self, commit: str) -> bool:
        if not (self.folder / ".git").is_dir():
            return False
        found = ask_git(self.folder, "cat-file", "-e", f"{commit}^{{tree}}")
        return found is not None and found.code == 0

    def _made(self) -> None:
        """The mirror is there, at least empty, and whole as far as git itself looks."""
        git = self.folder / ".git"
        if (git / "HEAD").is_file() and (git / "objects").is_dir() and (git / "refs").is_dir():
            return
        self.forget()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = f"{str(self.folder)!r} cannot be made: {error.strerror}"
            raise GitTrouble(said, remedy="name another folder with --state") from error
        self.network.ask(self.folder, "init", "--quiet", "--bare", "--template=", ".git")

    def _tidy(self) -> None:
        """Take away what a fetch that broke off left, and join the packs of many fetches."""
        packs = self.folder / ".git" / "objects" / "pack"
        try:
            names = os.listdir(packs)
            for name in names:
                if name.startswith("tmp_"):
                    (packs / name).unlink(missing_ok=True)
        except OSError:
            return
        if sum(name.endswith(".pack") for name in names) > PACKS:
            self.network.ask(self.folder, "gc", "--quiet", "--prune=now")
