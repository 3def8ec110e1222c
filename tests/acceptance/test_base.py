"""`plan --base`: what a pull request changes, with no target and no secret at hand."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from .conftest import ROOT, Shell

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
    assert "to what ${OTHER} says" in text
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
    short = subprocess.check_output(
        ["git", "rev-parse", "--short=7", "HEAD"], text=True, cwd=pull_request.folder
    ).strip()
    assert refused.err.startswith(f"jobs.d/zz.yaml@{short}:2:")
    assert f"jobs.d at HEAD ({short})" in refused.err


def commit(folder: Path) -> None:
    git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-C", str(folder)]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "change"], check=True)


def test_the_first_pull_request_of_all_has_nothing_to_compare_with(pull_request):
    folder = pull_request.folder
    (folder / "jobs.d/zz.yaml").unlink()
    (folder / "jobs.d").rename(folder / "more")
    (folder / "interact-gitops.yaml").unlink()
    commit(folder)
    (folder / "more").rename(folder / "jobs.d")
    plan = pull_request("plan", "--base", "HEAD", "--format", "json").json
    Draft202012Validator(json.loads((ROOT / "schema/plan.schema.json").read_text())).validate(plan)
    assert {change["action"] for change in plan["changes"]} == {"create"}
    (note,) = plan["notes"]
    assert note.startswith("the commit HEAD (")
    assert note.endswith("has no folder 'jobs.d': every job is new")
    assert note in pull_request("plan", "--base", "HEAD").out


def test_the_base_has_its_own_configuration(pull_request):
    """Its folder, its variables; and what is wrong with it is said with the commit."""
    folder = pull_request.folder
    commit(folder)
    (folder / "jobs.d").rename(folder / "defs")
    (folder / "interact-gitops.yaml").write_text(
        "definitions: defs\n" + NO_SECRETS.replace('" (staging)"', '" (stage)"').replace("WEBHOOK", "OTHER")
    )
    text = pull_request("plan", "--base", "HEAD", "--target", "staging").out
    assert "Plan: 0 to create, 1 to update, 0 to delete" in text
    assert "Added (staging)" in text
    assert "Added (stage)" in text
    commit(folder)
    (folder / "interact-gitops.yaml").write_text("definitons: defs\n")
    commit(folder)
    (folder / "interact-gitops.yaml").write_text("definitions: defs\n" + NO_SECRETS)
    refused = pull_request("plan", "--base", "HEAD", "--target", "staging", expect=1)
    short = subprocess.check_output(["git", "rev-parse", "--short=7", "HEAD"], cwd=folder, text=True).strip()
    assert f"interact-gitops.yaml@{short}:1:1: unknown field 'definitons'" in refused.err


def test_a_rename_is_a_move_and_protection_holds(pull_request):
    folder = pull_request.folder
    zz = folder / "jobs.d/zz.yaml"
    kept = folder / "jobs.d/kept.yaml"
    kept.write_text(zz.read_text().replace("zz", "kept") + "protect: true\n")
    commit(folder)
    kept.unlink()
    zz.rename(folder / "jobs.d/yy.yaml")
    (folder / "jobs.d/yy.yaml").write_text(
        (folder / "jobs.d/yy.yaml").read_text().replace("key: zz", "key: yy\nmoved_from: [zz]")
    )
    done = pull_request("plan", "--base", "HEAD", "--target", "staging", "--format", "json").json
    assert [(c["action"], c["key"], c["reason"]) for c in done["changes"]] == [
        ("move", "yy", None), ("refused", "kept", "its file is gone, but the job is protected"),
    ]  # fmt: skip
    moved = pull_request("plan", "--base", "HEAD", "--target", "staging", "--select", "yy", "--format", "json").json
    assert [(c["action"], c["key"]) for c in moved["changes"]] == [("move", "yy")]
