"""Prompts before and after, to the letter: what is shown, what is left out, and that nothing passes for our marks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.planning.plan import FieldChange
from interact_gitops.planning.rendering.prompts import (
    AROUND,
    KEPT_CHARACTERS,
    MOST_CHARACTERS,
    MOST_ROWS,
    prompt_details,
    whole_prompts,
)
from interact_gitops.planning.rendering.styled import Detail, plain, visible
from interact_gitops.planning.rendering.values import field_details


def prompts(*texts: str | tuple[str, str]) -> list[dict[str, Any]]:
    """Wire prompts from texts, or (text, query) pairs."""
    pairs = [(text, None) if isinstance(text, str) else text for text in texts]
    return [{"text": text, "query": query} for text, query in pairs]


def shown(before: list[dict[str, Any]], after: list[dict[str, Any]], *, full: bool = False) -> list[str]:
    return [(one.sign or "") + plain([one.parts]) for one in prompt_details(before, after, full=full)]


def test_far_apart_changes_are_two_pieces() -> None:
    before = [f"line {number} of the prompt" for number in range(20)]
    after = [before[0] + ", new", *before[1:15], before[15] + ", new", *before[16:]]
    assert shown(prompts("\n".join(before)), prompts("\n".join(after))) == [
        "prompt:",
        "-line 0 of the prompt", "+line 0 of the prompt{+, new+}", " line 1 of the prompt", " line 2 of the prompt",
        "… 10 lines unchanged",
        " line 13 of the prompt", " line 14 of the prompt",
        "-line 15 of the prompt", "+line 15 of the prompt{+, new+}",
        " line 16 of the prompt", " line 17 of the prompt",
        "… 2 lines unchanged",
    ]  # fmt: skip
    everything = shown(prompts("\n".join(before)), prompts("\n".join(after)), full=True)
    assert len(everything) == 1 + 20 + 2
    assert not [row for row in everything if row.startswith("…")]


def test_long_changes_are_cut_on_both_sides() -> None:
    before, after = prompts("a\n" * 100), prompts("b c\n" * 90 + "same\n")
    rows = shown(before, after)
    assert [row for row in rows if row[0] == "…"] == [
        f"… {100 - MOST_ROWS} lines more, {100 - MOST_ROWS} of them changed: see --full",
        f"… {91 - MOST_ROWS} lines more, {91 - MOST_ROWS} of them changed: see --full",
    ]
    assert (rows.count("-a"), rows.count("+b c")) == (MOST_ROWS, MOST_ROWS)
    assert len(shown(before, after, full=True)) == 1 + 100 + 91


def test_long_lines_show_the_words_around_a_change() -> None:
    words = [f"word{number:03}" for number in range(300)]
    changed = [*words]
    changed[100], changed[200] = "ALPHA", "OMEGA"
    gone, new = shown(prompts(" ".join(words)), prompts(" ".join(changed)))[1:]
    assert "[-word100-]" in gone
    assert "{+ALPHA+}" in new
    assert "{+OMEGA+}" in new
    assert new.count("…") == 3
    assert len(new) < 5 * AROUND + 30
    (_, _, whole) = shown(prompts(" ".join(words)), prompts(" ".join(changed)), full=True)
    assert whole.replace("{+", "").replace("+}", "") == "+" + " ".join(changed)


def test_where_only_one_side_has_more_both_show_the_place() -> None:
    text = " ".join(f"word{number:03}" for number in range(300))
    gone, new = shown(prompts(text), prompts(text.replace("word150", "word150 and more")))[1:]
    assert gone.startswith("-…")
    assert "word149 word150 word151" in gone
    assert "word150 {+and more +}word151" in new
    assert gone.split()[0] == "-…word144"  # words are not cut where blanks are near
    before, after = prompts("x" * 300 + " old " + "y" * 300), prompts("x" * 300 + " new " + "y" * 300)
    assert shown(before, after)[1] == f"-…{'x' * (AROUND - 1)} [-old-] {'y' * (AROUND - 1)}…"


def test_new_lines_are_cut_at_their_end_and_say_so() -> None:
    rows = shown(prompts("k" * 500 + "\nold"), prompts("k" * 500 + "\n" + "z" * 5_000))
    assert rows[1] == " " + "k" * (KEPT_CHARACTERS - 1) + "…"
    assert rows[2:] == [
        "-old",
        "+" + "z" * MOST_CHARACTERS + f"… ({5_000 - MOST_CHARACTERS:,} more characters: see --full)",
    ]


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        (prompts("a"), prompts("a", ("b", "q")), ["prompt 2, new, query q:", "+b"]),
        (prompts("a", "b"), prompts("b"), ["prompt 1, removed:", "-a"]),
        (prompts(("a", "q")), prompts("a"), ["prompt, query q → (none):", "… 1 line unchanged"]),
        (prompts("a", ("b", "q")), prompts("a", ("c", "q")), ["prompt 2, query q:", "-b", "+c"]),
        (prompts("x", "a", "b"), prompts("a", "c"), ["prompt 1, removed:", "-x", "prompt 2, was 3:", "-b", "+c"]),
        (prompts("a\n"), prompts("a"), ["prompt:", "… 1 line unchanged", "… the newline at the end is gone"]),
        (prompts("a"), prompts("a\n"), ["prompt:", "… 1 line unchanged", "… the newline at the end is new"]),
        (prompts("a\n"), prompts("a\n\n"), ["prompt:", " a", "+"]),
        (prompts(""), prompts("a"), ["prompt:", "-", "+a"]),
        (prompts("a\tb\x1b[31m"), prompts("a\tc\x1b[31m"), ["prompt:", "-a\\t[-b-]\\x1b[31m", "+a\\t{+c+}\\x1b[31m"]),
    ],
)  # fmt: skip
def test_a_series_of_prompts(before: Any, after: Any, rows: list[str]) -> None:
    assert shown(before, after) == rows


def test_whole_prompts() -> None:
    rows = [(one.sign or "") + plain([one.parts]) for one in whole_prompts(prompts("a\nb\n", ("c", "q")), new=False)]
    assert rows == ["prompt 1:", "-a", "-b", "prompt 2, query q:", "-c"]
    assert [one.sign for one in whole_prompts(prompts("a"), new=True)] == [None, "+"]


@pytest.mark.parametrize(
    ("text", "gone", "new"),
    [
        ("keep {} these words", "[-old-]", "{+new+}"),
        ("keep {} these words [-x-]", "[--old--]", "{++new++}"),
        ("keep {} these words {{++x++}}", "[---old---]", "{+++new+++}"),
        ("keep {} these words " + "".join("[" + "-" * n for n in range(1, 9)), "old", "new"),
    ],
)
def test_the_marks_are_none_that_the_prompt_has(text: str, gone: str, new: str) -> None:
    before, after = (text.replace("{}", word).replace("{{", "{").replace("}}", "}") for word in ("old", "new"))
    rows = shown(prompts(before), prompts(after))
    assert rows[1].startswith(f"-keep {gone} these")
    assert rows[2].startswith(f"+keep {new} these")


TEXTS = st.text(st.sampled_from("ab -+[]{}\n…\x1b"), max_size=60)


def unmarked(details: list[Detail], sign: str) -> str:
    return "\n".join(
        "".join(text for text, style in one.parts if style != "mark") for one in details if one.sign in {" ", sign}
    )


@given(TEXTS, TEXTS)
def test_in_full_nothing_is_lost_and_nothing_passes_for_a_mark(before: str, after: str) -> None:
    details = list(field_details(FieldChange(field="prompts", before=prompts(before), after=prompts(after)), full=True))
    keep = frozenset("\n")
    assert unmarked(details, "-") == visible(before.removesuffix("\n"), keep=keep)
    assert unmarked(details, "+") == visible(after.removesuffix("\n"), keep=keep)
    marks = {text for one in details for text, style in one.parts if style == "mark"}
    assert not [mark for mark in marks if mark in before + after]
    assert all(text == visible(text) for one in details for text, _ in one.parts)


@given(TEXTS, TEXTS)
def test_a_difference_is_always_seen(before: str, after: str) -> None:
    details = list(prompt_details(prompts(before), prompts(after)))
    signs = {one.sign for one in details if one.sign in {"-", "+"}}
    assert before == after or signs or "newline at the end" in plain([one.parts for one in details])
