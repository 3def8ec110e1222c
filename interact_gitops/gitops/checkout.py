"""What git knows of a folder: its commit, whether files differ from it, and where it was cloned from.

The git program is asked first: two short questions cost a tenth of importing GitPython. What it declines to
answer (a folder of another user, no commit yet, a broken configuration) is GitPython's to read or to explain.
"""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.errors import Failure
from interact_gitops.gitops.program import ask_git, top_of

if TYPE_CHECKING:
    from git import Repo

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*/(?P<path>.+)$")
_SCP = re.compile(r"^(?:[^/@:]+@)?[^/@:]+:(?P<path>.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A work tree: its top folder, the head commit (None before the first), the remote's path."""

    top: Path
    commit: str | None
    remote_path: str | None


def read_checkout(folder: Path) -> Checkout | None:
    """The checkout that holds `folder`; None outside a git work tree or without git.

    Raises Failure for a repository that cannot be read: it must not be taken for none.
    """
    return None if top_of(folder) is None else _asked(folder) or _read(folder)


def _asked(folder: Path) -> Checkout | None:
    """What the git program says of a checkout with a commit; None when it does not say it all."""
    stands = _git(folder, "rev-parse", "--show-toplevel", "HEAD", good=(0,))
    remotes = _git(folder, "config", "--null", "--get-regexp", r"^remote\..*\.url$", good=(0, 1))
    if stands is None or remotes is None:
        return None
    top, _, commit = stands.removesuffix("\n").rpartition("\n")
    urls = dict(line.partition("\n")[::2] for line in remotes.split("\0") if line)
    # As configured: what `insteadOf` makes of it differs from machine to machine.
    url = urls.get("remote.origin.url") or next(iter(urls.values()), "")
    return Checkout(top=Path(top), commit=commit, remote_path=remote_path(url))


def _git(folder: Path, *arguments: str, good: tuple[int, ...]) -> str | None:
    """The output of a git command in `folder`; None unless it ends with a `good` code."""
    said = ask_git(folder, *arguments)
    return os.fsdecode(said.out) if said is not None and said.code in good else None


def _read(folder: Path) -> Checkout | None:
    """What GitPython reads."""
    try:
        from git import Repo
        from git.exc import GitError, InvalidGitRepositoryError, NoSuchPathError, ODBError
    except ImportError:  # GitPython's way to say that there is no git program
        return None
    try:
        with Repo(folder, search_parent_directories=True) as repository:
            if repository.working_tree_dir is None:
                return None
            commit = _head(repository)
            remotes = {remote.name: remote for remote in repository.remotes}
            remote = remotes.get("origin") or next(iter(remotes.values()), None)
            # As configured: what `insteadOf` makes of it differs from machine to machine.
            url = str(remote.config_reader.get_value("url", default="")) if remote else ""
            return Checkout(top=Path(repository.working_tree_dir), commit=commit, remote_path=remote_path(url))
    except (InvalidGitRepositoryError, NoSuchPathError):
        return None
    except (GitError, ODBError, OSError, ValueError, configparser.Error) as error:
        # Not the error's own text: a remote's URL in it may hold a password.
        said = f"the git repository of {str(folder)!r} cannot be read ({type(error).__name__})"
        raise Failure(said, remedy="check it with `git status`, or set managed_by") from error


def _head(repository: Repo) -> str | None:
    """The head commit, out of the references: git shows no objects of a repository that is another user's."""
    try:
        found = repository.head.dereference_recursive(repository, repository.head.path)
    except ValueError:  # a branch before its first commit
        return None
    return str(found) if found else None


def remote_path(url: str) -> str | None:
    """`acme/jobs` of `git@host:acme/jobs.git`, `https://user@host/acme/jobs` or a local path."""
    match = _URL.match(url) or _SCP.match(url)
    path = (match.group("path") if match else url).strip("/").removesuffix(".git").rstrip("/")
    clean = re.sub(r"[^A-Za-z0-9._/-]", "-", path).lstrip("./_-")
    return clean or None
