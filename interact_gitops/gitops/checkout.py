"""What git knows of a folder: its commit, whether files differ from it, and where it was cloned from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SCP = re.compile(r"^[^/@]*@?[^/:]+:(?P<path>[^/].*)$")
_URL = re.compile(r"^[a-z+]+://[^/]*/(?P<path>.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A work tree: its top folder, the head commit (None before the first), the remote's path."""

    top: Path
    commit: str | None
    remote_path: str | None


def read_checkout(folder: Path) -> Checkout | None:
    """The checkout that holds `folder`; None outside a git work tree or without git."""
    from git import Repo
    from git.exc import GitError, ODBError

    try:
        with Repo(folder, search_parent_directories=True) as repository:
            if repository.working_tree_dir is None:
                return None
            commit = repository.head.commit.hexsha if repository.head.is_valid() else None
            remotes = {remote.name: remote for remote in repository.remotes}
            remote = remotes.get("origin") or next(iter(remotes.values()), None)
            path = remote_path(next(iter(remote.urls))) if remote else None
            return Checkout(top=Path(repository.working_tree_dir), commit=commit, remote_path=path)
    except (GitError, ODBError, OSError, ValueError):
        return None


def remote_path(url: str) -> str | None:
    """`acme/jobs` of `git@host:acme/jobs.git`, `https://user@host/acme/jobs` or a local path."""
    match = _URL.match(url) or _SCP.match(url)
    path = (match.group("path") if match else url).strip("/").removesuffix(".git").rstrip("/")
    clean = re.sub(r"[^A-Za-z0-9._/-]", "-", path)
    return clean or None
