"""Every mistake in `invalid/` gives exactly the lines beside it: `file:line:column: what [code]` and the remedy."""

from pathlib import Path

import pytest

CASES = Path(__file__).parent / "invalid"
NAMES = sorted(path.name for path in CASES.iterdir() if path.suffix != ".expected")


def expected(name: str) -> str:
    return (CASES / name).with_name(f"{Path(name).stem if name.endswith('.yaml') else name}.expected").read_text()


def test_there_are_many_cases():
    assert len(NAMES) >= 75


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_exactly(name, load_case):
    loaded = load_case(CASES / name)
    ordered = sorted(loaded.problems, key=lambda p: (p.position, p.code, p.message))
    assert "".join(f"{problem}\n" for problem in ordered) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_once_and_with_its_remedy(name, load_case):
    problems = load_case(CASES / name).problems
    assert problems
    for problem in problems:
        said = (problem.message, problem.remedy or "")
        assert problem.remedy, problem
        assert all("\n" not in line and line == line.strip() for line in said), problem
    assert len({(p.position, p.message) for p in problems}) == len(problems)


BUILT = {
    "2 MiB": (
        b"#" * 2_097_152,
        "a.yaml:1:1: the file is larger than 1,024 KiB [file-size]\n  split it into several files",
    ),
    "UTF-16": ("key: a\n".encode("utf-16"), "a.yaml:1:1: the file is UTF-16, not UTF-8 [encoding]\n  save it as UTF-8"),
    "UTF-16 with no mark": (
        "key: a\n".encode("utf-16-le"),
        "a.yaml:1:2: the file holds NUL characters: it is UTF-16 or not a text [encoding]\n  save it as UTF-8",
    ),
    "Latin-1": (
        "key: a\nname: café\n".encode("latin-1"),
        "a.yaml:2:10: the file is not UTF-8 text (byte 0xe9) [encoding]\n  save it as UTF-8",
    ),
    "a lone surrogate": (
        b'key: "\\ud800"\n',
        "a.yaml:1:9: this is not valid YAML: while parsing a quoted scalar: found invalid Unicode character escape code"
        " [yaml-syntax]\n  check the indentation, and put texts with special characters in quotes",
    ),
    "1,001 documents": (
        b"---\n" * 1_001,
        "a.yaml:1002:1: the file has more than 1,000 documents [file-size]\n  split it into several files",
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_what_cannot_be_kept_in_git_is_told_exactly(name, load_bytes):
    raw, said = BUILT[name]
    assert "\n".join(map(str, load_bytes(raw).problems)) == said
