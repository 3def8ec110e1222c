"""The last good commit as the runner's source of definitions, whatever the branch is at meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from interact_gitops.errors import Failure
from interact_gitops.gitops.commits import Commits
from interact_gitops.jobs.model import Definition


class LastGood:
    """What `commits` has in force; a `runner.defined.Source`. The loop's thread changes it, and any may read."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    def version(self) -> object:
        """See `Source`: the commit."""
        good = self._commits.in_force
        return good.commit if good is not None else None

    def read(self) -> tuple[Sequence[Definition], str | None]:
        """See `Source`. Raises Failure as long as no commit could be used."""
        good = self._commits.in_force
        if good is None:
            raise Failure("no commit of the branch could be used yet", remedy="see `interact-gitops status`")
        return good.definitions, good.commit
