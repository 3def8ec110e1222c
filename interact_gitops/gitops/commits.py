"""The commits of a branch as what they want: fetched, verified, loaded. The last good one stays in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interact_gitops.errors import Failure, ProblemsFound
from interact_gitops.gitops.desired import Desired, Read
from interact_gitops.gitops.signing import Trust, verify
from interact_gitops.gitops.source import Commit, GitSource

MOST_PROBLEMS = 20


@dataclass(slots=True)
class Commits:
    """What was read of a branch. `head` is the commit that was looked at last, with its signature and its problems;
    `desired` the last good one."""

    source: GitSource
    read: Read
    trust: Trust | None
    head: Commit | None = None
    signature: str | None = None
    problems: tuple[str, ...] = ()
    desired: Desired | None = None
    _recalled: Desired | None = None  # the last good one of an earlier process, which nobody looked at since
    _trusted: tuple[str, str] | None = None  # the commit that was verified, and by which list
    _bad: tuple[str, Failure] | None = None  # the commit that could not be used, and why: it is not read again

    def take(
        self, sha: str, *, applied: str | None, managed_by: str, taken: Mapping[str, str]
    ) -> tuple[Desired | None, Desired]:
        """(the good commit before this one, as far as it is known, this one). Raises Failure; nothing changes then.

        `applied` is the commit that was written last, and `managed_by` the mark that it wrote; `taken` are the marks
        that other repositories keep.
        """
        if self._bad is not None and self._bad[0] != sha:
            self._bad, self.problems = None, ()
        try:
            self.source.fetch(sha)
            self.head = self.source.commit(sha)
        except Failure:
            if not self.source.is_sound():
                self.source.forget()  # the mirror is damaged: it is made anew at the next pass
            raise
        self._verify(self.head)
        if self.desired is not None and self.desired.commit == sha:
            return self.desired, self.desired
        if self._bad is not None:
            raise self._bad[1]
        before = self.desired or self._written(applied)
        try:
            revision = self.source.read(sha)
        except Failure:
            self.source.forget()  # the mirror is damaged: it is made anew
            raise
        try:
            desired = self.read(revision, before)
            _demand_same_owner(managed_by, desired)
            _demand_free(desired.managed_by, taken)
        except Failure as failure:
            found = failure.problems if isinstance(failure, ProblemsFound) else ()
            self.problems = tuple(str(problem) for problem in found[:MOST_PROBLEMS])
            self._bad = (sha, failure)
            raise
        self.source.keep(sha)
        self.desired, self.problems = desired, ()
        return before, desired

    @property
    def in_force(self) -> Desired | None:
        """What the runner works from: the last good commit, of an earlier process where this one has none yet."""
        return self.desired or self._recalled

    def recall(self) -> None:
        """Remember the last good commit from the mirror, so that a restart while the repository is away, or while its
        head cannot be used, leaves it in force. It was verified when it was kept."""
        kept = self.source.kept()
        self._recalled = self._written(kept) if kept is not None else None

    def is_current(self, sha: str) -> bool:
        """Whether a commit is the last good one, and trusted by those who count now. Raises Failure."""
        return self.desired is not None and self.desired.commit == sha and self._trusted == self._trusted_now(sha)

    @property
    def refused(self) -> bool:
        """Whether the commit that was looked at last is of no use, however often it is looked at."""
        return self._bad is not None

    def _written(self, applied: str | None) -> Desired | None:
        """The commit that was written last, from the mirror: what a restart compares with."""
        if applied is None or not self.source.has(applied):
            return None
        try:
            return self.read(self.source.read(applied), None)
        except Failure:  # what an older program took, or with other variables: everything is compared then
            return None

    def _verify(self, commit: Commit) -> None:
        if self.trust is None or self._trusted == self._trusted_now(commit.sha):
            return
        verdict = verify(self.source.folder, commit.sha, self.trust)
        if not verdict.good:
            self.signature = f"refused: {verdict.why}"
            raise Failure(
                f"the commit {commit.short} is not trusted: {verdict.why}",
                remedy="sign it with an allowed key; nothing of it is written",
            )
        self._trusted = self._trusted_now(commit.sha)
        self.signature = f"good, by {verdict.signer or 'a trusted key'}"

    def _trusted_now(self, sha: str) -> tuple[str, str] | None:
        return (sha, self.trust.version) if self.trust is not None else None


def _demand_same_owner(before: str, desired: Desired) -> None:
    """With another mark, everything that was made under the one before would be left behind, owned by nobody."""
    if before and before != desired.managed_by:
        said = f"the commit changes managed_by from {before!r} to {desired.managed_by!r}"
        raise Failure(said, remedy="change it back; or hand the jobs over first and remove the state folder")


def _demand_free(mark: str, taken: Mapping[str, str]) -> None:
    """A first commit that named the mark of another repository would take its jobs over, and delete the rest."""
    if mark in taken:
        said = f"the jobs of {mark!r} are kept by the sync of {taken[mark]}"
        remedy = "give this repository a managed_by of its own; or stop that one, and start this with --managed-by MARK"
        raise Failure(said, remedy=remedy)
