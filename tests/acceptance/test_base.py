"""`plan --base`: what a pull request changes, with no target and no secret at hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import Shell

NO_SECRETS = """\
targets:
  staging: {url: "https://staging.example.com", organization: "${ORG}", api_key: "${KEY}", variables: {suffix: " (staging)"}}
  production: {url: "https://example.com", organization: "${ORG}", api_key: "${KEY}", variables: {suffix: ""}}
channels:
  ops: {type: slack, url: "${WEBHOOK}"}
"""  # noqa: E501 - as people write it


@pytest.fixture
def pull_request(repository) -> Shell:
    """A repository without a target, in which a pull request edits, adds, renames and deletes."""
    git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-C", str(repository)]
    (repository / "interact-gitops.yaml").write_text(NO_SECRETS)
    for arguments in (["add", "-A"], ["commit", "-q", "-m", "targets"], ["branch", "base"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    edited = _file_of(repository, "account-overview")
    edited.write_text(edited.read_text().replace("\nname: ", "\nname: New ", 1))
    (repository / "jobs.d/zz.yaml").write_text(
        'key: zz\nname: "Added${var.suffix}"\nagent: paid-search-analyst\nprompt: What?\n'
    )
    (repository / "interact-gitops.yaml").write_text(NO_SECRETS.replace("${WEBHOOK}", "${OTHER}"))
    return Shell(repository)


def _file_of(folder: Path, key: str) -> Path:
    return next(file for file in folder.glob("jobs.d/**/*.yaml") if f"key: {key}\n" in file.read_text())


def changes(shell: Shell, *arguments: str) -> list[tuple[str, str]]:
    found = shell("plan", "--base", "base", "--format", "json", *arguments).json["changes"]
    return [(change["action"], change["key"]) for change in found]


def test_no_target_and_no_secret_is_needed(pull_request):
    done = changes(pull_request, "--target", "staging")
    assert ("create", "zz") in done
    assert ("update", "ops") in done
    assert len(done) == 3
    text = pull_request("plan", "--base", "base", "--target", "staging").out
    assert "Added (staging)" in text
    assert "never shown" in text
    assert "OTHER" not in text
    production = pull_request("plan", "--base", "base", "--target", "production").out
    assert "Added (staging)" not in production


def test_which_target_is_meant_has_to_be_said(pull_request):
    refused = pull_request("plan", "--base", "base", expect=1)
    assert "2 targets and no default_target" in refused.err


def test_a_selection_names_what_is_new_or_gone(pull_request):
    (pull_request.folder / "jobs.d/zz.yaml").unlink()
    _file_of(pull_request.folder, "account-overview").unlink()
    found = changes(pull_request, "--target", "staging", "--select", "account-overview")
    assert found == [("delete", "account-overview")]
    assert changes(pull_request, "--target", "staging", "--select", "channel:ops") == [("update", "ops")]
    assert pull_request("plan", "--base", "base", "--target", "staging", "--select", "nope", expect=1).err


def test_exit_codes_and_the_comment(pull_request):
    assert pull_request("plan", "--base", "base", "--target", "staging", "--detailed-exitcode", expect=2)
    assert "No changes. The definitions are the same" in pull_request(
        "plan", "--base", "base", "--target", "staging", "--detailed-exitcode", "--select", "monday-*",
    ).out  # fmt: skip
    first = pull_request("plan", "--base", "base", "--target", "staging", "--format", "markdown").out
    again = pull_request("plan", "--base", "HEAD", "--target", "staging", "--format", "markdown").out
    assert first.splitlines()[0] == again.splitlines()[0]  # one comment, whatever the base
    assert "no target was asked" in first


def test_a_plan_between_trees_cannot_be_saved_or_adopt(pull_request):
    for options in (("--out", "plan.json"), ("--adopt", "zz")):
        refused = pull_request("plan", "--base", "base", "--target", "staging", *options, expect=1)
        assert "cannot be applied" in refused.err
    assert not (pull_request.folder / "plan.json").exists()


def test_a_broken_base_is_told_with_its_commit(pull_request):
    (pull_request.folder / "jobs.d/zz.yaml").write_text("key: zz\n  name: broken\n")
    git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-C", str(pull_request.folder)]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "broken"], check=True)
    (pull_request.folder / "jobs.d/zz.yaml").unlink()
    refused = pull_request("plan", "--base", "HEAD", "--target", "staging", expect=1)
    assert "jobs.d at HEAD (" in refused.err
