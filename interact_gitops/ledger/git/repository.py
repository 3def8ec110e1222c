"""A reference of a repository elsewhere, moved by compare-and-swap: what the git ledger needs of git.

The objects are kept in a bare repository of our own; the user's working tree, branches and index are never touched.
Its remote's settings (credentials, proxies) are taken from the user's repository, where the ledger names a remote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from interact_gitops.ledger.errors import LedgerForeign, LedgerLost, LedgerReadOnly, LedgerUnavailable
from interact_gitops.programs import Said, run_program

REFERENCE = "refs/interact-gitops/ledger"
SECONDS = 60.0  # for one conversation with the remote
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "LC_ALL": "C",
          "GIT_AUTHOR_NAME": "interact-gitops", "GIT_AUTHOR_EMAIL": "runner@interact-gitops.invalid",
          "GIT_COMMITTER_NAME": "interact-gitops", "GIT_COMMITTER_EMAIL": "runner@interact-gitops.invalid"}  # fmt: skip
_SETTINGS = ("core.hooksPath=/dev/null", "gc.auto=0", "maintenance.auto=false", "push.followTags=false",
             "push.gpgSign=false", "push.recurseSubmodules=no", "protocol.version=2",
             "http.lowSpeedLimit=1000", "http.lowSpeedTime=30")  # fmt: skip
# Other git variables name other repositories; these say how git gets out of here.
_KEPT = re.compile(r"(?!GIT_)|GIT_(SSH|SSH_COMMAND|SSL_\w+|CONFIG_(COUNT|KEY_\d+|VALUE_\d+|GLOBAL|SYSTEM|NOSYSTEM))$")
_WANTED = r"^(http|credential|url|core\.sshcommand|ssh)\b"
_OWN_URL = re.compile(r"(?:https?|ssh|file)://|/|[\w.-]+@[\w.-]+:")
Swapped = Literal["won", "lost", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a ledger's reference is, and git's settings for the way there."""

    url: str
    settings: Mapping[str, tuple[str, ...]]


def find_place(named: str, folder: Path) -> Place:
    """The place of `git:REMOTE` or `git:URL`; `folder` is in the repository that has the remote.

    Raises LedgerForeign for a name that leads nowhere.
    """
    if not named or named.startswith("-") or not named.isprintable() or "::" in named:
        raise LedgerForeign(f"git:{named[:60]!r} names no repository", remedy="write git:origin, or git:URL")
    if _OWN_URL.match(named):
        return Place(url=named, settings={})
    environ = {name: value for name, value in os.environ.items() if _KEPT.match(name)}
    found = _local(folder, environ, "remote", "get-url", "--push", named)
    if found is None or found.code:
        said = f"there is no remote {named[:60]!r} in {str(folder)!r}"
        raise LedgerForeign(said, remedy="see `git remote -v`, or name the repository: git:URL")
    listed = _local(folder, environ, "config", "--null", "--get-regexp", _WANTED)
    settings: dict[str, tuple[str, ...]] = {}
    for entry in os.fsdecode(listed.out).split("\0") if listed is not None and listed.code == 0 else ():
        name, found_value, value = entry.partition("\n")
        if found_value:
            settings[name] = (*settings.get(name, ()), value)
    return Place(url=os.fsdecode(found.out).strip(), settings=settings)


def _local(folder: Path, environ: Mapping[str, str], *arguments: str) -> Said | None:
    try:
        return run_program(["git", *arguments], folder=folder, environ={**environ, **_QUIET}, seconds=SECONDS)
    except OSError as error:
        raise LedgerUnavailable(f"git cannot be run: {error.strerror}", remedy="install git") from error


class Moved(Exception):
    """The reference moved meanwhile: look again."""


class Repository:
    """The reference of a place, and a bare repository in `folder` for its objects. For one thread."""

    def __init__(self, place: Place, folder: Path, *, seconds: float = SECONDS) -> None:
        self._place, self._folder, self._seconds = place, folder, seconds
        environ = {name: value for name, value in os.environ.items() if _KEPT.match(name)}
        pairs = [(name, value) for name, values in place.settings.items() for value in values]
        first = int(environ.get("GIT_CONFIG_COUNT") or 0)
        more = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
        # In the environment, not in arguments, which every process can read: the remote's token is among them.
        for number, (name, value) in enumerate(pairs, first):
            more |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        self._environ = {**environ, **_QUIET, **more}
        self._made = False

    @property
    def shown(self) -> str:
        """The place, without a password."""
        return re.sub(r"://[^/@]*@", "://", self._place.url)

    def head(self) -> str | None:
        """The commit that the reference is at; None where there is none yet. Raises LedgerUnavailable."""
        said = self._remote("ls-remote", "--end-of-options", self._place.url, REFERENCE)
        lines = [line.split("\t") for line in os.fsdecode(said.out).splitlines()]
        return next((oid for oid, name in lines if name == REFERENCE), None)

    def files(self, commit: str) -> dict[str, bytes]:
        """The files of a commit, fetched where it is not here.

        Raises Moved when the reference is no longer at it, LedgerUnavailable.
        """
        if self._git("cat-file", "-e", f"{commit}^{{tree}}").code:
            self._remote("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
                         "--end-of-options", self._place.url, f"+{REFERENCE}:refs/ledger/base")  # fmt: skip
            if self._git("cat-file", "-e", f"{commit}^{{tree}}").code:
                raise Moved
        listed = self._must("ls-tree", "-r", "-z", commit)
        names, oids = [], []
        for entry in listed.out.split(b"\0"):
            if entry:
                mode_kind_oid, _, name = entry.partition(b"\t")
                mode, kind, oid = mode_kind_oid.split()
                if kind == b"blob" and mode == b"100644":
                    names.append(os.fsdecode(name))
                    oids.append(oid)
        batch = self._must("cat-file", "--batch", given=b"".join(oid + b"\n" for oid in oids)).out
        return dict(zip(names, _contents(batch), strict=True))

    def commit(self, changes: Mapping[str, bytes | None], *, parent: str | None, nonce: str) -> str:
        """Make a commit of `parent`'s files and the changes (None: gone). Its message tells it from any other."""
        stream = [
            f"commit refs/ledger/{nonce}\nmark :1\ncommitter interact-gitops <runner@interact-gitops.invalid> now\n"
        ]
        message = f"interact-gitops ledger\n\n{nonce}\n"
        parts = [stream[0].encode(), f"data {len(message)}\n{message}\n".encode()]
        if parent is not None:
            parts.append(f"from {parent}\n".encode())
        for name, raw in changes.items():
            parts.append(f"D {name}\n".encode() if raw is None else
                         f"M 100644 inline {name}\ndata {len(raw)}\n".encode() + raw + b"\n")  # fmt: skip
        parts.append(b"\nget-mark :1\ndone\n")
        made = self._must("fast-import", "--quiet", "--done", "--date-format=now", "--force", given=b"".join(parts))
        oid = made.out.decode().strip()
        self._must("update-ref", "refs/ledger/base", oid)
        self._must("update-ref", "-d", f"refs/ledger/{nonce}")
        return oid

    def swap(self, commit: str, *, expected: str | None) -> Swapped:
        """Move the reference from `expected` (None: it is not there) to `commit`. Raises LedgerReadOnly when the
        repository refuses that for good."""
        try:
            said = self._ask(
                "push", "--porcelain", "--no-verify", "--no-follow-tags",
                f"--force-with-lease={REFERENCE}:{expected or ''}", "--end-of-options", self._place.url,
                f"{commit}:{REFERENCE}",
            )  # fmt: skip
        except LedgerLost:
            return "unknown"
        line = next((line for line in os.fsdecode(said.out).splitlines() if line.endswith(f":{REFERENCE}")
                     or f":{REFERENCE}\t" in line), "")  # fmt: skip
        flag = line[:1]
        if flag in {"*", " ", "+"} and said.code == 0:
            return "won"
        if flag == "!":
            if "[rejected]" in line or "cannot lock ref" in line or "failed to update ref" in line:
                return "lost"  # it moved meanwhile
            why = line.rpartition("\t")[2]
            remedy = "let this key push to refs/interact-gitops/*, or use a repository of its own"
            raise LedgerReadOnly(f"{self.shown} refuses the reference {REFERENCE}: {why[:200]}", remedy=remedy)
        if flag == "=":
            return "won"  # an earlier push of this very commit, whose answer was lost
        return "unknown"

    def _remote(self, *arguments: str) -> Said:
        """A conversation with the remote that must succeed. Raises LedgerUnavailable."""
        said = self._ask(*arguments)
        if said.code:
            raise self._away(said)
        return said

    def _ask(self, *arguments: str) -> Said:
        said = self._run(*arguments)
        if said is None:
            raise LedgerLost(f"{self.shown} gave no answer within {self._seconds:g} s", committed="maybe",
                             remedy="look whether the repository's server answers; it is tried again")  # fmt: skip
        return said

    def _away(self, said: Said) -> LedgerUnavailable:
        lines = [line.strip() for line in said.complaint.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
        why = "".join(c if c.isprintable() else " " for c in (telling or ["no reason given"])[0])[:200]
        return LedgerLost(f"the ledger in {self.shown} cannot be reached: {why.replace(self._place.url, self.shown)}",
                          remedy="check the repository, and that this key may read and push it")  # fmt: skip

    def _git(self, *arguments: str, given: bytes | None = None) -> Said:
        """Work on the objects here. Raises LedgerUnavailable where even that takes too long."""
        said = self._run(*arguments, given=given)
        if said is None:
            raise LedgerUnavailable(f"git {arguments[0]} gave no answer in {str(self._folder)!r}",
                                    remedy="check the disk")  # fmt: skip
        return said

    def _must(self, *arguments: str, given: bytes | None = None) -> Said:
        said = self._git(*arguments, given=given)
        if said.code:
            why = (said.complaint.strip().splitlines() or ["no reason given"])[0][:200]
            raise LedgerUnavailable(f"git {arguments[0]} failed in {str(self._folder)!r}: {why}",
                                    remedy="check the disk; the folder may be removed, it is a copy")  # fmt: skip
        return said

    def _run(self, *arguments: str, given: bytes | None = None) -> Said | None:
        try:
            if not self._made:
                self._folder.mkdir(parents=True, exist_ok=True)
                if not (self._folder / "HEAD").exists():
                    run_program(["git", "init", "--quiet", "--bare", "--template=", "."], folder=self._folder,
                                environ=self._environ, seconds=self._seconds)  # fmt: skip
                self._made = True
            settings = [word for setting in _SETTINGS for word in ("-c", setting)]
            return run_program(["git", "--git-dir=.", *settings, *arguments], folder=self._folder,
                               environ=self._environ, seconds=self._seconds, given=given)  # fmt: skip
        except OSError as error:
            raise LedgerUnavailable(f"git cannot work in {str(self._folder)!r}: {error.strerror}",
                                    remedy="install git, and check the disk") from error  # fmt: skip


def _contents(batch: bytes) -> list[bytes]:
    """The objects in an answer of `cat-file --batch`."""
    found, at = [], 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        size = int(batch[at:end].split()[2])
        found.append(batch[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found
