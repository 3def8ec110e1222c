"""The short way through a file says what the long way says, or leaves the file to it; and how much work is done."""

from pathlib import Path, PurePosixPath

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interact_gitops.jobs import composing, positions, source
from interact_gitops.jobs.plain import read_plainly
from interact_gitops.jobs.positions import Source
from interact_gitops.jobs.source import MAX_DOCUMENTS, read_documents

CASES = Path(__file__).parents[2] / "definitions"
FILES = sorted(path for path in CASES.rglob("*.y*ml") if path.is_file())
MODEST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JOB = """\
key: job-{number}
name: Report {number}
agent: analyst
prompt: |
  Report {{{{ days }}}} days before {{{{ run.date }}}}.
parameters:
  days: {{type: integer, minimum: 1, default: 7}}
schedule: "0 8 * * 1"
"""


def both_ways(text):
    """(what the short way read, or None; what the long way read, its problems), values as their exact writing."""
    documents, problems = source._judged_documents(Source("a.yaml", text))
    judged = [(repr(document.value), document.start.line, document.start.column) for document in documents]
    plain = read_plainly(text, MAX_DOCUMENTS)
    return None if plain is None else [(repr(value), line, column) for value, line, column in plain], judged, problems


def agree(text):
    plain, judged, problems = both_ways(text)
    if plain is not None:
        assert (plain, problems) == (judged, [])


def texts(raw):
    """The text of a file that gets as far as being parsed."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    return [] if source.UNSEEN.search(text) else [text]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CASES).as_posix())
def test_every_sample_file(path):
    for text in texts(path.read_bytes()):
        agree(text)


def test_most_valid_files_are_read_the_short_way():
    read = [read_plainly(text, 10) for path in FILES if "valid/" in str(path) for text in texts(path.read_bytes())]
    assert sum(found is not None for found in read) > len(read) / 2


PARTS = st.sampled_from(
    ["a", "key", "1", "0x1F", "-0.0", "1e400", "9" * 30, "true", "~", "on", "''", '"\\x24{"', '"\\0"', '"\\t"',
     "'it''s'", "{", "}", "[", "]", ",", ": ", ":", "- ", "? ", "&a ", "*a", "!!str ", "! ", "<<: ", "|\n  x",
     ">-\n  y\n", "# c\n", "\n", "\n  ", "\n- ", "\n---\n", "\n...\n", "%YAML 1.1\n---\n", "{{ x }}",
     "a: 1\n", "a: 2\n", "é", "\t"]
)  # fmt: skip


@MODEST
@given(st.lists(PARTS, max_size=14).map("".join))
@example("a: 1\na: 2\n")
@example('"a": 1\na: 2\n')
@example("? [a]\n: 1")
@example('! "12"')
@example("---\n---\n--- \n")
@example("a: *a")
@example("[" * 64 + "]" * 64)
@example("[" * 65 + "]" * 65)
@example("[" * 64 + "x" + "]" * 64)
def test_whatever_is_written(text):
    for read in texts(text.encode()):
        agree(read)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs", "S"]), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc:- {}'\"", max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@MODEST
@given(VALUES, st.sampled_from([None, True, False]), st.integers(20, 200))
def test_whatever_a_program_writes(value, flow, width):
    for text in texts(yaml.safe_dump(value, default_flow_style=flow, width=width, allow_unicode=True).encode()):
        agree(text)


@pytest.mark.parametrize(
    "text",
    ["a: &x 1", "&x a: 1", "a: &x [1]", "a: &x 1\nb: *x", "a: !!str 1", "!!map {a: 1}", "<<: {a: 1}", "a: 1\na: 2",
     "? [a]\n: 1", "*x : 1", '"a\\0": 1', 'a: "\\0"', "[&x a]", "a: " + "9" * 30, "a: .inf", "a: [",
     "[" * 65 + "]" * 65],
)  # fmt: skip
def test_what_has_to_be_judged_is_left_to_the_judge(text):
    assert read_plainly(text, MAX_DOCUMENTS) is None


def test_no_more_documents_than_asked_for():
    assert [value for value, _, _ in read_plainly("a\n---\nb\n", 2)] == ["a", "b"]
    assert read_plainly("a\n---\nb\n---\nc\n", 2) is None


@pytest.fixture
def composed(monkeypatch):
    """The names of the files whose nodes were composed."""
    names = []
    compose = composing.compose

    def count(file, text, problems):
        names.append(file)
        return compose(file, text, problems)

    monkeypatch.setattr(positions, "compose", count)
    monkeypatch.setattr(source, "compose", count)
    return names


def test_nodes_are_composed_only_for_a_file_with_something_wrong(load_files, composed):
    files = {f"{number}.yaml": JOB.format(number=number) for number in range(50)}
    assert len(load_files(files).definitions) == 50
    assert composed == []
    files["7.yaml"] += "nane: x\n"
    files["8.yaml"] = files["8.yaml"].replace("days }}", "day }}")
    problems = load_files(files).problems
    assert {problem.position.file for problem in problems} == {"7.yaml", "8.yaml"}
    assert composed == ["7.yaml", "8.yaml"]


def test_a_key_that_stands_twice_composes_the_two_files(load_files, composed):
    files = {f"{number}.yaml": JOB.format(number=number) for number in range(50)}
    files["7.yaml"] = files["8.yaml"]
    assert [str(problem.position) for problem in load_files(files).problems] == ["7.yaml:1:6", "8.yaml:1:6"]
    assert composed == ["7.yaml", "8.yaml"]


def test_a_file_of_many_documents_is_composed_once(load_files, composed):
    text = "---\n".join(JOB.format(number=number) + "nane: x\n" for number in range(30))
    assert len(load_files({"a.yaml": text}).problems) == 30
    assert composed == ["a.yaml"]


@pytest.mark.parametrize(
    ("text", "may"),
    [("a: ${var.x}", True), (r'a: "\x24{var.x}"', True), ('a: "$\\\n  {var.x}"', True), (r"a: '^\d$'", False),
     ("a: $ {", False), ("a: x", False)],
)  # fmt: skip
def test_a_text_that_cannot_refer_to_a_variable_is_not_searched_for_one(text, may):
    (document,), _ = read_documents("a.yaml", text.encode())
    assert document.source.may_refer is may


@pytest.mark.parametrize("written", ["${var.word}", r'"\x24{var.word}"', '"$\\\n  {var.word}"', r'"$\u007bvar.word}"'])
def test_a_variable_is_filled_in_however_its_reference_is_written(load_files, written):
    loaded = load_files({"a.yaml": f"key: a\nname: {written}\nagent: b\nprompt: c\n"}, variables={"word": "said"})
    assert [definition.job.name for definition in loaded.definitions] == ["said"]


def test_the_same_definitions_and_problems_whatever_the_order_of_files(load_files):
    files = {
        "z/_defaults.yaml": "owner: z@example.com\n",
        "A.yaml": JOB.format(number=1),
        "z/b.yaml": JOB.format(number=2),
    }
    loaded = load_files(files)
    assert [(d.job.key, d.job.owner) for d in loaded.definitions] == [("job-1", None), ("job-2", "z@example.com")]
    assert load_files(dict(reversed(files.items()))) == loaded
    assert PurePosixPath("A.yaml") < PurePosixPath("z/_defaults.yaml")  # defaults count for files before them
