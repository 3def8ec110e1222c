"""Documents to keep: a query's rows as CSV or JSON, as the API gives them."""

from __future__ import annotations

from interact_gitops.server.api.chats import document_reply
from interact_gitops.server.failures import NotFound
from interact_gitops.server.pages.answers import Download
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.store import chats, records


def download(visit: Visit) -> Download:
    """GET /chats/{chat_id}/documents/{document_id}.{csv or json}"""
    document_id, _, form = visit.path["file"].rpartition(".")
    if form not in {"csv", "json"}:
        raise NotFound("a document can be had as .csv or .json")
    with visit.instance.database.read() as db:
        chat = chats.demand(db, visit.organisation_id, visit.path["chat_id"])
        document = records.demand_document(db, chat.seq, document_id)
    reply = document_reply(chat, document, as_csv=form == "csv")
    headers = {name: text for name, text in reply.headers.items() if name.startswith("X-")}
    return Download(
        content=reply.content, media_type=reply.media_type, filename=f"{document.id}.{form}", headers=headers
    )
