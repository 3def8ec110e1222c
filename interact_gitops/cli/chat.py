"""`chat`: what one run asked, queried and answered."""

from __future__ import annotations

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, say_json
from interact_gitops.errors import SelectionInvalid


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

    with workspace.client() as client:
        record = client.chat(find_run(client, run))
        documents = documents_of(record.raw)
        wanted = document or (1 if form == "csv" else None)
        if wanted and wanted > len(documents):
            said = f"this chat has {len(documents) or 'no'} documents"
            raise SelectionInvalid(said, remedy="see it as text with `interact-gitops chat RUN`")
        if form == "csv":
            assert wanted is not None
            say(client.document_csv(record.id, str(documents[wanted - 1]["id"])), nl=False)
        elif form == "json":
            say_json({"chat": documents[wanted - 1]} if wanted else {"chat": record.raw})
        elif form == "markdown":
            say(chat_markdown(record.raw, record.state), nl=False)
        elif wanted:
            say(document_table(documents[wanted - 1], rows))
        else:
            for part in chat_text(record.raw, record.state, sql=sql, rows=rows):
                say(part)
