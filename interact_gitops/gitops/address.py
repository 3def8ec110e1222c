"""Where a repository is, and how to be let in. Pure: nothing is asked here.

An address comes from the operator, and still becomes an argument of git, of ssh and of helpers: only forms that
cannot be taken for an option, a command or another protocol are let through.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from interact_gitops.errors import Refused

Protocol = Literal["https", "http", "ssh", "file"]
_SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^-\s][^\s]*\Z")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_BRANCH = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|\Z)|/\.|\A\.))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_FORMS = "write https://HOST/PATH, ssh://HOST/PATH, USER@HOST:PATH, or a folder's absolute path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A repository's address as git is given it, and the one protocol that it needs."""

    url: str
    protocol: Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to be let in: a token for https (a secret), or git's own credential helper; a key file for ssh."""

    token: str | None = field(default=None, repr=False)
    helper: str | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None


def read_address(text: str) -> Address:
    """The address that people wrote. Raises Refused for a form that is not let through, or one with a password."""
    shown = text[:200]
    if not text or not text.isprintable() or any(c.isspace() for c in text) or text.startswith("-"):
        raise Refused(f"{shown!r} is no address of a repository", remedy=_FORMS)
    if text.startswith("/"):
        return Address(url=f"file://{text}", protocol="file")
    if "://" not in text:
        if _SCP.match(text) and "::" not in text and text.partition(":")[0] not in {"file", "ssh", "http", "https"}:
            return Address(url=text, protocol="ssh")
        raise Refused(f"{shown!r} is no address of a repository", remedy=_FORMS)
    try:
        parts = urlsplit(text)
        host, password = parts.hostname, parts.password
    except ValueError as error:
        raise Refused(f"{shown!r} is no address of a repository: {error}", remedy=_FORMS) from None
    if password is not None or (parts.username and parts.scheme != "ssh"):
        # Not shown: the password is in it.
        raise Refused("the repository's address holds a user name or password",
                      remedy="write the address alone; give the token in INTERACT_GITOPS_GIT_TOKEN")  # fmt: skip
    if parts.scheme == "file" and not host and parts.path.startswith("/"):
        return Address(url=text, protocol="file")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise Refused(f"{shown!r} is not encrypted", remedy="use https; http is for this machine alone")
    if parts.scheme not in {"https", "http", "ssh"} or not host or host.startswith("-") or len(parts.path) < 2:
        raise Refused(f"{shown!r} is no address that is followed", remedy=_FORMS)
    if (parts.username or "").startswith("-"):
        raise Refused(f"{shown!r} is no address of a repository", remedy=_FORMS)
    return Address(url=text, protocol=parts.scheme)  # type: ignore[arg-type]  # one of the three, by the test above


def whereabouts(url: str) -> str:
    """Host and path, by which one repository is known however it is reached."""
    if "://" in url:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    else:
        host, _, path = url.rpartition("@")[2].partition(":")
    return f"{host.lower()}/{path.strip('/').removesuffix('.git')}"


def read_branch(name: str) -> str:
    """The full reference of a branch. Raises Refused for a name that git would not give one."""
    if len(name) > 200 or not name.isprintable() or not _BRANCH.match(name):
        raise Refused(f"{name[:100]!r} is no name of a branch", remedy="write it as `git branch` does: main")
    return name if name.startswith("refs/heads/") else f"refs/heads/{name}"


def is_commit(text: str) -> bool:
    """Whether a text is a commit's full hash: nothing shorter names one for good."""
    return _COMMIT.match(text) is not None


def environment(credentials: Credentials, address: Address) -> Mapping[str, str]:
    """Git's variables that let us in. Secrets stand here, never in arguments, which every process can read."""
    settings: dict[str, str] = {}
    if credentials.helper:
        settings["credential.helper"] = credentials.helper
    if credentials.token and address.protocol in {"https", "http"}:
        # GitHub, GitLab and Bitbucket take a token as the password of any user but for GitHub's own apps: this one.
        pair = base64.b64encode(f"x-access-token:{credentials.token}".encode()).decode()
        settings[f"http.{address.url}.extraHeader"] = f"Authorization: Basic {pair}"
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    if address.protocol == "ssh":
        found["GIT_SSH_COMMAND"] = _ssh(credentials)
    return found


def _ssh(credentials: Credentials) -> str:
    """ssh that asks nobody anything, and knows the host or stays away."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15",
             "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=2", "-o", "ForwardAgent=no"]  # fmt: skip
    if credentials.ssh_key is not None:
        words += ["-i", str(credentials.ssh_key), "-o", "IdentitiesOnly=yes"]
    if credentials.known_hosts is not None:
        words += ["-o", f"UserKnownHostsFile={credentials.known_hosts}"]
    return shlex.join(words)
