"""What is said at GitHub is said once: found again on any page, edited in place, and nobody else's text is touched."""

from __future__ import annotations

from typing import Any

import pytest

from interact_gitops.errors import Failure, Refused
from interact_gitops.github.api import GitHub, github_of
from interact_gitops.github.posts import (
    Report,
    artifact_of,
    keep_comment,
    keep_issue,
    pull_request_of,
    say_status,
    status_of,
)

from .github_api import BOT, TOKEN, Api

MARK = "<!-- interact-gitops:plan 0123456789abcdef -->"


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def github(api: Api, naps: list[float]) -> GitHub:
    return GitHub(api=api.url, repository="acme/jobs", token=TOKEN, sleep=naps.append)


def test_the_comment_is_found_on_any_page(github: GitHub, api: Api) -> None:
    api.per_page = 5
    for number in range(23):
        api.comments.setdefault(7, []).append(
            {"id": number, "body": f"talk {number}", "user": {"login": "ada", "type": "User"}}
        )
    assert keep_comment(github, 7, MARK, f"{MARK}\none") == "made"
    assert keep_comment(github, 7, MARK, f"{MARK}\ntwo") == "edited"
    assert keep_comment(github, 7, MARK, f"{MARK}\ntwo") == "left"
    assert [one["body"] for one in api.comments[7] if MARK in one["body"]] == [f"{MARK}\ntwo"]
    assert len(api.comments[7]) == 24


def test_a_marker_that_somebody_copied_is_not_ours(github: GitHub, api: Api) -> None:
    theirs = {"id": 1, "body": f"{MARK}\nI said this", "user": {"login": "mallory", "type": "User"}}
    api.comments[7] = [theirs]
    assert keep_comment(github, 7, MARK, f"{MARK}\nplan") == "made"
    assert api.comments[7][0]["body"] == f"{MARK}\nI said this"


def test_one_issue_and_no_pull_request_is_one(github: GitHub, api: Api) -> None:
    api.per_page = 2
    api.issues += [
        {"number": n, "state": "open", "title": "t", "body": MARK, "user": BOT, "pull_request": {}} for n in range(5)
    ]
    report = Report(title="Drift", body=f"{MARK}\na", needed=True)
    assert keep_issue(github, MARK, report) == "made"
    assert keep_issue(github, MARK, report) == "left"
    assert keep_issue(github, MARK, Report(title="Drift", body=f"{MARK}\nb", needed=True)) == "edited"
    assert keep_issue(github, MARK, Report(title="Drift", body=f"{MARK}\nclean", needed=False)) == "closed"
    assert keep_issue(github, MARK, Report(title="Drift", body=f"{MARK}\nclean", needed=False)) == "nothing"
    assert keep_issue(github, MARK, report) == "made", "a closed one stays closed"
    assert len(api.issues) == 7


@pytest.mark.parametrize(
    ("status", "headers", "nap"),
    [(429, {"Retry-After": "3"}, 3.0), (403, {"Retry-After": "9999"}, 60.0), (403, {"x-ratelimit-remaining": "0"}, 2.0),
     (500, {}, 2.0), (502, {"Retry-After": "x"}, 2.0)],
)  # fmt: skip
def test_limits_go_by(
    github: GitHub, api: Api, naps: list[float], status: int, headers: dict[str, str], nap: float
) -> None:
    api.trouble.append((status, headers))
    say_status(github, "a" * 40, context="c", state="success", description="x" * 500, url=None)
    assert naps == [nap]
    assert len(api.statuses) == 1
    assert len(api.statuses[0][1]["description"]) == 140


def test_limits_that_stay_are_a_line(github: GitHub, api: Api, naps: list[float]) -> None:
    api.trouble += [(429, {})] * 10
    with pytest.raises(Failure, match="429 You have exceeded a secondary rate limit"):
        say_status(github, "a" * 40, context="c", state="success", description="x", url=None)
    assert len(naps) == 3


def test_a_token_that_may_not_is_a_line_with_its_remedy(github: GitHub, api: Api) -> None:
    api.trouble.append((403, {}))
    with pytest.raises(Failure) as caught:
        keep_comment(github, 7, MARK, MARK)
    assert "GitHub refuses GET /repos/acme/jobs/issues/7/comments: 403" in str(caught.value)
    assert "a fork's pull request can only read" in str(caught.value)
    other = GitHub(api=api.url, repository="acme/jobs", token="wrong")  # not a token
    with pytest.raises(Failure, match="401 Bad credentials"):
        pull_request_of(other, "a" * 40)


def test_what_is_too_long_is_refused_there_and_said_here(github: GitHub) -> None:
    with pytest.raises(Failure, match="422 Validation Failed"):
        keep_comment(github, 7, MARK, MARK + "x" * 70_000)


def test_the_pull_request_is_the_open_one_with_this_head(github: GitHub, api: Api) -> None:
    api.per_page = 2
    for number in range(6):
        api.pull(number, str(number) * 40)
    assert pull_request_of(github, "5" * 40) == 5
    assert pull_request_of(github, "9" * 40) is None
    api.pulls[5]["state"] = "closed"
    assert pull_request_of(github, "5" * 40) is None


def test_an_artifact_is_fetched_without_the_token(github: GitHub, api: Api, tmp_path: Any) -> None:
    (tmp_path / "plan.json").write_text("{}")
    api.keep(5, "other", tmp_path / "plan.json")
    api.keep(5, "interact-plan", tmp_path / "plan.json")
    found = artifact_of(github, 5, "interact-plan")
    assert found is not None
    assert found[:2] == b"PK"
    assert artifact_of(github, 6, "interact-plan") is None


def test_nobody_is_there() -> None:
    nobody = GitHub(api="http://127.0.0.1:9", repository="acme/jobs", token=TOKEN, sleep=lambda _seconds: None)
    with pytest.raises(Failure, match="GitHub does not answer"):
        pull_request_of(nobody, "a" * 40)


def ended(result: str, **outputs: str) -> dict[str, Any]:
    return {"result": result, "outputs": outputs}


@pytest.mark.parametrize(
    ("needs", "state", "words"),
    [
        ({"plan": ended("success", summary="no changes"), "apply": ended("skipped")}, "success", "no changes"),
        ({"plan": ended("success"), "apply": ended("success", summary="3 done")}, "success", "3 done"),
        ({"plan": ended("failure"), "apply": ended("skipped")}, "failure", "plan failed"),
        ({"plan": {"result": "success"}, "apply": {"result": "cancelled"}}, "error", "apply was cancelled"),
        ({}, "success", "nothing to do"),
    ],
)  # fmt: skip
def test_what_became_of_the_jobs(needs: dict[str, Any], state: str, words: str) -> None:
    assert status_of(needs) == (state, words)


@pytest.mark.parametrize("environ", [{}, {"GITHUB_TOKEN": "t"}, {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "../x/y"}])
def test_outside_of_a_workflow(environ: dict[str, str]) -> None:
    with pytest.raises(Refused):
        github_of(environ)
