"""`validate` for other programs: paths from the repository's top, a clean stdout, the same exit code."""

from __future__ import annotations

import json
import shutil

from .conftest import Shell


def test_annotations_name_files_from_the_top_of_the_repository(repository):
    team = repository / "teams/search"
    shutil.copytree(repository / "jobs.d", team / "jobs.d")
    (team / "jobs.d/bad.yaml").write_text("key: bad\nname: x\nagent: a\npromt: y\n")
    shell = Shell(team)
    done = shell("validate", "--format", "github", expect=1)
    assert done.out.startswith(
        "::error file=teams/search/jobs.d/bad.yaml,line=4,col=1,title=unknown-field::unknown field 'promt'%0Adid you"
    )
    log = json.loads(shell("validate", "--format", "sarif", expect=1).out)
    (result, *_) = log["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "teams/search/jobs.d/bad.yaml"
    (team / "jobs.d/bad.yaml").unlink()
    assert shell("validate", "--format", "github").out == "12 valid jobs in jobs.d: no problem found.\n"


def test_a_broken_configuration_is_annotated_too(repository):
    (repository / "interact-gitops.yaml").write_text("definitons: jobs.d\n")
    done = Shell(repository)("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error file=interact-gitops.yaml,line=1,col=1,title=unknown-field::")


def test_paths_are_the_same_whatever_way_the_folder_is_named(repository):
    team = repository / "team"
    team.mkdir()
    (repository / "jobs.d/bad.yaml").write_text("key: bad\n")
    (team / "broken.yaml").write_text("definitons: jobs.d\n")
    start = "::error file=jobs.d/bad.yaml,line=1,"
    for where, options in (
        (repository, ["--definitions", "./jobs.d/"]),
        (repository, ["--definitions", str(repository / "jobs.d")]),
        (team, ["--definitions", "../jobs.d"]),
    ):
        done = Shell(where)("validate", "--format", "github", *options, expect=1)
        assert done.out.startswith(start), (options, done.out)
    for where, config in ((repository, "team/broken.yaml"), (team, "broken.yaml"), (repository, team / "broken.yaml")):
        done = Shell(where)("validate", "--format", "github", "--config", str(config), expect=1)
        assert done.out.startswith("::error file=team/broken.yaml,line=1,"), (config, done.out)


def test_without_git_a_runner_says_where_the_repository_is(shell, repository):
    """Where there is no git program, `actions/checkout` downloads the files alone."""
    shutil.rmtree(repository / ".git")
    (repository / "jobs.d/bad.yaml").write_text("key: bad\n")
    runner = Shell(repository, {"GITHUB_WORKSPACE": str(shell.folder)})
    done = runner("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error file=repository/jobs.d/bad.yaml,")
    elsewhere = Shell(repository, {"GITHUB_WORKSPACE": str(shell.folder / "other")})
    assert elsewhere("validate", "--format", "github", expect=1).out.startswith("::error file=jobs.d/bad.yaml,")


def test_why_there_is_nothing_to_look_at_is_reported_too(shell):
    done = shell("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error title=interact-gitops::the definitions folder 'jobs.d' is not there%0A")
    (run,) = json.loads(shell("validate", "--format", "sarif", expect=1).out)["runs"]
    assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], False)


def test_columns_count_characters_and_not_bytes(repository):
    (repository / "jobs.d/bad.yaml").write_text('{"key": "é😀", "promt": 1}\n', encoding="utf-8")
    log = json.loads(Shell(repository)("validate", "--format", "sarif", expect=1).out)
    (region,) = [
        result["locations"][0]["physicalLocation"]["region"]
        for result in log["runs"][0]["results"]
        if result["ruleId"] == "unknown-field"
    ]
    assert region == {"startLine": 1, "startColumn": 15}
    assert log["runs"][0]["columnKind"] == "unicodeCodePoints"


def test_outside_of_git_paths_start_where_the_configuration_is(shell, repository):
    shutil.copytree(repository / "jobs.d", shell.folder / "elsewhere/jobs.d")
    (shell.folder / "elsewhere/jobs.d/bad.yaml").write_text("key: bad\n")
    done = Shell(shell.folder / "elsewhere")("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error file=jobs.d/bad.yaml,")
