"""A commit read as files: what is in it, what leads out of it, and what cannot be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from interact_gitops.errors import Failure
from interact_gitops.gitops import revision as module
from interact_gitops.gitops.checkout import read_checkout
from interact_gitops.gitops.program import ask_git
from interact_gitops.gitops.revision import read_revision
from interact_gitops.jobs.source import MAX_BYTES
from interact_gitops.jobs.tree import SourceFile, read_tree

GIT = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "protocol.file.allow=always"]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "team/jobs.d/deep").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "team/jobs.d/a.yaml").write_bytes(b"key: a\n")
    (folder / "team/jobs.d/deep/\xc3\xa4 b.yml").write_bytes(b"key: b\r\n")
    (folder / "team/jobs.d/.hidden.yaml").write_bytes(b"x")
    (folder / "team/jobs.d/notes.md").write_bytes(b"x")
    (folder / "outside.yaml").write_bytes(b"secret: 1\n")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "change")


def read(folder: Path, named: str = "HEAD", path: str = "jobs.d"):
    files, problems = read_revision(folder / "team", named).tree(path)
    return {str(file.path): file.raw for file in files}, [(p.position.file, p.message) for p in problems]


def test_the_same_files_as_on_disk(repository):
    found, problems = read(repository)
    on_disk, _ = read_tree(repository / "team/jobs.d", shown="jobs.d")
    assert found == {str(file.path): file.raw for file in on_disk}
    assert problems == []
    shown = {file.shown for file in read_revision(repository / "team", "HEAD").tree("./jobs.d/")[0]}
    assert shown == {file.shown for file in on_disk}


def test_earlier_commits_branches_and_tags(repository):
    git(repository, "tag", "v1")
    git(repository, "branch", "base")
    (repository / "team/jobs.d/a.yaml").write_bytes(b"key: changed\n")
    commit(repository)
    full = subprocess.check_output(["git", "rev-parse", "v1"], cwd=repository, text=True).strip()
    for named in ("HEAD~1", "v1", "base", full, full[:9], "main^"):
        assert read(repository, named)[0]["a.yaml"] == b"key: a\n"
        assert read_revision(repository, named).commit == full
    assert read_revision(repository, "v1").short == full[:7]


def test_a_file_by_its_path_from_the_folder(repository):
    revision = read_revision(repository / "team", "HEAD")
    assert revision.file("jobs.d/a.yaml") == b"key: a\n"
    assert revision.file("../outside.yaml") == b"secret: 1\n"
    assert revision.file("none.yaml") is None


def test_a_link_at_a_file_is_followed_inside_the_commit(repository):
    os.symlink("../outside.yaml", repository / "team/config.yaml")
    os.symlink("../../elsewhere.yaml", repository / "team/out.yaml")
    commit(repository)
    revision = read_revision(repository / "team", "HEAD")
    assert revision.file("config.yaml") == b"secret: 1\n"
    with pytest.raises(Failure, match=r"'out\.yaml' at .* is a link that leads to no file of the commit"):
        revision.file("out.yaml")
    assert revision.file("no.yaml") is None


def test_links_inside_are_followed_and_others_are_problems(repository):
    jobs = repository / "team/jobs.d"
    os.symlink("a.yaml", jobs / "same.yaml")
    os.symlink("same.yaml", jobs / "deep-same.yaml")
    os.symlink("../../outside.yaml", jobs / "out.yaml")
    os.symlink("/etc/passwd", jobs / "passwd.yaml")
    os.symlink("loop.yaml", jobs / "loop.yaml")
    os.symlink("nowhere.yaml", jobs / "nowhere.yaml")
    commit(repository)
    found, problems = read(repository)
    assert found["same.yaml"] == found["deep-same.yaml"] == b"key: a\n"
    said = "this link leads to no file of the definitions tree"
    assert problems == [(f"jobs.d/{name}.yaml", said) for name in ("loop", "nowhere", "out", "passwd")]


def test_a_submodule_is_a_problem(repository, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other)
    git(repository, "submodule", "--quiet", "add", str(other), "team/jobs.d/sub")
    commit(repository)
    _, problems = read(repository)
    assert problems == [("jobs.d/sub", "this is a submodule: its files are another repository's")]


def test_a_huge_file_is_not_read(repository, monkeypatch):
    (repository / "team/jobs.d/huge.yaml").write_bytes(b"#" * (MAX_BYTES + 2))
    commit(repository)
    asked: list[list[str]] = []
    real = module._contents
    monkeypatch.setattr(module, "_contents", lambda folder, oids: asked.append(oids) or real(folder, oids))
    found, _ = read(repository)
    assert len(found["huge.yaml"]) == MAX_BYTES + 1
    assert [len(oids) for oids in asked] == [2]


@pytest.mark.parametrize("named", ["", "--upload-pack=touch PWN", "-h", "a\nb", "HEAD\0"])
def test_what_is_no_name_is_refused_before_git_sees_it(repository, named, monkeypatch):
    monkeypatch.setattr(module, "ask_git", None)
    with pytest.raises(Failure, match="names no commit"):
        read_revision(repository, named)


@pytest.mark.parametrize("named", ["nope", "HEAD~9", "HEAD:team", "$(touch PWN)", "main..main"])
def test_an_unknown_commit_is_one_line(repository, named):
    with pytest.raises(Failure) as failure:
        read_revision(repository, named)
    assert failure.value.message == f"there is no commit {named!r} in this clone"
    assert "git fetch" in failure.value.remedy
    assert not (repository / "PWN").exists()


def test_a_shallow_clone_says_so(repository, tmp_path):
    commit(repository)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    with pytest.raises(Failure) as failure:
        read_revision(tmp_path / "shallow", "HEAD~1")
    assert "--unshallow" in failure.value.remedy


def test_a_clone_that_lacks_objects_fetches_nothing(repository, tmp_path):
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository}", "partial")
    with pytest.raises(Failure, match=r"lacks the object|git cannot read"):
        read_revision(tmp_path / "partial", "HEAD").tree("team/jobs.d")


def test_the_folder_itself_may_be_a_link(repository):
    os.symlink("team/jobs.d", repository / "linked")
    os.symlink("../linked", repository / "team/again")
    os.symlink("../..", repository / "team/out")
    os.symlink("loop", repository / "team/loop")
    commit(repository)
    on_disk, _ = read_tree(repository / "team/again", shown="again")
    files, problems = read_revision(repository / "team", "HEAD").tree("again")
    assert [(file.path, file.shown, file.raw) for file in files] == [(f.path, f.shown, f.raw) for f in on_disk]
    assert problems == []
    revision = read_revision(repository / "team", "HEAD")
    assert (revision.has("again"), revision.has("out"), revision.has("loop")) == (True, False, False)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_what_is_at_hand_is_not_asked_for_again(tmp_path, monkeypatch, kind):
    git(tmp_path, "init", "-q", f"--object-format={kind}")
    (tmp_path / "a.yaml").write_bytes(b"key: a\n")
    (tmp_path / "b.yaml").write_bytes(b"key: b\n")
    commit(tmp_path)
    asked: list[int] = []
    real = module._contents
    monkeypatch.setattr(module, "_contents", lambda folder, oids: asked.append(len(oids)) or real(folder, oids))
    the_same = SourceFile(path=PurePosixPath("a.yaml"), shown="a.yaml", raw=b"key: a\n")
    changed = SourceFile(path=PurePosixPath("b.yaml"), shown="b.yaml", raw=b"key: other\n")
    files, _ = read_revision(tmp_path, "HEAD").tree(".", at_hand=[the_same, changed])
    assert [file.raw for file in files] == [b"key: a\n", b"key: b\n"]
    assert files[0] is the_same
    assert asked == [1]
    moved = SourceFile(path=PurePosixPath("c.yaml"), shown="c.yaml", raw=b"key: a\n")
    shown_alike = SourceFile(path=PurePosixPath("\x61.yaml"), shown="b.yaml", raw=b"key: b\n")
    files, _ = read_revision(tmp_path, "HEAD").tree(".", at_hand=[moved, shown_alike])
    assert [(str(file.path), file.shown, file.raw) for file in files] == [
        ("a.yaml", "a.yaml", b"key: a\n"), ("b.yaml", "b.yaml", b"key: b\n"),
    ]  # fmt: skip
    assert asked == [1, 0]


def test_names_are_shown_as_on_disk(repository):
    for name in (b"\xff.yaml", b"a\x1b[2J.yaml", "é\u202e.yaml".encode()):
        Path(os.fsdecode(bytes(repository / "team/jobs.d") + b"/" + name)).write_bytes(b"key: x\n")
    commit(repository)
    shown = [file.shown for file in read_revision(repository / "team", "HEAD").tree("jobs.d")[0]]
    assert sorted(shown) == sorted(file.shown for file in read_tree(repository / "team/jobs.d", shown="jobs.d")[0])
    assert all(name.isprintable() for name in shown)


def test_no_such_folder_and_one_outside(repository):
    revision = read_revision(repository / "team", "HEAD")
    assert (revision.has("none"), revision.has("jobs.d"), revision.has("job"), revision.has("..")) == (
        False, True, False, True,
    )  # fmt: skip
    assert revision.tree("none") == ([], [])
    for outside in ("../..", "/etc"):
        with pytest.raises(Failure, match="is not in the git repository"):
            revision.tree(outside)
    assert {str(file.path) for file in revision.tree("..")[0]} >= {"outside.yaml", "team/jobs.d/a.yaml"}


def test_no_repository_and_no_git(tmp_path, monkeypatch):
    with pytest.raises(Failure, match="is not in a git repository"):
        read_revision(tmp_path, "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_git(tmp_path, "version") is None
    with pytest.raises(Failure, match="there is no git program"):
        read_revision(tmp_path, "HEAD")


def test_a_hook_s_variables_name_no_other_repository(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert read_revision(repository, "HEAD").commit


def test_a_repository_that_git_declines_is_not_taken_for_none(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr("interact_gitops.gitops.program._OF_THE_MACHINE", re.compile(""))  # let that one through
    with pytest.raises(Failure) as failure:
        read_revision(repository / "team", "HEAD")
    assert failure.value.message.startswith(f"git does not read the repository {str(repository)!r}: detected dubious")
    assert failure.value.remedy.endswith(f"git config --global --add safe.directory {repository}")
    # As a container says that it trusts what is mounted into it.
    for name, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", "*")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert read_revision(repository / "team", "HEAD").below == "team"


def test_a_broken_repository_is_not_taken_for_none(repository):
    (repository / ".git/config").write_text("[core\n")
    with pytest.raises(Failure, match=r"git does not read the repository '.*': bad config line 1") as failure:
        read_revision(repository, "HEAD")
    assert failure.value.remedy == "check it with `git status`"


def test_only_what_git_says_of_the_machine_goes_along(tmp_path, monkeypatch):
    """A git of our own writes down what it is given."""
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin/git"
    spy.write_text("#!/bin/sh\n/usr/bin/env | /usr/bin/sort\n")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_TRACE", "GIT_CONFIG_PARAMETERS",
                 "GIT_CONFIG", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT"):  # fmt: skip
        monkeypatch.setenv(name, "0")
    said = ask_git(tmp_path, "version").out.decode()
    given = {line.partition("=")[0] for line in said.splitlines() if line.startswith("GIT_")}
    assert given == {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT", "GIT_NO_LAZY_FETCH", "GIT_TERMINAL_PROMPT",
                     "GIT_OPTIONAL_LOCKS"}  # fmt: skip


def test_git_is_not_waited_for_without_end(tmp_path, monkeypatch):
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("interact_gitops.gitops.program.LONGEST", 0.2)
    with pytest.raises(Failure, match=r"git version gave no answer within 0.2 s"):
        ask_git(tmp_path, "version")


def test_committed_files_that_look_like_a_repository_are_none(repository, tmp_path):
    fake = repository / "team"
    evil = tmp_path / "evil"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(evil))
    for name in ("HEAD", "config", "packed-refs", "objects", "refs"):
        copy = shutil.copytree if (evil / name).is_dir() else shutil.copy
        copy(evil / name, fake / name)
    (fake / "refs/keep").write_text("")
    (fake / "jobs.d/a.yaml").write_bytes(b"key: real\n")
    commit(repository)
    assert read(repository, "HEAD")[0]["a.yaml"] == b"key: real\n"
    assert read_checkout(fake).top == repository.resolve()
