"""fmt: one layout, the same meaning, every comment."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.writing import formatting
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.formatting import format_file, meaning
from interact_gitops.jobs.writing.parts import Text

from .conftest import JOBS, read, wire
from .layouts import Writer

CHANCE = st.integers(0, 2**64).map(Random)


def formatted(text: str) -> str:
    made = format_file("a.yaml", text.encode())
    assert not made.problems, made.problems
    return made.raw.decode()


@given(st.lists(JOBS, min_size=1, max_size=2), CHANCE)
def test_any_layout_becomes_one_that_stays(jobs: list[Job], chance: Random) -> None:
    writer = Writer(chance, shuffle=True)
    text = writer.file(*(new_document(job, {}) for job in jobs))
    made = formatted(text)
    assert formatted(made) == made
    for number in range(len(jobs)):
        assert wire(read(made, number=number)) == wire(read(text, number=number))
    assert meaning(read_documents("a", made.encode())[0]) == meaning(read_documents("a", text.encode())[0])
    assert sorted(Text(made).comments()) == sorted(Text(text).comments())
    assert len(Text(made).comments()) == writer.count


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("name: B\nkey: a\n", "key: a\nname: B\n", id="order"),
        pytest.param(
            "# top\n\nname: B # n\n# of key\nkey: a # k\n# end\n",
            "# top\n\n# of key\nkey: a # k\nname: B # n\n# end\n",
            id="comments go with their field, those at the top and the end stay",
        ),
        pytest.param(
            "name: B\n\nkey: a\n\n\nagent: x\n", "key: a\n\nname: B\n\n\nagent: x\n", id="no blank rows above the first"
        ),
        pytest.param(
            "prompt: x\n  # inside\n\n  # inside too\n# of key\nkey: a\n",
            "# of key\nkey: a\nprompt: x\n  # inside\n\n  # inside too\n",
            id="comments further right belong to what is above",
        ),
        pytest.param("nmae: 1\nkey: a\nfoo: 2\n", "key: a\nnmae: 1\nfoo: 2\n", id="unknown fields come last"),
        pytest.param("schedule: {timezone: UTC, cron: x}\n", "schedule: {cron: x, timezone: UTC}\n", id="in brackets"),
        pytest.param("{name: A, key: b}\n", "{key: b, name: A}\n", id="a document in brackets"),
        pytest.param(
            "schedule: {timezone: UTC, # why\n  cron: x}\n",
            "schedule: {timezone: UTC, # why\n  cron: x}\n",
            id="brackets over several lines stay",
        ),
        pytest.param(
            "prompts:\n  - query: q\n    text: a # t\n  - # b\n    query: q\n    text: b\n",
            "prompts:\n  - text: a # t\n    query: q\n  - # b\n    text: b\n    query: q\n",
            id="behind a dash",
        ),
        pytest.param(
            "prompts:\n  - query: q\n    # of text\n    text: a\n",
            "prompts:\n  - query: q\n    # of text\n    text: a\n",
            id="no comment comes behind a dash",
        ),
        pytest.param(
            "schedule:\n  # the zone\n  timezone: UTC\n  # when\n  cron: x\n",
            "schedule:\n  # when\n  cron: x\n  # the zone\n  timezone: UTC\n",
            id="comments above the first field of a map are its own",
        ),
        pytest.param(
            "parameters: {b: {type: string}, a: {type: string}}\nlabels: {z: '1', y: '2'}\n",
            'parameters: {b: {type: string}, a: {type: string}}\nlabels: {z: "1", y: "2"}\n',
            id="free names keep their order",
        ),
        pytest.param(
            "parameters:\n  a: &a {type: string}\ndescription: x\nkey: k\n",
            "key: k\ndescription: x\nparameters:\n  a: &a {type: string}\n",
            id="an anchor alone",
        ),
        pytest.param(
            "name: &n x\ndescription: *n\nkey: k\n",
            "name: &n x\ndescription: *n\nkey: k\n",
            id="an alias stays behind",
        ),
        pytest.param("? name\n: B\n? key\n: a\n", "? key\n: a\n? name\n: B\n", id="keys behind a question mark"),
        pytest.param("key: a\n---\n\n", "key: a\n---\n", id="an empty document at the end"),
        pytest.param(
            "prompt: |\n  x\nkey: a", "key: a\nprompt: |\n  x\n", id="moved from the end of a file without one"
        ),
        pytest.param("prompt: |\n  x", "prompt: |\n  x", id="a line end that would be part of the text"),
        pytest.param("- name: 1\n", "- name: 1\n", id="no map"),
        pytest.param("- - a: 1\n    b: 2\n", "- - a: 1\n    b: 2\n", id="lists in lists"),
        pytest.param("", "", id="nothing"),
        pytest.param("# only\n\n", "# only\n", id="a comment alone"),
        pytest.param("\n\n", "\n\n", id="blank rows alone"),
        pytest.param("key: 'a'\n", 'key: "a"\n', id="double quotes"),
        pytest.param("key: 'a\"'\n", "key: 'a\"'\n", id="single ones for double ones"),
        pytest.param('key: "a\\\\d"\n', "key: 'a\\d'\n", id="single ones for backslashes"),
        pytest.param('key: "a\\u00e9\\n"\n', 'key: "a\\u00e9\\n"\n', id="escapes stay"),
        pytest.param("key: 'it''s'\n", 'key: "it\'s"\n', id="doubled quotes"),
        pytest.param("key: 'a\n  b'\n", "key: 'a\n  b'\n", id="quotes over several lines stay"),
        pytest.param("key: &a 'b'\n", "key: &a 'b'\n", id="behind an anchor"),
        pytest.param("key: 'a\xa0b'\n", "key: 'a\xa0b'\n", id="blanks that are none"),
        pytest.param("key: a  \nname: b\t\n\n\n", "key: a\nname: b\n", id="blanks at line ends"),
        pytest.param("key: a", "key: a\n", id="the last line end"),
        pytest.param("prompt: |  \n  a  \n  b\n\n", "prompt: |\n  a  \n  b\n", id="blanks in a text stay"),
        pytest.param("prompt: |+\n  a\n\n\n", "prompt: |+\n  a\n\n\n", id="blank rows of a text stay"),
        pytest.param("prompt: |2\n    a\n\n", "prompt: |2\n    a\n\n", id="an indentation that is said"),
        pytest.param(
            "prompt: 'a  \n\n  b'  \nkey: x\n", "key: x\nprompt: 'a  \n\n  b'\n", id="blanks within quotes stay"
        ),
        pytest.param(
            "schedule:\n      cron: x\n      # c\n      timezone: UTC\n"
            "prompts:\n-   text: |\n      a\n       b\n    query: q\n- b\n",
            "prompts:\n  - text: |\n      a\n       b\n    query: q\n  - b\n"
            "schedule:\n  cron: x\n  # c\n  timezone: UTC\n",
            id="indentation",
        ),
        pytest.param("  key: a\n  # c\n  name: b\n", "key: a\n# c\nname: b\n", id="a document that is indented"),
        pytest.param(
            "a:\n   # c\n    - b\n    -   c: 1\n        d: 2\n", "a:\n # c\n  - b\n  - c: 1\n    d: 2\n", id="lists"
        ),
        pytest.param(
            "fan_out:\n    matrix: &m\n        a: [1]\n", "fan_out:\n  matrix: &m\n    a: [1]\n", id="an anchored map"
        ),
        pytest.param(
            "name: B\nkey: a\n---\nname: C\nkey: b\n...\n---\n# x\nkey: c\n",
            "key: a\nname: B\n---\nkey: b\nname: C\n...\n---\n# x\nkey: c\n",
            id="several documents",
        ),
        pytest.param(
            "parameters:\n  a: &a {type: string}\n  b:\n    <<: *a\n    default: x\n"
            "fan_out:\n  max_parallel: 2\n  <<: {matrix: {a: [x]}}\n",
            "parameters:\n  a: &a {type: string}\n  b:\n    <<: *a\n    default: x\n"
            "fan_out:\n  <<: {matrix: {a: [x]}}\n  max_parallel: 2\n",
            id="merges come first",
        ),
    ],
)
def test_layout(before: str, after: str) -> None:
    assert formatted(before) == after
    assert formatted(after) == after


def test_line_ends_and_byte_order_marks() -> None:
    assert format_file("a", b"name: B\r\nkey: a\r\n").raw == b"key: a\r\nname: B\r\n"
    assert format_file("a", b"name: B\r\nkey: a\n").raw == b"key: a\nname: B\n"
    assert format_file("a", b"\xef\xbb\xbfkey: a\n").raw == b"key: a\n"


def test_a_file_that_cannot_be_read_is_left() -> None:
    made = format_file("a.yaml", b"name: 'b'\nkey: a\nkey: b\n")
    assert made.raw == b"name: 'b'\nkey: a\nkey: b\n"
    assert [str(problem.position) for problem in made.problems] == ["a.yaml:3:1"]


def test_a_step_that_would_change_the_meaning_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "ordered", lambda text: text.text.replace("B", "C"))
    assert formatted("name: 'B' # x\n") == 'name: "B" # x\n'
    monkeypatch.setattr(formatting, "ordered", lambda text: text.text.replace("# x", ""))
    assert formatted("name: 'B' # x\n") == 'name: "B" # x\n'
    monkeypatch.setattr(formatting, "ordered", lambda text: text.text + "name: D\n")
    assert formatted("name: 'B' # x\n") == 'name: "B" # x\n'


def test_the_sample_jobs_are_formatted() -> None:
    for file in sorted((Path(__file__).parents[4] / "jobs.d").rglob("*.yaml")):
        assert formatted(file.read_text()) == file.read_text(), file
