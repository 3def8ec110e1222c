"""What is said at GitHub and edited in place: one comment under a pull request, one issue, one status of a commit.

Each carries a hidden marker, by which it is found again; only what this token's own user wrote counts, since anybody
may copy the marker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from interact_gitops.errors import Failure
from interact_gitops.github.api import GitHub

LONGEST_STATUS = 140  # characters
BOT = "github-actions[bot]"  # who writes with a workflow's own token

Done = Literal["made", "edited", "left", "closed", "nothing"]


def keep_comment(github: GitHub, number: int, marker: str, body: str) -> Done:
    """The one comment under a pull request says `body`. Raises Failure."""
    for comment in github.pages(f"/issues/{number}/comments"):
        if _ours(comment, marker):
            if comment["body"] == body:
                return "left"
            github.patch(f"/issues/comments/{int(comment['id'])}", {"body": body})
            return "edited"
    github.post(f"/issues/{number}/comments", {"body": body})
    return "made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An issue's text; none is `needed` where nothing is wrong."""

    title: str
    body: str
    needed: bool


def keep_issue(github: GitHub, marker: str, report: Report) -> Done:
    """The one open issue says it, and is closed when nothing is to be said. Raises Failure."""
    found = next((one for one in github.pages("/issues", state="open") if _is_issue(one) and _ours(one, marker)), None)
    if found is None:
        if not report.needed:
            return "nothing"
        github.post("/issues", {"title": report.title, "body": report.body})
        return "made"
    path = f"/issues/{int(found['number'])}"
    if not report.needed:
        github.patch(path, {"state": "closed", "state_reason": "completed", "body": report.body})
        return "closed"
    if (found["title"], found["body"]) == (report.title, report.body):
        return "left"
    github.patch(path, {"title": report.title, "body": report.body})
    return "edited"


def say_status(github: GitHub, sha: str, *, context: str, state: str, description: str, url: str | None) -> None:
    """The status of a commit under a context. Raises Failure."""
    body = {"state": state, "context": context, "description": description[:LONGEST_STATUS]}
    github.post(f"/statuses/{sha}", {**body, **({"target_url": url} if url else {})})


def status_of(needs: Mapping[str, Any]) -> tuple[Literal["success", "failure", "error"], str]:
    """(state, words) of the jobs that a job needs, which is `toJSON(needs)`."""
    results = {name: str(job.get("result", "")) for name, job in needs.items()}
    said = [str(job["outputs"]["summary"]) for job in needs.values() if job.get("outputs", {}).get("summary")]
    failed = [name for name, result in results.items() if result == "failure"]
    stopped = [name for name, result in results.items() if result == "cancelled"]
    if failed:
        return "failure", f"{' and '.join(failed)} failed"
    if stopped:
        return "error", f"{' and '.join(stopped)} was cancelled"
    return "success", said[-1] if said else "nothing to do"


def pull_request_of(github: GitHub, sha: str) -> int | None:
    """The open pull request whose head is a commit; None when it moved on or was closed. Raises Failure."""
    for found in github.pages(f"/commits/{sha}/pulls"):
        if found.get("state") == "open" and found.get("head", {}).get("sha") == sha:
            return int(found["number"])
    # A fork's commits are not of this repository: its pull requests are found by their heads.
    for found in github.pages("/pulls", state="open"):
        if found.get("state") == "open" and found.get("head", {}).get("sha") == sha:
            return int(found["number"])
    return None


def artifact_of(github: GitHub, run: int, name: str) -> bytes | None:
    """The zip of a run's artifact; None when it left none. Raises Failure."""
    for found in github.pages(f"/actions/runs/{run}/artifacts", key="artifacts", name=name):
        if found["name"] == name and not found["expired"]:
            if int(found["size_in_bytes"]) > 20 << 20:
                raise Failure(f"the artifact {name} is larger than 20 MiB")
            return github.download(f"/actions/artifacts/{int(found['id'])}/zip")
    return None


def _is_issue(found: Mapping[str, Any]) -> bool:
    return "pull_request" not in found


def _ours(found: Mapping[str, Any], marker: str) -> bool:
    author = found.get("user") or {}
    return marker in str(found.get("body") or "") and (author.get("login") == BOT or author.get("type") == "Bot")
