"""Whether a commit is signed by somebody we trust.

Exit codes and git's one-letter verdict decide, never text: git prints `Good "git" signature` for a key that nobody
trusts. Which kind of signature counts is the operator's choice, so the other kind is given nobody to trust.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from interact_gitops.errors import Failure
from interact_gitops.gitops.network import run_limited

Kind = Literal["ssh", "gpg"]
_SECONDS = 30.0
_VERDICTS = {
    "N": "it is not signed",
    "B": "its signature is bad: the commit was altered, or another key made it",
    "U": "its key is not among the trusted ones",
    "X": "its signature has expired",
    "Y": "its key had expired",
    "R": "its key was revoked",
    "E": "its key is not known, or its signature cannot be checked here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which signatures are demanded: `ssh` with a file of allowed signers, `gpg` with a keyring's folder (or ours)."""

    kind: Kind
    allowed_signers: Path | None = None
    keyring: Path | None = None

    @property
    def version(self) -> str:
        """What changes when the allowed signers do. Raises Failure where they cannot be read."""
        if self.allowed_signers is None:
            return self.kind
        try:
            return f"{self.kind} {hashlib.sha256(self.allowed_signers.read_bytes()).hexdigest()}"
        except OSError as error:
            said = f"the allowed signers {str(self.allowed_signers)!r} cannot be read: {error.strerror}"
            raise Failure(said, remedy="check --allowed-signers") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A verdict: `good`, by whom as the trusted list names them, or why not."""

    good: bool
    signer: str | None = None
    why: str | None = None


def verify(folder: Path, commit: str, trust: Trust) -> Signature:
    """The verdict on a commit of the mirror in `folder`. Raises Failure where nobody can be asked."""
    _ = trust.version  # a file that went away must not pass for one that trusts nobody
    with tempfile.TemporaryDirectory(prefix="interact-gitops-") as nobody:
        keyring = trust.keyring or Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
        variables = {"GNUPGHOME": str(keyring) if trust.kind == "gpg" else nobody}
        signers = str(trust.allowed_signers) if trust.kind == "ssh" else os.devnull
        setting = ("-c", f"gpg.ssh.allowedSignersFile={signers}")
        checked = _ask(folder, variables, *setting, "verify-commit", "--end-of-options", commit)
        shown = _ask(
            folder, variables, *setting, "show", "--no-patch", "--format=%G?%x00%GS", "--end-of-options", commit
        )
    verdict, _, signer = shown[1].decode("utf-8", "replace").strip().partition("\0")
    if checked[0] == 0 and shown[0] == 0 and verdict == "G":
        return Signature(good=True, signer=signer[:200] or None)
    return Signature(good=False, why=_VERDICTS.get(verdict, "its signature cannot be checked"))


def _ask(folder: Path, variables: dict[str, str], *arguments: str) -> tuple[int, bytes, str]:
    said = run_limited(folder, arguments, variables, seconds=_SECONDS, most_bytes=1 << 26)
    if said is None:
        raise Failure("the signature could not be checked: git gave no answer", remedy="look at gpg or ssh-keygen here")
    return said
