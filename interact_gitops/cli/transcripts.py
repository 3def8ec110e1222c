"""A chat record whose form nobody documents, brought into the one that we know how to show. Pure.

Hosted Interact documents that a chat has its messages and documents, and not how (interact-api.md, section 1). Of
the forms that such records have elsewhere, those are read that say plainly who said what, and what rows a document
has; whatever has another form stays as it is, and is shown as JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

_PEOPLE = frozenset({"user", "human", "person", "customer"})
_ROLES = ("role", "author", "from", "sender")
_TEXTS = ("content", "text", "message", "body")
_ROWS = ("rows", "data", "records")
_SQL = ("sql", "statement")


def readable(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with messages as blocks and documents as tables, as far as they can be read."""
    shown = dict(record)
    for name in ("job", "agent"):
        if not isinstance(shown.get(name), Mapping):
            shown[name] = None
    messages = _list(record.get("messages"), record.get("history"))
    documents = _list(record.get("documents"))
    shown["documents"] = [_document(one, number) for number, one in enumerate(documents, 1)]
    shown["messages"] = [_message(one) for one in messages]
    if not isinstance(shown.get("trigger"), str):
        shown["trigger"] = None
    shown["anomalies"] = [one for one in _list(record.get("anomalies")) if isinstance(one, Mapping)]
    shown["messages"] += _unmentioned(shown["messages"], documents, shown["documents"])
    return shown


def csv_text(document: Mapping[str, Any]) -> str | None:
    """A document's rows as CSV (RFC 4180), values that are no scalars as JSON; None for one without rows."""
    found = table_of(document)
    if found is None:
        return None
    columns, rows = found
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(value) for value in row] for row in rows)
    return out.getvalue()


def table_of(document: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]] | None:
    """(column names, rows) of a document that has rows, whatever they are called; None for one that has none."""
    rows = next((document[name] for name in _ROWS if isinstance(document.get(name), list)), None)
    if rows is None:
        return None
    columns = _columns(document.get("columns"))
    if all(isinstance(row, Mapping) for row in rows):
        columns = columns or list(dict.fromkeys(str(name) for row in rows for name in row))
        return columns, [[row.get(name) for name in columns] for row in rows]
    if all(isinstance(row, list) for row in rows):
        columns = columns or [f"column {number}" for number in range(1, max(map(len, rows), default=0) + 1)]
        return columns, [[*row, *[None] * len(columns)][: len(columns)] for row in rows]
    return None


def _message(message: Any) -> Any:
    if isinstance(message, str):
        return {"role": None, "blocks": [{"type": "text", "text": message}]}
    if not isinstance(message, Mapping):
        return message
    said = next((message[name].lower() for name in _ROLES if isinstance(message.get(name), str)), "")
    role = "user" if said in _PEOPLE else message.get("role")
    if isinstance(message.get("blocks"), list):
        return {**message, "role": role}
    text = next((message[name] for name in _TEXTS if isinstance(message.get(name), str | list)), None)
    if text is None:
        return dict(message)
    parts = text if isinstance(text, list) else [text]
    return {"role": role, "blocks": [{"type": "text", "text": p} if isinstance(p, str) else p for p in parts]}


def _document(document: Any, number: int) -> Any:
    if not isinstance(document, Mapping):
        return document
    shown = {"id": f"document {number}", **document}
    if not isinstance(shown["id"], str | int):
        shown["id"] = f"document {number}"
    sql = next((document[name] for name in _SQL if isinstance(document.get(name), str)), None)
    if sql is not None:
        shown["sql"] = sql
    found = table_of(document)
    if found is None:
        return {**shown, "columns": [], "rows": [], "rowCount": 0}
    columns, rows = found
    count = document.get("rowCount")
    total = count if isinstance(count, int) else len(rows)
    return {**shown, "columns": [{"name": name} for name in columns], "rows": rows, "rowCount": total}


def _unmentioned(messages: Sequence[Any], documents: Sequence[Any], shown: Sequence[Any]) -> list[dict[str, Any]]:
    """A message of ours for each document that no block points to: it would be lost otherwise."""
    blocks = (block for message in messages if isinstance(message, Mapping) for block in _list(message.get("blocks")))
    mentioned = {str(block.get("document")) for block in blocks if isinstance(block, Mapping)}
    return [
        {"role": None, "blocks": _blocks(document, as_table)}
        for document, as_table in zip(documents, shown, strict=True)
        if not isinstance(as_table, Mapping) or str(as_table["id"]) not in mentioned
    ]


def _blocks(document: Any, shown: Any) -> list[Any]:
    if not isinstance(shown, Mapping):
        return [document]
    source = [{"type": "query", "document": shown["id"]}] if "sql" in shown else []
    if shown["columns"]:
        title = document.get("title") or document.get("name") or shown["id"]
        return [{"type": "text", "text": str(title)}, {"type": "table", "document": shown["id"]}, *source]
    return source or [dict(document)]


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _columns(columns: Any) -> list[str]:
    names = [one.get("name") if isinstance(one, Mapping) else one for one in _list(columns)]
    return [str(name) for name in names] if all(isinstance(name, str | int) for name in names) else []


def _list(*found: Any) -> list[Any]:
    """The first that is a list, or an empty one."""
    return next((one for one in found if isinstance(one, list)), [])
