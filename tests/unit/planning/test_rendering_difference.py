"""Line and word differences: right for any two texts, shortest where that is affordable, bounded where it is not."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.planning.rendering.difference import ALLOWANCE, Allowance, Row, rows, runs

TOKENS = st.lists(st.sampled_from("abc"), max_size=12)
TEXTS = st.lists(st.text("ab \n.日本", max_size=15).map(lambda text: text.replace("\n", " ")), max_size=6)


def longest_common(one: list[str], other: list[str]) -> int:
    """By the textbook's table."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(TOKENS, TOKENS, st.sampled_from([0, 5, ALLOWANCE]))
def test_runs_cover_both_sides_and_are_shortest(before: list[str], after: list[str], steps: int) -> None:
    found = runs(before, after, Allowance(steps))
    assert [token for run in found for token in before[run.start : run.end]] == before
    assert [token for run in found for token in after[run.new_start : run.new_end]] == after
    for run in found:
        assert run.same == (before[run.start : run.end] == after[run.new_start : run.new_end])
    assert all(one.same != other.same for one, other in itertools.pairwise(found))
    if steps == ALLOWANCE:
        assert sum(run.end - run.start for run in found if run.same) == longest_common(before, after)


@given(TEXTS, TEXTS)
def test_rows_hold_every_line_of_both(before: list[str], after: list[str]) -> None:
    found = list(rows(before, after))
    assert ["".join(text for text, _ in row.pieces) for row in found if row.sign != "+"] == before
    assert ["".join(text for text, _ in row.pieces) for row in found if row.sign != "-"] == after
    assert all(row.sign != " " or not any(changed for _, changed in row.pieces) for row in found)


def marked(before: str, after: str) -> list[str]:
    """Rows as `-a [b] c`; `[]` is the place of what only the other text has."""
    return [
        row.sign + "".join(f"[{text}]" if changed else text for text, changed in row.pieces)
        for row in rows(before.split("\n"), after.split("\n"))
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Highlight it if ROAS dropped.", "Highlight the campaign in bold if ROAS dropped.",
         ["-Highlight [it] if ROAS dropped.", "+Highlight [the campaign in bold] if ROAS dropped."]),
        ("One\nTwo\nThree", "One\nTwo and a half\nThree", [" One", "-Two[]", "+Two[ and a half]", " Three"]),
        ("nothing alike here", "quite other words instead", ["-nothing alike here", "+quite other words instead"]),
        ("a", "a\nb", [" a", "+b"]),
        ("a b c d e f g", "a b c X e f g", ["-a b c [d] e f g", "+a b c [X] e f g"]),
        ("on every single day", "on every single day\nand at noon, too",
         [" on every single day", "+and at noon, too"]),
        ("Report the numbers of the week", "Report the numbers\nof the week",
         ["-Report the numbers[ ]of the week", "+Report the numbers[]", "+[]of the week"]),
        ("売上を報告する", "売上を毎日報告する", ["-売上を[]報告する", "+売上を[毎日]報告する"]),
        ("same end ", "same end", ["-same end[ ]", "+same end[]"]),
        ("use {{ days }} of data for it", "use {{ weeks }} of data for it",
         ["-use {{ [days] }} of data for it", "+use {{ [weeks] }} of data for it"]),
    ],
)  # fmt: skip
def test_words(before: str, after: str, expected: list[str]) -> None:
    assert marked(before, after) == expected


HOSTILE = {
    "one letter": ("a" * 100_000, "a" * 99_999),
    "one letter, a line each": ("a\n" * 50_000, "a\n" * 49_999 + "b"),
    "one word": ("a " * 50_000, "b " + "a " * 50_000 + "c"),
    "few popular words": ("a b " * 25_000, "b c a " * 16_000),
    "two orders": (" ".join(map(str, range(15_000))), " ".join(map(str, range(15_000, 0, -1)))),
    "lines in two orders": ("\n".join(map(str, range(15_000))), "\n".join(map(str, range(15_000, 0, -1)))),
    "every line a little": tuple("\n".join(f"{n} {x}" for n in range(9_000)) for x in ("x y z", "x z y")),
    "punctuation": ("." * 100_000, ",." * 50_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_bounded(name: str) -> None:
    """Seconds would be minutes with difflib; the bound is generous, for machines are shared."""
    before, after = HOSTILE[name]
    began = time.process_time()
    found = list(rows(before.split("\n"), after.split("\n")))
    spent = time.process_time() - began
    print(f"\n{name}: {spent:.3f} s of CPU, {len(found)} rows")
    assert spent < 3
    assert "\n".join("".join(t for t, _ in row.pieces) for row in found if row.sign != "+") == before


def test_out_of_allowance_the_lines_still_show() -> None:
    assert runs(["a", "b", "c", "d"], ["x", "c", "b", "y"], Allowance(0))[0].same is False
    assert list(rows(["a"], [])) == [Row(sign="-", pieces=(("a", False),))]
