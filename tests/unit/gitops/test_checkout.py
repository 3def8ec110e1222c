"""What the git program says of a checkout is what GitPython reads; and what it does not say, GitPython does."""

import re
import subprocess
import sys

import pytest

from interact_gitops.gitops import checkout
from interact_gitops.gitops.checkout import read_checkout


@pytest.fixture
def repository(tmp_path):
    """A repository with a commit, and a way to run git in it."""
    folder = tmp_path / "repo"
    folder.mkdir()

    def git(*arguments, cwd=folder):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first")
    return folder, git


def alike(folder):
    """Both readings of a checkout, which have to be one."""
    asked, read = checkout._asked(folder), checkout._read(folder)
    assert asked == read
    return asked


def test_a_plain_clone(repository):
    folder, git = repository
    assert alike(folder).commit == git("rev-parse", "HEAD")
    git("remote", "add", "upstream", "https://example.com/acme/upstream.git")
    git("remote", "add", "other", "https://example.com/acme/other.git")
    assert alike(folder).remote_path == "acme/upstream"
    git("remote", "add", "origin", "git@example.com:acme/jobs.git")
    git("config", "url.https://mirror.example.com/.insteadOf", "git@example.com:")
    assert alike(folder).remote_path == "acme/jobs"
    (folder / "deep" / "er").mkdir(parents=True)
    assert alike(folder / "deep" / "er").top == folder


def test_packed_refs_a_detached_head_and_a_work_tree(repository, tmp_path):
    folder, git = repository
    git("pack-refs", "--all")
    first = alike(folder)
    git("checkout", "-q", "--detach")
    assert alike(folder) == first
    git("worktree", "add", "-q", str(tmp_path / "beside"))
    beside = alike(tmp_path / "beside")
    assert (beside.top, beside.commit) == (tmp_path / "beside", first.commit)


def test_the_repository_of_a_hook_is_not_taken_for_the_folders_own(repository, tmp_path, monkeypatch):
    folder, git = repository
    git("init", "-q", str(tmp_path / "hooked"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "hooked"))
    assert checkout._asked(folder).top == folder


def test_before_the_first_commit_the_library_is_asked(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert checkout._asked(tmp_path) is None
    assert read_checkout(tmp_path).commit is None


def test_what_the_program_declines_to_say_the_library_reads(repository, monkeypatch):
    folder, git = repository
    commit = git("rev-parse", "HEAD")
    monkeypatch.setattr(checkout, "_git", lambda *_arguments, good: None)  # as for a folder of another user
    assert read_checkout(folder).commit == commit


def test_a_folder_of_another_user_still_has_its_commit(repository, monkeypatch):
    """Git shows none of its objects; the references say enough."""
    folder, git = repository
    commit = git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr("interact_gitops.gitops.program._OF_THE_MACHINE", re.compile(""))
    assert checkout._asked(folder) is None
    assert read_checkout(folder).commit == commit
    with pytest.raises(subprocess.CalledProcessError):
        git("pack-refs", "--all")
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    git("pack-refs", "--all")
    git("checkout", "-q", "--detach")
    assert checkout._read(folder).commit == commit


def test_without_the_program_nothing_is_said(repository, monkeypatch):
    folder, _ = repository
    monkeypatch.setenv("PATH", str(folder))
    assert checkout._asked(folder) is None


def test_outside_a_checkout_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "_git", None)
    monkeypatch.setitem(sys.modules, "git", None)
    assert read_checkout(tmp_path) is None
    assert read_checkout(tmp_path / "absent") is None
