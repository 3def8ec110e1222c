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
    assert shell("validate", "--format", "github").out == ""


def test_a_broken_configuration_is_annotated_too(repository):
    (repository / "interact-gitops.yaml").write_text("definitons: jobs.d\n")
    done = Shell(repository)("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error file=interact-gitops.yaml,line=1,col=1,title=unknown-field::")


def test_outside_of_git_paths_start_where_the_configuration_is(shell, repository):
    shutil.copytree(repository / "jobs.d", shell.folder / "elsewhere/jobs.d")
    (shell.folder / "elsewhere/jobs.d/bad.yaml").write_text("key: bad\n")
    done = Shell(shell.folder / "elsewhere")("validate", "--format", "github", expect=1)
    assert done.out.startswith("::error file=jobs.d/bad.yaml,")
