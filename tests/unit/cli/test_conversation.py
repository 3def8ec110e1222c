"""A chat in words: our own records in full, unknown shapes as JSON, hostile text as text."""

from __future__ import annotations

import re
from typing import Any

import click
import cmarkgfm
import pytest

from interact_gitops.cli.conversation import chat_markdown, chat_text, document_table, escape_markdown

DOCUMENT: dict[str, Any] = {
    "id": "doc_1",
    "query": "overview",
    "engine": "duckdb",
    "engineVersion": "2.0",
    "durationSeconds": 0.02,
    "sql": "select 1 -- ``` \x1b[31m",
    "columns": [{"name": "campaign", "type": "VARCHAR"}, {"name": "cost", "type": "DOUBLE"}],
    "rows": [["A | B", 1234.5], ["<img src=x>", None], ["C", 3]],
    "rowCount": 3,
    "truncated": True,
}
CHAT: dict[str, Any] = {
    "id": "cht_1",
    "job": {"name": "Weekly"},
    "parameters": {"days": 7},
    "trigger": "manual",
    "runSeconds": 1.25,
    "messages": [
        {"role": "user", "blocks": [{"type": "text", "text": "How?"}]},
        {
            "role": "agent",
            "blocks": [
                {"type": "report", "text": "**Fine** \x1b]0;title\x07"},
                {"type": "table", "document": "doc_1"},
                {"type": "chart", "document": "doc_1", "title": "Cost"},
                {"type": "query", "document": "doc_1"},
                {"type": "hologram", "depth": 3},
            ],
        },
        "a bare text",
    ],
    "documents": [DOCUMENT],
    "anomalies": [{"message": "ROAS fell"}],
    "error": {"message": "later it failed"},
}


def _plain(chat: dict[str, Any], **options: Any) -> str:
    return click.unstyle("\n".join(chat_text(chat, "failed", **options)))


def test_text_holds_everything() -> None:
    text = _plain(CHAT, sql=True)
    for part in ("Weekly", "days=7", "> How?", "Fine", "1,234.5", "3.0", "3 rows, the query had more", "select 1",
                 "hologram", "a bare text", "ROAS fell", "later it failed", "duckdb 2.0"):  # fmt: skip
        assert part in text


def test_text_sends_no_escape_of_somebody_else() -> None:
    assert "\x1b" not in _plain(CHAT, sql=True)
    assert "\x07" not in _plain(CHAT, sql=True)


def test_rows_left_out_are_said() -> None:
    assert "1 of 3 rows shown" in click.unstyle(document_table(DOCUMENT, 1))


def test_a_hosted_chat_of_unknown_shape_is_shown_as_json() -> None:
    text = _plain({"id": "1", "messages": [{"author": "bot", "content": {"parts": ["hello"]}}]})
    assert '"content"' in text
    assert "Ad-hoc question" in text


def test_markdown_escapes_what_is_not_ours() -> None:
    text = chat_markdown(CHAT, "failed")
    assert "A \\| B" in text
    assert "\\<img src=x\\>" in text
    assert "````sql\nselect 1 -- ```" in text
    assert "\x1b" not in text


def test_a_line_of_a_cell_makes_no_row() -> None:
    document = {"id": "d", "columns": [{"name": "a\nb"}, {"name": "c"}], "rows": [["1\n| 2 |", "x\u2028y"]]}
    chat = {"id": "`x`\n# h", "messages": [{"role": "agent", "blocks": [{"type": "table", "document": "d"}]}],
            "documents": [document]}  # fmt: skip
    text = chat_markdown(chat, "succeeded")
    assert "| a b | c |\n| --- | --- |\n| 1 \\| 2 \\| | x y |" in text
    assert "Chat `` `x`" in text
    assert "\n# h" not in text


def test_escape_markdown() -> None:
    assert escape_markdown("@everyone [x](y) `z` *b* # h") == (
        "@\N{WORD JOINER}everyone \\[x\\](y) \\`z\\` \\*b\\* \\# h"
    )
    assert escape_markdown("- a\n1. b") == "\\- a\n\\1. b"
    assert escape_markdown("**b**", bold=True) == "**b**"


EVIL = (
    "Title\n===", "Title\n---", "a\n\n***\n\nb", "a\n\n- - -\n", "* * *", "https://evil.example/x",
    "www.evil.example", "HTTP://evil.example", "write to a@b.example", "mailto:a@b.example", "ask @everyone",
    "xmpp:a@b.example/x", "<https://evil.example>", "[x](https://evil.example)", "![x](https://evil.example/i.png)",
    "# h", "  ## h", "<img src=x>", "and @acme/team",
    "[x]: https://evil.example\n[x]", "a | b\n--|--\nc | d",
)  # fmt: skip


@pytest.mark.parametrize("bold", [True, False])
@pytest.mark.parametrize("text", EVIL)
def test_nothing_of_an_answer_is_a_link_a_heading_or_a_mention(text: str, bold: bool) -> None:
    """Read with GitHub's own parser; it looks for mentions in what comes out of it."""
    shown = cmarkgfm.github_flavored_markdown_to_html(escape_markdown(text, bold=bold))
    assert not re.search(r"<(a|h\d|hr|img|table)\b", shown)
    assert not re.search(r"@\w", shown)
