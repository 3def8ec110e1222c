"""Chats in forms that nobody documents: read where they say plainly what they are, shown as JSON where not."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.cli.conversation import chat_markdown, chat_text, document_table, documents_of
from interact_gitops.cli.transcripts import csv_text, readable, table_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from([
    "id", "role", "from", "content", "text", "blocks", "type", "document", "rows", "columns", "name", "title", "sql",
    "rowCount", "durationSeconds", "engine", "message", "remedy", "truncated", "data",
])  # fmt: skip
PART = st.dictionaries(NAMES, ANYTHING | st.lists(st.dictionaries(NAMES, ANYTHING, max_size=4), max_size=3), max_size=6)
RECORD = st.fixed_dictionaries(
    {},
    optional={
        "id": ANYTHING, "job": ANYTHING | PART, "trigger": ANYTHING, "error": ANYTHING | PART, "parameters": ANYTHING,
        "runSeconds": ANYTHING, "status": ANYTHING, "messages": ANYTHING | st.lists(PART | ANYTHING, max_size=3),
        "documents": ANYTHING | st.lists(PART | ANYTHING, max_size=3),
        "anomalies": ANYTHING | st.lists(PART, max_size=2),
    },
)  # fmt: skip


@given(RECORD)
def test_no_record_stops_us(record: dict[str, Any]) -> None:
    shown = readable(record)
    assert readable(shown).keys() == shown.keys()
    "".join(chat_text(shown, "unknown", sql=True))
    chat_markdown(shown, "unknown")
    for document in documents_of(shown):
        document_table(document)
    for document in documents_of(record):
        csv_text(document)


def said(record: dict[str, Any]) -> str:
    return "\n".join(chat_text(readable(record), "succeeded"))


@pytest.mark.parametrize(
    "message",
    [
        "It rose.", {"content": "It rose."}, {"text": "It rose."}, {"content": [{"type": "text", "text": "It rose."}]},
        {"from": "ai", "body": ["It rose."]}, {"role": "assistant", "blocks": [{"type": "text", "text": "It rose."}]},
        {"somethingElse": "It rose."},
    ],
)  # fmt: skip
def test_messages(message: Any) -> None:
    assert "It rose." in said({"messages": [message]})
    assert "It rose." in said({"history": [message]})


@pytest.mark.parametrize("who", ["user", "USER", "human"])
def test_who_asked(who: str) -> None:
    assert "> " in said({"messages": [{"from": who, "text": "Why?"}]})
    assert "> " not in said({"messages": [{"from": "assistant", "text": "Because."}]})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"columns": ["a", {"name": "b"}], "rows": [[1, 2], [3]]}, (["a", "b"], [[1, 2], [3, None]])),
        ({"data": [{"a": 1}, {"b": 2, "a": 3}]}, (["a", "b"], [[1, None], [3, 2]])),
        ({"rows": [[1, 2, 3]]}, (["column 1", "column 2", "column 3"], [[1, 2, 3]])),
        ({"rows": [], "columns": ["a"]}, (["a"], [])),
        ({"rows": [1, 2]}, None),
        ({"rows": "many"}, None),
        ({"columns": ["a"]}, None),
    ],
)
def test_tables(document: dict[str, Any], expected: Any) -> None:
    assert table_of(document) == expected


def test_csv_keeps_every_value() -> None:
    text = csv_text({"columns": ["a", "b"], "rows": [['x,\n"y"', 1.5], [None, {"deep": [True]}]]})
    assert text is not None
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ['x,\n"y"', "1.5"], ["", '{"deep": [true]}']]
    assert csv_text({}) is None


def test_a_document_is_shown_once() -> None:
    table = {"id": "d1", "title": "Spend", "rows": [{"a": "first"}]}
    blocks = [{"type": "table", "document": "d1"}]
    assert said({"messages": [{"blocks": blocks}], "documents": [table]}).count("first") == 1
    assert said({"messages": ["See there."], "documents": [table, {"spec": "bars"}, "loose"]}).count("first") == 1
    assert '"spec": "bars"' in said({"documents": [{"spec": "bars"}]})
    assert "loose" in said({"documents": ["loose"]})
