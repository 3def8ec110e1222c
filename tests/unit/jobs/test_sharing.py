"""A tree loaded beside another: the same jobs and errors as by itself, and only what differs is read."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs import sharing
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.sharing import Known, load_beside
from interact_gitops.jobs.tree import SourceFile

JOB = "key: {key}\nname: Job${{var.suffix}}\nagent: a\nprompt: What?\n"
VARIABLES: dict[str, Any] = {"suffix": ""}


def file(path: str, text: str, shown: str | None = None) -> SourceFile:
    return SourceFile(path=PurePosixPath(path), shown=shown or f"jobs.d/{path}", raw=text.encode())


def job(path: str, key: str, more: str = "", shown: str | None = None) -> SourceFile:
    return file(path, JOB.format(key=key) + more, shown)


def known(*files: SourceFile, variables: dict[str, Any] | None = None) -> Known:
    given = VARIABLES if variables is None else variables
    return Known(files=files, variables=given, definitions=load(files, variables=given).valid("jobs.d"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The paths of each load that happens."""
    loads: list[list[str]] = []

    def noted(files: Any, **options: Any) -> Any:
        listed = list(files)
        loads.append(sorted(str(one.path) for one in listed))
        return load(listed, **options)

    monkeypatch.setattr(sharing, "load", noted)
    return loads


def keys(files: list[SourceFile], there: Known, **variables: Any) -> list[str]:
    loaded = load_beside(files, there, variables={**VARIABLES, **variables})
    assert not loaded.errors
    return [definition.job.key for definition in loaded.definitions]


A, B, C = job("a.yaml", "a"), job("deep/b.yaml", "b"), job("c.yaml", "c")


def test_what_both_have_is_not_read_again(read):
    there = known(A, B)
    assert keys([B, C], there) == ["b", "c"]
    assert read == [["c.yaml"]]
    assert load_beside([B], there, variables=VARIABLES).definitions[0] is there.definitions[1]


def test_what_variables_fill_in_differently_is(read):
    for other in (" (new)", 1, True, 1.0):
        assert keys([A, B], known(A, B, variables={"suffix": 1} if other is True else VARIABLES), suffix=other)
    assert read == [["a.yaml", "deep/b.yaml"]] * 4


@pytest.mark.parametrize("here", ["labels: {team: other}\n", None])
def test_so_is_what_stands_beneath_other_defaults(read, here):
    there = known(A, B, file("deep/_defaults.yaml", "labels: {team: one}\n"))
    files = [A, B] if here is None else [A, B, file("deep/_defaults.yaml", here)]
    assert keys(files, there) == ["a", "b"]
    assert read == [sorted({str(one.path) for one in files} - {"a.yaml"})]


def test_so_are_files_that_are_shown_alike(read):
    there = known(job("x", "a", shown="jobs.d/odd"), job("y", "b", shown="jobs.d/odd"))
    assert keys([job("x", "a"), job("y", "b")], there) == ["a", "b"]
    assert read == [["x", "y"]]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([job("c.yaml", "a")], "the key 'a' is used twice"),
        ([job("c.yaml", "c", "moved_from: [a]\n")], "moved_from names 'a', which is still a job"),
        ([job("c.yaml", "c", "moved_from: [c]\n")], "moved_from names the job's own key"),
        ([job("c.yaml", "c", "moved_from: [z]\n"), job("d.yaml", "d", "moved_from: [z]\n")], "claims too"),
        ([job("c.yaml", "c", "promt: x\n")], "unknown field 'promt'"),
    ],
)
def test_what_is_wrong_is_said_with_every_place(read, more, said):
    files = [A, B, *more]
    loaded = load_beside(files, known(A, B), variables=VARIABLES)
    assert loaded == load(files, variables=VARIABLES)
    assert said in str(loaded.problems[0])
    assert read[-1] == sorted(str(one.path) for one in files)


PLACES = ("a.yaml", "b.yaml", "deep/c.yaml", "deep/er/d.yaml")
TEXTS = [
    *(JOB.format(key=key) for key in "abc"),
    JOB.format(key="d") + "moved_from: [a]\n",
    JOB.format(key="e") + "moved_from: [a, x]\n---\n" + JOB.format(key="f"),
    JOB.format(key="g") + "promt: x\n",
    "# nothing\n",
]
DEFAULTS = ["labels: {team: one}\n", "labels: {team: two}\n", 'owner: "${var.suffix}"\n']
jobs = st.dictionaries(st.sampled_from(PLACES), st.sampled_from(TEXTS))
defaults = st.dictionaries(st.sampled_from(["_defaults.yaml", "deep/_defaults.yml"]), st.sampled_from(DEFAULTS))
trees = st.builds(lambda one, other: [file(path, text) for path, text in {**one, **other}.items()], jobs, defaults)
variables = st.sampled_from([{"suffix": ""}, {"suffix": "x"}, {"suffix": 1}, {"suffix": True}])


@given(trees, trees, variables, variables)
def test_it_is_as_if_it_were_loaded_by_itself(there, here, before, after):
    loaded = load(there, variables=before)
    sound = [one for one in there if not any(p.position.file == one.shown for p in loaded.errors)]
    loaded = load(sound, variables=before)
    if loaded.errors:
        return
    beside = load_beside(here, Known(files=sound, variables=before, definitions=loaded.definitions), variables=after)
    alone = load(here, variables=after)
    assert beside.errors == alone.errors
    if not alone.errors:
        assert repr([d.job for d in beside.definitions]) == repr([d.job for d in alone.definitions])
