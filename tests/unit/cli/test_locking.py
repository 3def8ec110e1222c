"""Who holds a lock, as others read it."""

from __future__ import annotations

import getpass
import os
import socket

import pytest

from interact_gitops.cli.locking import holder


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"GITHUB_RUN_ID": "17", "GITHUB_REPOSITORY": "acme/jobs", "GITHUB_ACTOR": "ada"},
            "https://github.com/acme/jobs/actions/runs/17 (ada)",
        ),
        (
            {"GITHUB_RUN_ID": "17", "GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://git.example.com"},
            "https://git.example.com/a/b/actions/runs/17",
        ),
        ({"CI_JOB_URL": "https://gitlab.example.com/a/b/-/jobs/5"}, "https://gitlab.example.com/a/b/-/jobs/5"),
        ({"BUILD_URL": "https://ci.example.com/job/a/5/"}, "https://ci.example.com/job/a/5/"),
        ({"BUILD_URL": "https://ci.example.com/\x1b[31m\n" + "x" * 400},
         "https://ci.example.com/?[31m?" + "x" * 271),
    ],
)  # fmt: skip
def test_a_ci_run_is_named_by_its_page(environ: dict[str, str], said: str) -> None:
    assert holder(environ) == said
    assert len(holder(environ)) <= 300


def test_elsewhere_it_is_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(socket, "gethostname", lambda: "build-7")
    assert holder({}) == f"ada@build-7 (process {os.getpid()})"
    assert holder({"GITHUB_RUN_ID": "", "BUILD_URL": ""}) == f"ada@build-7 (process {os.getpid()})"


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def nobody() -> str:
        raise error("uid 1000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert holder({}).startswith(f"user {os.getuid()}@")
