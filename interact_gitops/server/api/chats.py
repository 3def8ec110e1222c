"""Chats: list, the full record, documents, cancel."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from interact_gitops.server.api.calls import Call, Reply, answer, to_json
from interact_gitops.server.api.chat_forms import chat_form, chat_summary, document_form
from interact_gitops.server.store import chats, records
from interact_gitops.server.store.chats import FINISHED, STATUSES, ChatFilter, StoredChat
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.paging import cut
from interact_gitops.server.store.records import StoredDocument

CURSOR = "chats"
MOST_WITHOUT_LIMIT = 10_000
"""The public call knows no paging: without limit and cursor it gets everything, within reason."""

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


def list_chats(call: Call) -> Reply:
    """GET /api/agents/chats"""
    before = call.query.cursor(CURSOR)
    wanted = ChatFilter(
        job_id=call.query.text("jobId"),
        agent_id=call.query.text("agentId"),
        status=call.query.choice("status", STATUSES),
        initiator=call.query.text("initiator"),
        created_after=call.query.later_than("createdAfter"),
        before=before,
    )
    limit = call.query.limit() or (MOST_WITHOUT_LIMIT if before is None else 200)
    with call.instance.database.read() as db:
        found = chats.listed(db, call.caller.organisation_id, wanted, count=limit + 1)
    page = cut(found, limit, kind=CURSOR, seq=lambda chat: chat.seq)
    return answer({"chats": [chat_summary(chat) for chat in page.items], "nextCursor": page.next_cursor})


def get_chat(call: Call) -> Reply:
    """GET /api/agents/chats/{chat_id}"""
    with call.instance.database.read() as db:
        chat = _chat(db, call)
        return answer({"chat": _record(db, chat)})


def cancel_chat(call: Call) -> Reply:
    """POST /api/agents/chats/{chat_id}/cancel: 200 when it has stopped, 202 while it is stopping."""
    call.body("EmptyRequest")
    chat = call.instance.runs.cancel(call.caller.organisation_id, call.path["chat_id"])
    with call.instance.database.read() as db:
        body = {"chat": _record(db, chat)}
    return answer(body, status=200 if chat.status in FINISHED else 202)


def get_document(call: Call) -> Reply:
    """GET /api/agents/chats/{chat_id}/documents/{document_id}"""
    as_csv = call.query.choice("format", ("json", "csv")) == "csv"
    with call.instance.database.read() as db:
        chat = _chat(db, call)
        document = records.demand_document(db, chat.seq, call.path["document_id"])
    return document_reply(chat, document, as_csv=as_csv)


def document_reply(chat: StoredChat, document: StoredDocument, *, as_csv: bool) -> Reply:
    """A document with its rows, as JSON or as CSV."""
    if not as_csv:
        form = document_form(chat, document)
        form["rows"] = json.loads(document.rows)
        return answer({"document": form})
    columns = [column["name"] for column in document.record["columns"]]
    headers = {
        "Content-Disposition": f'attachment; filename="{document.id}.csv"',
        "X-Row-Count": str(document.record["rowCount"]),
        "X-Truncated": "true" if document.record["truncated"] else "false",
    }
    content = write_csv(columns, json.loads(document.rows))
    return Reply(content=content, media_type="text/csv; charset=utf-8", headers=headers)


def write_csv(columns: list[str], rows: list[list[Any]]) -> bytes:
    """RFC 4180 with a header line. Null is empty, arrays and objects are JSON."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return to_json(value).decode()
    if isinstance(value, str) and value.startswith(_RUN_BY_SPREADSHEETS) and not _is_number(value):
        return "'" + value  # a search term such as =HYPERLINK(…) is text, also in a spreadsheet
    return value  # type: ignore[no-any-return]  # what is left in JSON


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _record(db: Connection, chat: StoredChat) -> dict[str, Any]:
    return chat_form(
        chat,
        messages=records.messages(db, chat.seq),
        documents=records.documents(db, chat.seq),
        attempts=records.attempts(db, chat.seq),
        events=records.events(db, chat.seq),
    )


def _chat(db: Connection, call: Call) -> StoredChat:
    return chats.demand(db, call.caller.organisation_id, call.path["chat_id"])
