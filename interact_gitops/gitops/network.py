"""The git program over a network: within a time, a size and a few protocols, and never asking anybody anything.

What another repository says is not trusted: no hook, no submodule, no redirect, no configuration but what stands
here. A command that takes too long is ended with everything that it started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.gitops.address import Address, Credentials, environment
from interact_gitops.programs import run_program

# Of ours only what programs need to be found and to find their way out; git's own variables name other repositories.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR",
         "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "LD_LIBRARY_PATH")  # fmt: skip
_ALONE = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",  # replaced by the one that the address needs
}  # fmt: skip
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "transfer.fsckObjects=true", "fetch.recurseSubmodules=no",
    "submodule.recurse=false", "http.followRedirects=false", "http.lowSpeedLimit=1000", "http.lowSpeedTime=30",
    "gc.auto=0", "maintenance.auto=false", "protocol.version=2", "fetch.writeCommitGraph=false",
)  # fmt: skip
_BLOCK = 512  # bytes, in which POSIX counts `ulimit -f`
# The limit holds for what git starts, too; the arguments are git's, and no part of the script.
_LIMITED = 'ulimit -f "$0" && exec git "$@"'


class GitTrouble(Failure):
    """Git could not do it: the repository is away, does not let us in, or sent too much. `why` is git's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A repository elsewhere. `seconds` bound each command, `most_bytes` each file that it writes."""

    address: Address
    credentials: Credentials = field(default_factory=Credentials)
    seconds: float = 120.0
    most_bytes: int = 1 << 30

    def ask(self, folder: Path, *arguments: str) -> bytes:
        """The output of one git command in `folder`. Raises GitTrouble, whose text holds no secret."""
        variables = environment(self.credentials, self.address)
        said = run_limited(
            folder, arguments, {**variables, "GIT_ALLOW_PROTOCOL": self.address.protocol}, seconds=self.seconds,
            most_bytes=self.most_bytes,
        )  # fmt: skip
        if said is None:
            raise GitTrouble(f"git {arguments[0]} took longer than {self.seconds:g} s and was ended",
                             remedy="look whether the repository's server answers")  # fmt: skip
        code, out, complaint = said
        if code == 0:
            return out
        raise GitTrouble(f"git {arguments[0]} failed: {self._hidden(_cause(complaint, code))}",
                         remedy=_remedy(complaint, self.most_bytes))  # fmt: skip

    def _hidden(self, text: str) -> str:
        token = self.credentials.token
        return text.replace(token, "***") if token else text


def run_limited(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str], *, seconds: float, most_bytes: int
) -> tuple[int, bytes, str] | None:
    """(exit code, output, complaint) of a git command; None when it took too long. Raises GitTrouble without git."""
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    limit = str(most_bytes // _BLOCK)
    try:
        said = run_program(
            ["/bin/sh", "-c", _LIMITED, limit, *settings, *arguments], folder=folder,
            environ={**environ, **_ALONE, **variables}, seconds=seconds,
        )  # fmt: skip
    except OSError as error:
        raise GitTrouble(f"git cannot be run: {error.strerror}", remedy="install git") from error
    return (said.code, said.out, said.complaint) if said is not None else None


def _cause(complaint: str, code: int) -> str:
    """The line that says why, as a terminal and a log can take it."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
    line = (telling or lines or [f"it ended with {code}"])[0]
    return "".join(c if c.isprintable() else " " for c in line.removeprefix("fatal: "))[:300]


def _remedy(complaint: str, most_bytes: int) -> str:
    said = complaint.lower()
    broke_off = "invalid index-pack output" in said or "unpack-objects" in said
    if "file size limit" in said or "died of signal" in said or (broke_off and "early eof" not in said):
        return f"it sends more than {most_bytes // (1 << 20)} MiB at once: keep the jobs in a repository of their own"
    if "authentication" in said or "could not read username" in said or "permission denied" in said or "403" in said:
        return "give a token in INTERACT_GITOPS_GIT_TOKEN, a credential helper, or an ssh key that may read it"
    if "host key verification" in said:
        return "add the server's key to known_hosts"
    if "not found" in said or "does not exist" in said or "does not appear to be a git repository" in said:
        return "check --repo; a private repository that we may not read looks the same"
    return "it is tried again; until then nothing is written"
