"""The tree on disk: what is read, what is left out, what is never followed."""

import os

import pytest

from interact_gitops.errors import Failure
from interact_gitops.jobs.source import MAX_BYTES
from interact_gitops.jobs.tree import read_tree


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "jobs.d"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "b.yaml").write_text("b")
    (folder / "deep" / "er" / "a.YML").write_text("a")
    return folder


def lines(problems):
    return [str(problem) for problem in problems]


def test_files_below_the_folder_sorted(tree):
    for name in ("notes.md", ".hidden.yaml", "a.yaml.bak"):
        (tree / name).write_text("not read")
    (tree / ".git").mkdir()
    (tree / ".git" / "x.yaml").write_text("not read")
    (tree / "folder.yaml").mkdir()
    files, problems = read_tree(tree, shown="jobs.d")
    assert [(str(f.path), f.shown, f.raw) for f in files] == [
        ("b.yaml", "jobs.d/b.yaml", b"b"), ("deep/er/a.YML", "jobs.d/deep/er/a.YML", b"a"),
    ]  # fmt: skip
    assert problems == []


def test_a_folder_that_is_not_there_is_not_an_empty_one(tmp_path):
    with pytest.raises(Failure, match="is not there"):
        read_tree(tmp_path / "jobs.d")


def test_links(tree, tmp_path):
    (tmp_path / "secret.yaml").write_text("s")
    (tmp_path / "outside").mkdir()
    (tree / "escape.yaml").symlink_to("../secret.yaml")
    (tree / "absolute.yaml").symlink_to(tmp_path / "secret.yaml")
    (tree / "out").symlink_to("../outside")
    (tree / "again").symlink_to("deep")
    (tree / "loop.yaml").symlink_to("loop.yaml")
    (tree / "nowhere.yaml").symlink_to("gone.yaml")
    (tree / "inside.yaml").symlink_to("b.yaml")
    (tree / "notes").symlink_to("gone")
    files, problems = read_tree(tree, shown="jobs.d")
    assert [str(f.path) for f in files] == ["b.yaml", "deep/er/a.YML", "inside.yaml"]
    said = "\n".join(sorted(lines(problems)))
    loop = "this link leads back to itself [symlink]\n  remove it"
    if "leads nowhere: Too many" in said:  # Python 3.13
        loop = "this link leads nowhere: Too many levels of symbolic links [symlink]\n  mend or remove it"
    assert said == (
        "jobs.d/absolute.yaml:1:1: this link leaves the definitions tree [symlink]\n  copy the file into the tree\n"
        "jobs.d/again:1:1: this link is to a folder [symlink]\n  move the folder there instead\n"
        "jobs.d/escape.yaml:1:1: this link leaves the definitions tree [symlink]\n  copy the file into the tree\n"
        f"jobs.d/loop.yaml:1:1: {loop}\n"
        "jobs.d/nowhere.yaml:1:1: this link leads nowhere: No such file or directory [symlink]\n  mend or remove it\n"
        "jobs.d/out:1:1: this link leaves the definitions tree [symlink]\n  copy the file into the tree"
    )


def test_a_pipe_is_not_waited_for(tree):
    os.mkfifo(tree / "pipe.yaml")
    _, problems = read_tree(tree, shown="jobs.d")
    assert lines(problems) == ["jobs.d/pipe.yaml:1:1: this is not a regular file [unreadable]\n  remove it"]


def test_no_more_than_the_limit_is_read(tree):
    (tree / "b.yaml").write_bytes(b"#" * (MAX_BYTES + 1000))
    files, _ = read_tree(tree)
    assert len(files[0].raw) == MAX_BYTES + 1


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tree, monkeypatch):
    read = os.read
    grown = []

    def grow(file, count):
        if not grown:
            grown.append(file)
            with open(tree / "b.yaml", "ab") as stream:
                stream.write(b"c" * 10)
        return read(file, count)

    monkeypatch.setattr(os, "read", grow)
    files, _ = read_tree(tree)
    assert files[0].raw == b"b" + b"c" * 10


def test_the_folder_that_one_is_in(tree, monkeypatch):
    monkeypatch.chdir(tree)
    files, _ = read_tree(tree, shown=".")
    assert [file.shown for file in files] == ["b.yaml", "deep/er/a.YML"]


def test_what_may_not_be_read(tree, monkeypatch):
    opened = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("b.yaml"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    _, problems = read_tree(tree, shown="jobs.d")
    assert lines(problems) == [
        "jobs.d/b.yaml:1:1: the file cannot be read: Permission denied [unreadable]\n  check its permissions"
    ]


def test_a_folder_that_may_not_be_read_is_a_problem(tree, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    files, problems = read_tree(tree, shown="jobs.d")
    assert [str(f.path) for f in files] == ["b.yaml"]
    assert lines(problems) == [
        "jobs.d/deep:1:1: the folder cannot be read: Permission denied [unreadable]\n  check its permissions"
    ]


def test_names_that_one_file_system_cannot_tell_apart(tree):
    (tree / "B.yaml").write_text("b")
    _, problems = read_tree(tree, shown="jobs.d")
    assert lines(problems) == [
        "jobs.d/b.yaml:1:1: warning: only upper and lower case tell this file from jobs.d/B.yaml: macOS and Windows"
        " keep one of them [name-clash]\n  rename one of them"
    ]


def test_strange_names_are_shown_safely(tree):
    (tree / "new\nline\x1b.yaml").write_text("a")
    with open(os.fsencode(tree) + b"/\xff.yaml", "w") as stream:
        stream.write("a")
    files, _ = read_tree(tree, shown="jobs.d")
    assert {f.shown for f in files} >= {"jobs.d/new\\nline\\x1b.yaml", "jobs.d/\\xff.yaml"}
    for file in files:
        file.shown.encode()
