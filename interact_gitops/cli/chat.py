"""`chat`: what one run asked, queried and answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, say_json
from interact_gitops.errors import SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client


@command(
    "chat",
    examples="""
interact-gitops chat chat_65196ac6
interact-gitops chat chat_65196ac6 --sql
interact-gitops chat chat_65196ac6 --format csv --document 1 > rows.csv
""",
)
@click.argument("run")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown", "csv"]), default="text")
@click.option("--document", type=click.IntRange(1), help="Only the N-th document's rows (with csv: default 1).")
@click.option("--rows", type=click.IntRange(0), default=20, show_default=True, help="Rows shown of a table.")
@click.option("--sql", is_flag=True, help="Show the SQL of every query.")
def chat(workspace: Workspace, run: str, form: str, document: int | None, rows: int, sql: bool) -> None:
    """Show the chat RUN (an id, a run key, or the unique beginning of one): questions, answers, result tables."""
    from interact_gitops.cli.chats import find_run
    from interact_gitops.cli.conversation import chat_markdown, chat_text, document_table, documents_of
    from interact_gitops.cli.transcripts import readable

    with workspace.client() as client:
        record = client.chat(find_run(client, run))
        shown = readable(record.raw)
        documents = documents_of(record.raw)
        wanted = document or (1 if form == "csv" else None)
        if wanted and wanted > len(documents):
            said = f"this chat has {len(documents) or 'no'} documents"
            raise SelectionInvalid(said, remedy="see it as text with `interact-gitops chat RUN`")
        if form == "csv":
            assert wanted is not None
            say(_csv(client, record.id, documents[wanted - 1]), nl=False)
        elif form == "json":
            say_json({"chat": documents[wanted - 1]} if wanted else {"chat": record.raw})
        elif form == "markdown":
            say(chat_markdown(shown, record.state), nl=False)
        elif wanted:
            say(document_table(documents_of(shown)[wanted - 1], rows))
        else:
            for part in chat_text(shown, record.state, sql=sql, rows=rows):
                say(part)


def _csv(client: Client, chat_id: str, document: Mapping[str, Any]) -> str:
    """A document's rows: the target's own CSV, or, where the API has none, the rows in the record."""
    from interact_gitops.cli.transcripts import csv_text

    if client.surface() == "full":
        return client.document_csv(chat_id, str(document["id"]))
    text = csv_text(document)
    if text is None:
        raise SelectionInvalid("this document has no rows", remedy="see it with `--format json`")
    return text
