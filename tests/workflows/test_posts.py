"""What is said at GitHub is said once: found again on any page, edited in place, and nobody else's text is touched."""

from __future__ import annotations

from typing import Any

import pytest

from interact_gitops.errors import Failure, Refused
from interact_gitops.github.api import GitHub, github_of
from interact_gitops.github.posts import (
    Head,
    Report,
    artifacts_of,
    changed_files,
    head_of,
    keep_comment,
    keep_issue,
    pull_requests_of,
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
    return GitHub(api=api.url, graphql=f"{api.url}/graphql", repository="acme/jobs", token=TOKEN, sleep=naps.append)


def head(sha: str, *, repository: int = 9, owner: str = "fork", branch: str = "change") -> Head:
    return Head(repository=repository, owner=owner, branch=branch, sha=sha)


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


@pytest.mark.parametrize("login", ["helper[bot]", "github-actions", "GitHub-Actions[bot] "])
def test_a_marker_that_another_bot_quotes_is_not_ours(github: GitHub, api: Api, login: str) -> None:
    api.comments[7] = [{"id": 1, "body": MARK, "user": {"login": login, "type": "Bot"}},
                       {"id": 2, "body": f"> {MARK}\n> said", "user": BOT}]  # fmt: skip
    assert keep_comment(github, 7, MARK, f"{MARK}\nplan") == "made"
    assert [one["id"] for one in api.comments[7]][:2] == [1, 2]
    assert keep_comment(github, 7, MARK, f"{MARK}\nplan") == "left"


def test_an_app_of_somebody_finds_its_own_comment(github: GitHub, api: Api) -> None:
    """Not only the workflow's own token writes."""
    api.login = "acme-jobs[bot]"
    api.comments[7] = [{"id": 1, "body": MARK, "user": {"login": "acme-jobs[bot]", "type": "Bot"}}]
    assert keep_comment(github, 7, MARK, f"{MARK}\nplan") == "edited"


def test_a_comment_is_only_corrected_where_there_is_one(github: GitHub, api: Api) -> None:
    assert keep_comment(github, 7, MARK, f"{MARK}\nnone", begin=False) == "nothing"
    assert not api.comments[7]


def test_what_was_closed_by_hand_stays_closed_until_there_is_more(github: GitHub, api: Api) -> None:
    report = Report(title="Drift", body=f"{MARK}\na", needed=True)
    assert keep_issue(github, MARK, report) == "made"
    api.issues[0]["state"] = "closed"
    assert keep_issue(github, MARK, report) == "left"
    assert len(api.issues) == 1
    assert keep_issue(github, MARK, Report(title="Drift", body=f"{MARK}\nb", needed=True)) == "made"
    assert [one["state"] for one in api.issues] == ["closed", "open"]


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
     (500, {}, 2.0), (502, {"Retry-After": "x"}, 2.0), (429, {"Retry-After": "9" * 400}, 2.0),
     (403, {"x-ratelimit-remaining": "4980"}, 2.0)],
)  # fmt: skip
def test_limits_go_by(
    github: GitHub, api: Api, naps: list[float], status: int, headers: dict[str, str], nap: float
) -> None:
    api.trouble.append((status, headers))
    say_status(github, "a" * 40, context="c", state="success", description="x" * 500, url=None)
    assert naps == [nap]
    assert len(api.statuses) == 1
    assert len(api.statuses[0][1]["description"]) == 140


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_was_made_though_its_answer_was_lost_is_not_made_twice(
    github: GitHub, api: Api, naps: list[float], status: int
) -> None:
    for keep in (
        lambda body: keep_comment(github, 7, MARK, body),
        lambda body: keep_issue(github, MARK, Report(title="Drift", body=body, needed=True)),
    ):
        api.lost.append(status)
        with pytest.raises(Failure, match=f"GitHub refuses POST .*: {status}") as caught:
            keep(f"{MARK}\na")
        assert "what was made all the same is found" in str(caught.value.remedy)
        assert keep(f"{MARK}\nb") == "edited"
    assert (len(api.comments[7]), len(api.issues), naps) == (1, 1, [])


def test_a_list_without_an_end_is_a_line(github: GitHub, api: Api) -> None:
    api.per_page = 1
    api.issues += [{"number": n, "state": "open", "title": "t", "body": "x", "user": BOT} for n in range(60)]
    with pytest.raises(Failure, match="has more than 50 pages"):
        keep_issue(github, MARK, Report(title="Drift", body=MARK, needed=True))
    assert len(api.issues) == 60


def test_a_status_in_plain_characters(github: GitHub, api: Api) -> None:
    say_status(github, "a" * 40, context="c", state="success", description="é🥾x", url=None)
    assert api.statuses[0][1]["description"] == "é\ufffdx"


def test_limits_that_stay_are_a_line(github: GitHub, api: Api, naps: list[float]) -> None:
    api.trouble += [(429, {})] * 10
    with pytest.raises(Failure, match="429 You have exceeded a secondary rate limit"):
        say_status(github, "a" * 40, context="c", state="success", description="x", url=None)
    assert len(naps) == 3


def test_a_token_that_may_not_is_a_line_with_its_remedy(github: GitHub, api: Api) -> None:
    api.trouble.append((403, {}))
    with pytest.raises(Failure) as caught:
        keep_comment(github, 7, MARK, MARK)
    assert "GitHub refuses POST /graphql: 403" in str(caught.value)
    assert "a fork's pull request can only read" in str(caught.value)
    other = GitHub(api=api.url, graphql=api.url, repository="acme/jobs", token="wrong")  # not a token
    with pytest.raises(Failure, match="401 Bad credentials"):
        pull_requests_of(other, head("a" * 40))


def test_what_is_too_long_is_refused_there_and_said_here(github: GitHub) -> None:
    with pytest.raises(Failure, match="422 Validation Failed"):
        keep_comment(github, 7, MARK, f"{MARK}\n" + "x" * 70_000)
    keep_comment(github, 7, MARK, f"{MARK}\nshort")
    with pytest.raises(Failure, match="422 Validation Failed"):
        keep_comment(github, 7, MARK, f"{MARK}\n" + "x" * 70_000)


def test_the_pull_request_is_the_open_one_with_this_head(github: GitHub, api: Api) -> None:
    api.per_page = 2
    for number in range(6):
        api.pull(number, str(number) * 40)
    assert pull_requests_of(github, head("5" * 40)) == [5]
    assert pull_requests_of(github, head("9" * 40)) == []
    api.pulls[5]["state"] = "closed"
    assert pull_requests_of(github, head("5" * 40)) == []


def test_a_pull_request_with_somebody_elses_commit_is_another(github: GitHub, api: Api) -> None:
    api.pull(3, "a" * 40, repository=66, owner="eve")
    api.pull(4, "a" * 40, repository=67)  # an organisation's second fork
    api.pull(5, "a" * 40, branch="other")
    api.pull(7, "a" * 40)
    assert pull_requests_of(github, head("a" * 40)) == [7]


def test_the_files_that_it_changes(github: GitHub, api: Api) -> None:
    api.per_page = 2
    api.files[7] = [{"filename": "a"}, {"filename": "b", "previous_filename": ".github/x"}, {"filename": "c"}]
    assert changed_files(github, 7) == ["a", "b", ".github/x", "c"]
    assert changed_files(github, 8) == []


def test_a_branch_that_is_not_there(github: GitHub) -> None:
    with pytest.raises(Failure, match="404"):
        head_of(github, "refs/heads/a b")


def test_an_artifact_is_fetched_without_the_token(github: GitHub, api: Api, tmp_path: Any) -> None:
    (tmp_path / "plan.json").write_text("{}")
    api.keep(5, "other", tmp_path / "plan.json")
    api.keep(5, "interact-plan-7", tmp_path / "plan.json")
    left = artifacts_of(github, 5, "interact-plan-")
    assert list(left) == ["7"]
    assert github.download(f"/actions/artifacts/{left['7']}/zip")[:2] == b"PK"
    assert artifacts_of(github, 6, "interact-plan-") == {}


def test_nobody_is_there() -> None:
    nobody = GitHub(api="http://127.0.0.1:9", graphql="http://127.0.0.1:9", repository="acme/jobs", token=TOKEN,
                    sleep=lambda _seconds: None)  # fmt: skip
    with pytest.raises(Failure, match="GitHub does not answer"):
        pull_requests_of(nobody, head("a" * 40))


@pytest.mark.parametrize("answer", [b"<html>", b"[1]", b'{"message": "x"}', b"null", b"\xff", b"[" * 200_000])
def test_an_answer_that_is_none(github: GitHub, api: Api, answer: bytes) -> None:
    api.odd = answer
    with pytest.raises(Failure, match=r"GitHub (answered with something else|does not say whose)"):
        keep_comment(github, 7, MARK, f"{MARK}\nplan")
    with pytest.raises(Failure, match="GitHub answered with something else"):
        changed_files(github, 7)
    with pytest.raises(Failure, match=r"GitHub (answered|refuses)"):
        head_of(github, "refs/heads/main")


@pytest.mark.parametrize("number", ["x", None, [], {"a": 1}, float("inf")])
def test_an_entry_that_is_none(github: GitHub, api: Api, number: object) -> None:
    api.pull(7, "a" * 40)
    api.pulls[0]["number"] = number
    api.artifacts[5] = []
    for body in (b'{"artifacts": [{"id": 1}]}', b'{"artifacts": [{"name": "interact-plan-7", "id": []}]}'):
        api.odd = None
        with pytest.raises(Failure, match="GitHub answered with something else than was asked for"):
            pull_requests_of(github, head("a" * 40))
        api.odd = body
        with pytest.raises(Failure, match="GitHub answered with something else than was asked for"):
            artifacts_of(github, 5, "interact-plan-")


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"object": null}', b'{"object": {"sha": null}}', b'{"object": 5}'])
def test_a_head_that_is_none(github: GitHub, api: Api, answer: bytes) -> None:
    api.odd = answer
    with pytest.raises(Failure, match="GitHub answered with something else than was asked for"):
        head_of(github, "refs/heads/main")


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
        ({"plan": ended("failure", summary="held")}, "failure", "plan failed: held"),
        ({"plan": ended("success", summary="1"), "apply": ended("failure")}, "failure", "apply failed"),
        ({"plan": None, "apply": [], "c": {"result": "success", "outputs": None}}, "success", "nothing to do"),
    ],
)  # fmt: skip
def test_what_became_of_the_jobs(needs: dict[str, Any], state: str, words: str) -> None:
    assert status_of(needs) == (state, words)


@pytest.mark.parametrize("environ", [{}, {"GITHUB_TOKEN": "t"}, {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "../x/y"}])
def test_outside_of_a_workflow(environ: dict[str, str]) -> None:
    with pytest.raises(Refused):
        github_of(environ)
