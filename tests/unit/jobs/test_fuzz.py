"""No input whatever gives a traceback, and every problem stands inside its file."""

import re
import string
from pathlib import Path, PurePosixPath

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interact_gitops.jobs.loading import load
from interact_gitops.jobs.source import MAX_PROBLEMS, read_documents
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.shapes import schema

VALID = Path(__file__).parents[2] / "definitions" / "valid"
SEEDS = [path.read_bytes() for path in sorted(VALID.rglob("*.y*ml"))]
VARIABLES = {"suffix": " (staging)", "days": 7, "ratio": 0.5, "flag": True}
MODEST = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check(raw: bytes, name: str = "a.yaml"):
    """Load one file beside a defaults file; every position lies in it."""
    loaded = load([SourceFile(path=PurePosixPath(name), shown=name, raw=raw)], variables=VARIABLES)
    assert len(loaded.problems) <= MAX_PROBLEMS + 1
    lines = re.split(r"\r\n|\n", raw.decode("utf-8-sig", "replace"))
    for problem in loaded.problems:
        at = problem.position
        assert at.file == name
        assert 1 <= at.line <= len(lines), problem
        assert 1 <= at.column <= len(lines[at.line - 1]) + 1, problem
        assert "\n" not in problem.message
        str(problem).encode()
    return loaded


@MODEST
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf\xff")
@example(b"\x00")
@example(b"key: \xf0\x9f\x98\x80 {{ x\n")
def test_any_bytes(raw):
    check(raw)


@MODEST
@given(st.text(st.sampled_from("aky:-?[]{}&*!|>'\"%@`#,\n\t\r ~<=.0\\\u2028é😀${}"), max_size=60))
@example("? {a: 1}\n: x")
@example("<<: *a")
@example("&a : *a")
@example("&a [*a]")
@example("&a {<<: *a}")
@example("a: &a\n  <<: &b\n    <<: *a\n")
@example("!<tag:x> a")
@example("key: !!int\n")
@example("- ? a\n  : - b")
@example("%TAG ! tag:x,2000:\n---\n!a b")
@example("a: &x |2-  # c\n    text\nb: *x\n")
@example("'<<': {a: 1}\n<<: {a: 1}\n")
@example("1: a\nnull: b\ntrue: c\n1.5: d\n: e\n")
@example("{\n- a: 1}")
@example("--- a\n--- b\n...\n...\n")
def test_any_text_of_yaml_signs(text):
    check(text.encode())
    check(text.encode(), "_defaults.yaml")


@MODEST
@given(st.data())
def test_mutated_files(data):
    raw = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 12)))
        raw[start:end] = data.draw(
            st.one_of(
                st.binary(max_size=4),
                st.text(st.sampled_from(":-[]{}&*!|>'\"%#,\n\t \\${}"), max_size=6).map(str.encode),
                st.sampled_from([b"{{ ", b" }}", b"${var.", b"<<: ", b"*span", b"&span ", b"null", b"\r\n"]),
            )
        )
    check(bytes(raw))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False),
    st.text(string.ascii_letters + "{}%$. *-:\n'\"\\", max_size=12),
    st.sampled_from(["7d", "@daily", "0 8 * * 1", "{{ days }}", "${var.days}", "2026-02-30", "Europe/Paris", "NL"]),
)
FIELDS = st.one_of(st.sampled_from(sorted(schema("job.schema.json")["properties"])), st.text(max_size=4))


def of_schema(rule, depth=0):
    """Documents that nearly fit: of the schema's own names, with anything at all here and there."""
    rule = schema("job.schema.json")["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
    kinds = rule.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    options = [SCALARS]
    options += [st.sampled_from(rule["enum"])] if "enum" in rule else []
    options += [st.sampled_from(rule["examples"])] * 3 if "examples" in rule else []
    if "array" in kinds:
        options += [st.lists(of_schema(rule.get("items", {}), depth + 1), max_size=3)] * 2
    if "object" in kinds:
        known = {name: of_schema(part, depth + 1) for name, part in rule.get("properties", {}).items()}
        rest = rule.get("additionalProperties")
        if known:
            options += [st.fixed_dictionaries({}, optional=known)] * 3
        if isinstance(rest, dict):
            names = st.sampled_from(["days", "country", "run", "Bad", "a" * 70])
            options += [st.dictionaries(names, of_schema(rest, depth + 1), max_size=3)] * 3
    return st.one_of(options)


DOCUMENT = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["a", "b", "B"]),
        "name": st.sampled_from(["A", "{{ x }}"]),
        "agent": st.just("analyst"),
    },
    optional={
        n: of_schema(r) for n, r in schema("job.schema.json")["properties"].items() if n not in {"key", "name", "agent"}
    },
)


@MODEST
@given(st.lists(DOCUMENT, min_size=1, max_size=3), st.booleans())
def test_documents_that_nearly_fit(documents, flow):
    text = yaml.safe_dump_all(documents, default_flow_style=flow, allow_unicode=True, width=40)
    check(text.encode())


@MODEST
@given(DOCUMENT, DOCUMENT)
def test_defaults_that_nearly_fit(defaults, job):
    files = {"_defaults.yaml": defaults, "deep/job.yaml": job, "deep/_defaults.yml": {"labels": {"a": "b"}}}
    raws = {path: yaml.safe_dump(value).encode() for path, value in files.items()}
    sources = [SourceFile(path=PurePosixPath(path), shown=path, raw=raw) for path, raw in raws.items()]
    forwards, backwards = load(sources, variables=VARIABLES), load(sources[::-1], variables=VARIABLES)
    assert forwards == backwards
    for problem in forwards.problems:
        assert problem.position.line <= raws[problem.position.file].count(b"\n") + 1


@MODEST
@given(st.text(st.sampled_from("{}%#|.()[]'\"~+*<> -_ifelrundate019\n"), max_size=40))
def test_a_template_is_read_or_refused(text):
    quoted = text.replace("'", "''").replace("\n", "\n\n  ")
    check(f"key: a\nname: a\nagent: a\nprompt: 'x{quoted}'\n".encode())


@given(st.binary(max_size=100))
@MODEST
def test_reading_alone_never_raises(raw):
    read_documents("a.yaml", raw)
