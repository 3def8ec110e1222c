"""`fmt`: the files on the disk in one layout, and nothing else about them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.cli.saving import save
from interact_gitops.errors import Failure

from .conftest import Shell

Fits = Callable[[str, Any], None]
UNTIDY = "name: 'A'\n# who\nkey: a\nagent: analyst\nprompt: What?   \n"
TIDY = '# who\nkey: a\nname: "A"\nagent: analyst\nprompt: What?\n'


@pytest.fixture
def jobs(shell: Shell) -> Path:
    folder = shell.folder / "jobs.d"
    folder.mkdir()
    (folder / "a.yaml").write_text(UNTIDY)
    (folder / "b.yaml").write_text(TIDY.replace("key: a", "key: b"))
    (folder / "_defaults.yaml").write_text("labels: {team: x}\nowner: us@example.com\n")
    return folder


def test_files_are_formatted_once(shell: Shell, jobs: Path) -> None:
    (jobs / "a.yaml").chmod(0o600)
    assert (
        shell("fmt").out
        == "formatted jobs.d/_defaults.yaml\nformatted jobs.d/a.yaml\n2 files formatted, 1 as they should be.\n"
    )
    assert (jobs / "a.yaml").read_text() == TIDY
    assert (jobs / "a.yaml").stat().st_mode & 0o777 == 0o600
    assert (jobs / "_defaults.yaml").read_text() == "owner: us@example.com\nlabels: {team: x}\n"
    before = {path: path.stat().st_mtime_ns for path in jobs.iterdir()}
    assert shell("fmt").out == "3 as they should be.\n"
    assert {path: path.stat().st_mtime_ns for path in jobs.iterdir()} == before
    assert shell("fmt", "-q").out == ""


def test_check_shows_a_diff_and_writes_nothing(shell: Shell, jobs: Path, fits: Fits) -> None:
    before = {path: path.read_bytes() for path in jobs.iterdir()}
    answer = shell("fmt", "--check", expect=1)
    assert (
        "--- jobs.d/a.yaml\n+++ jobs.d/a.yaml\n@@ -1,5 +1,5 @@\n-name: 'A'\n # who\n key: a\n+name: \"A\"\n"
        in answer.out
    )
    assert answer.out.endswith("2 files would be formatted, 1 as they should be. Nothing was written.\n")
    document = shell("fmt", "--check", "--format", "json", expect=1).json
    fits("fmt", document)
    assert [file["path"] for file in document["changed"]] == ["jobs.d/_defaults.yaml", "jobs.d/a.yaml"]
    assert {path: path.read_bytes() for path in jobs.iterdir()} == before
    shell("fmt", "--format", "json")
    shell("fmt", "--check")


def test_a_file_that_cannot_be_read_is_left_and_the_others_are_not(shell: Shell, jobs: Path, fits: Fits) -> None:
    bad = jobs / "bad.yaml"
    bad.write_text("name: 'x'\nkey: a\nkey: b\n")
    answer = shell("fmt", expect=1)
    assert "jobs.d/bad.yaml:3:1: the key 'key' stands twice, first at jobs.d/bad.yaml:2:1" in answer.err
    assert "they were left as they are" in answer.err
    assert bad.read_text() == "name: 'x'\nkey: a\nkey: b\n"
    assert (jobs / "a.yaml").read_text() == TIDY
    fits("fmt", shell("fmt", "--format", "json", expect=1).json)


def test_only_the_named(shell: Shell, jobs: Path) -> None:
    (jobs / "deep").mkdir()
    (jobs / "deep/c.yaml").write_text(UNTIDY.replace("key: a", "key: c"))
    assert (
        shell("fmt", "jobs.d/deep", "jobs.d/deep/c.yaml").out
        == "formatted jobs.d/deep/c.yaml\n1 file formatted, 0 as they should be.\n"
    )
    assert (jobs / "a.yaml").read_text() == UNTIDY
    shell("fmt", "jobs.d/a.yaml")
    assert (jobs / "a.yaml").read_text() == TIDY
    assert "there is no file or folder 'jobs.d/x.yaml'" in shell("fmt", "jobs.d/x.yaml", expect=1).err
    (shell.folder / "notes.txt").write_text("x")
    assert "'notes.txt' is not a YAML file" in shell("fmt", "notes.txt", expect=1).err
    assert "'nowhere'" in shell("fmt", "--definitions", "nowhere", expect=1).err


def test_a_link_stays_one(shell: Shell, jobs: Path) -> None:
    (jobs / "real").mkdir()
    os.replace(jobs / "a.yaml", jobs / "real/a.yaml")
    (jobs / "a.yaml").symlink_to("real/a.yaml")
    shell("fmt")
    assert (jobs / "a.yaml").is_symlink()
    assert (jobs / "real/a.yaml").read_text() == TIDY


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new/a.yaml"
    save(file, b"one", before=None)
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask()
    with pytest.raises(Failure, match="is there by now"):
        save(file, b"two", before=None)
    with pytest.raises(Failure, match="was changed meanwhile"):
        save(file, b"two", before=b"other")
    save(file, b"two", before=b"one")
    assert file.read_bytes() == b"two"
    with pytest.raises(Failure, match="cannot be written: File exists"):
        save(file / "below.yaml", b"x", before=None)
    with pytest.raises(Failure, match="cannot be written: No such file"):
        save(tmp_path / "gone.yaml", b"x", before=b"y")
    assert [path.name for path in file.parent.iterdir()] == ["a.yaml"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
