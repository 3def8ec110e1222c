"""What the loop made of a commit, said on it at GitHub: a commit status, once for each thing that is said.

Source: GitHub's REST API, "Create a commit status".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from interact_gitops.errors import Refused
from interact_gitops.gitops.address import LOOPBACK
from interact_gitops.gitops.standing import Standing

CONTEXT = "interact-gitops/sync"
LONGEST = 140  # characters, as GitHub takes them
SECONDS = 10.0
_PATH = re.compile(r"/?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+?)(?:\.git)?/?\Z")
_SCP = re.compile(r"(?:[^@/]+@)?([A-Za-z0-9.-]+):(.+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """What is said on a commit."""

    sha: str
    state: Literal["success", "failure", "pending"]
    description: str

    @property
    def identity(self) -> str:
        """The same for the same saying."""
        return f"status:{self.sha}:{self.state}:{self.description}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A repository at GitHub: the address of its API, and a token that may write commit statuses."""

    api: str
    owner: str
    name: str
    token: str = field(repr=False)

    def say(self, status: CommitStatus) -> bool:
        """Say it; whether it is settled: said, or refused for good. False: to be tried again."""
        import httpx

        url = f"{self.api}/repos/{self.owner}/{self.name}/statuses/{status.sha}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json",
                   "X-GitHub-Api-Version": "2022-11-28"}  # fmt: skip
        body = {"state": status.state, "description": status.description, "context": CONTEXT}
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=SECONDS, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        # GitHub's rate limits come as 403, too, and go by.
        limits = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-remaining") == "0"
        later = answer.status_code == 429 or answer.status_code >= 500 or (answer.status_code == 403 and limits)
        return not later


def forge_of(repository: str, token: str, api: str | None) -> Forge | None:
    """The repository of an address, where GitHub serves it; None for any other. `api` names GitHub's API elsewhere.

    Raises Refused for an API that the token would travel to in the clear.
    """
    if api is not None:
        there = urlsplit(api)
        if there.scheme != "https" and (there.scheme != "http" or there.hostname not in LOOPBACK):
            raise Refused("GITHUB_API_URL is not https: the token would travel in the clear", remedy="write https://…")
    if "://" in repository:
        parts = urlsplit(repository)
        host, path = parts.hostname or "", parts.path
    else:
        scp = _SCP.match(repository)
        host, path = (scp.group(1), scp.group(2)) if scp else ("", "")
    named = _PATH.match(path)
    if named is None or (api is None and host != "github.com"):
        return None
    return Forge(api=(api or "https://api.github.com").rstrip("/"), owner=named.group(1), name=named.group(2),
                 token=token)  # fmt: skip


def status_of(standing: Standing) -> CommitStatus | None:
    """What is to be said of the head; None while nothing is known of it."""
    head = standing.head
    if head is None:
        return None
    if standing.problems or (standing.signature or "").startswith("refused"):
        said = standing.problems[0] if standing.problems else standing.health_reason
        more = f" (and {len(standing.problems) - 1} more)" if len(standing.problems) > 1 else ""
        return _status(head.sha, "failure", said, more)
    if standing.hold is not None:
        return _status(head.sha, "pending", standing.hold.reason)
    if standing.applied == head.sha:
        refused = next((item for item in standing.items if item.state == "refused"), None)
        if refused is not None:
            return _status(head.sha, "failure", f"{refused.key}: {refused.reason}")
        return _status(head.sha, "success", f"{standing.jobs} jobs are as this commit says")
    failed = next((item for item in standing.items if item.state == "failed"), None)
    return _status(head.sha, "failure", f"{failed.key}: {failed.reason}") if failed is not None else None


def _status(sha: str, state: Literal["success", "failure", "pending"], said: str, more: str = "") -> CommitStatus:
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    room = LONGEST - len(more)
    return CommitStatus(
        sha=sha, state=state, description=(line if len(line) <= room else line[: room - 1] + "…") + more
    )
