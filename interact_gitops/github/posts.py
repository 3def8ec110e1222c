"""What is said at GitHub and edited in place: one comment under a pull request, one issue, one status of a commit.

Each begins with a hidden marker, by which it is found again; only what this token's own user wrote counts, since
anybody may copy the marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from interact_gitops.errors import Failure
from interact_gitops.github.api import GitHub

LONGEST_STATUS = 140  # characters
SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
MOST_FILES = 3_000  # of a pull request that GitHub lists

Done = Literal["made", "edited", "left", "closed", "nothing"]


@contextmanager
def _understood() -> Iterator[None]:
    """What GitHub's answers do not have, or have in another shape, is a Failure."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        said = f"GitHub answered with something else than was asked for: {type(error).__name__}"
        raise Failure(said, remedy="check GITHUB_API_URL") from error


@_understood()
def keep_comment(github: GitHub, number: int, marker: str, body: str, *, begin: bool = True) -> Done:
    """The one comment under a pull request says `body`, which begins with `marker`; with `begin` false only where there
    is one. Raises Failure."""
    login = github.login()
    for comment in github.pages(f"/issues/{number}/comments"):
        if _ours(comment, marker, login):
            if comment["body"] == body:
                return "left"
            github.patch(f"/issues/comments/{int(comment['id'])}", {"body": body})
            return "edited"
    if not begin:
        return "nothing"
    github.post(f"/issues/{number}/comments", {"body": body}, once=True)
    return "made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An issue's text; none is `needed` where nothing is wrong."""

    title: str
    body: str
    needed: bool


@_understood()
def keep_issue(github: GitHub, marker: str, report: Report) -> Done:
    """The one issue says it, and is closed when nothing is to be said. Raises Failure.

    What somebody closed by hand stays closed until there is something else to say.
    """
    login = github.login()
    ours = [
        one
        for one in github.pages("/issues", state="all", creator=login)
        if _is_issue(one) and _ours(one, marker, login)
    ]
    found = next((one for one in ours if one["state"] == "open"), None)
    if found is None:
        if not report.needed:
            return "nothing"
        if ours and max(ours, key=lambda one: int(one["number"]))["body"] == report.body:
            return "left"
        github.post("/issues", {"title": report.title, "body": report.body}, once=True)
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
    # "description doesn't accept 4-byte Unicode", says GitHub of the others.
    plain = re.sub("[^\x00-\uffff]", "\ufffd", description)
    body = {"state": state, "context": context, "description": plain[:LONGEST_STATUS]}
    github.post(f"/statuses/{sha}", {**body, **({"target_url": url} if url else {})})


def status_of(needs: Mapping[str, Any]) -> tuple[Literal["success", "failure", "error"], str]:
    """(state, words) of the jobs that a job needs, which is `toJSON(needs)`."""
    results = {name: str(_map(job).get("result", "")) for name, job in needs.items()}
    said = {name: str(_map(_map(job).get("outputs")).get("summary") or "") for name, job in needs.items()}
    failed = [name for name, result in results.items() if result == "failure"]
    stopped = [name for name, result in results.items() if result == "cancelled"]
    if failed:
        why = "; ".join(said[name] for name in failed if said[name])
        return "failure", f"{' and '.join(failed)} failed" + (f": {why}" if why else "")
    if stopped:
        return "error", f"{' and '.join(stopped)} was cancelled"
    return "success", next((words for words in reversed(said.values()) if words), "nothing to do")


@_understood()
def head_of(github: GitHub, ref: str) -> str:
    """The commit at which a branch is, named in full (`refs/heads/main`). Raises Failure."""
    found = str(github.get(f"/git/ref/{quote(ref.removeprefix('refs/'))}")["object"]["sha"])
    if not SHA.fullmatch(found):
        raise ValueError(found)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the commits of a pull request are: a repository's id, its owner, a branch there, and the commit."""

    repository: int
    owner: str
    branch: str
    sha: str


@_understood()
def pull_requests_of(github: GitHub, head: Head) -> list[int]:
    """The open pull requests whose head is this commit of this branch of this repository; none when it moved on or was
    closed. Raises Failure.

    The commit alone says nothing: anybody may open another pull request with somebody else's commit.
    """
    there = github.pages("/pulls", state="open", head=f"{head.owner}:{head.branch}")
    return sorted(int(one["number"]) for one in there if _head(one) == (head.repository, head.branch, head.sha))


@_understood()
def changed_files(github: GitHub, number: int) -> list[str]:
    """The paths that a pull request changes, those before a renaming too; of very many the first MOST_FILES. Raises
    Failure."""
    found = [(one.get("filename"), one.get("previous_filename")) for one in github.pages(f"/pulls/{number}/files")]
    return [str(name) for names in found for name in names if name]


@_understood()
def artifacts_of(github: GitHub, run: int, prefix: str) -> dict[str, int]:
    """(rest of the name → id) of the artifacts that a run left, whose names begin with `prefix`. Raises Failure."""
    listed = github.pages(f"/actions/runs/{run}/artifacts", key="artifacts")
    return {
        str(one["name"]).removeprefix(prefix): int(one["id"])
        for one in listed if str(one["name"]).startswith(prefix) and not one["expired"]
    }  # fmt: skip


def _is_issue(found: Mapping[str, Any]) -> bool:
    return "pull_request" not in found


def _ours(found: Mapping[str, Any], marker: str, login: str) -> bool:
    """Whoever quotes the marker does not begin with it, and whoever copies it is somebody else."""
    begins = str(found.get("body") or "").partition("\n")[0].strip() == marker
    return begins and (found.get("user") or {}).get("login") == login


def _head(pull: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    head = pull.get("head") or {}
    return (head.get("repo") or {}).get("id"), head.get("ref"), head.get("sha")


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
