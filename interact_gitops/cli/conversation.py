"""A chat as people read it: who asked what, the answer, the SQL, the rows.

The shape of a hosted chat is not documented, so everything is read tolerantly: what has no form that
we know is shown as JSON rather than left out.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from interact_gitops.cli.output import NEWLINE, duration, mark, table, visible, width
from interact_gitops.planning.rendering.github import code

ROWS_SHOWN = 20
CELL_WIDTH = 40
TURNED_ROWS = 3
MARKDOWN_ROWS = 200
WIDTH_WITHOUT_TERMINAL = 120
TRIGGERS = {"manual": "started by hand", "schedule": "started by its schedule", "api": "started through the API"}
_ADDRESS = re.compile(r"\b(?:(?:https?|ftp|mailto|xmpp):|www(?=\.))", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def chat_text(chat: Mapping[str, Any], state: str, *, sql: bool = False, rows: int = ROWS_SHOWN) -> Iterator[str]:
    """The conversation, styled for a terminal, line group by line group. `chat` is the raw record."""
    job = chat.get("job") or {}
    yield click.style(visible(str(job.get("name") or "Ad-hoc question")), bold=True) + "  " + mark(state)
    yield from _facts(chat)
    documents = {document.get("id"): document for document in chat.get("documents") or () if isinstance(document, dict)}
    for message in chat.get("messages") or ():
        yield ""
        yield from _message_text(message, documents, sql=sql, rows=rows)
    said = json.dumps(chat.get("messages"), ensure_ascii=False)
    for anomaly in chat.get("anomalies") or ():
        if (
            json.dumps(anomaly.get("message"), ensure_ascii=False)[1:-1] not in said
        ):  # answers mostly tell it themselves
            yield click.style("anomaly: ", fg="yellow", bold=True) + visible(str(anomaly.get("message", anomaly)))


def _facts(chat: Mapping[str, Any]) -> Iterator[str]:
    parameters = chat.get("parameters")
    facts = [f"chat {chat.get('id')}"]
    if isinstance(parameters, dict) and parameters:
        facts.append(", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items()))
    if chat.get("trigger"):
        facts.append(TRIGGERS.get(chat["trigger"], f"started by {chat['trigger']}"))
    if isinstance(chat.get("runSeconds"), int | float):
        facts.append(f"took {duration(chat['runSeconds'])}")
    yield click.style(visible(" · ".join(facts)), dim=True)
    error = chat.get("error")
    if error:
        said = error.get("message") if isinstance(error, dict) else error
        word = "" if chat.get("status") == "cancelled" else click.style("failed: ", fg="red", bold=True)
        yield word + visible(str(said or error), keep=NEWLINE)


def _message_text(message: Any, documents: Mapping[Any, Any], *, sql: bool, rows: int) -> Iterator[str]:
    if not isinstance(message, dict) or not isinstance(message.get("blocks"), list):
        yield visible(_json(message), keep=NEWLINE)
        return
    asked = message.get("role") == "user"
    for block in message["blocks"]:
        kind, document = _read_block(block, documents)
        if kind in {"text", "report"}:
            text = visible(str(block.get("text", "")), keep=NEWLINE).strip()
            yield (
                "\n".join(click.style("> ", fg="cyan") + line for line in text.splitlines()) if asked else _styled(text)
            )
        elif kind == "table" and document:
            yield "\n" + document_table(document, rows)
        elif kind == "query" and document:
            if sql:
                yield click.style(visible(str(document.get("sql", "")), keep=NEWLINE).strip(), dim=True)
            yield click.style(visible(_source(document)), dim=True)
        elif kind == "error":
            remedy = f"\n  {block['remedy']}" if block.get("remedy") else ""
            yield click.style("error: ", fg="red") + visible(f"{block.get('message')}{remedy}", keep=NEWLINE)
        elif kind == "chart":
            yield click.style(visible(f"[chart] {block.get('title') or ''}"), dim=True)
        else:
            yield visible(_json(block), keep=NEWLINE)


def _read_block(block: Any, documents: Mapping[Any, Any]) -> tuple[str | None, Mapping[str, Any] | None]:
    """(a block's type, the document that it points to), each None for what cannot be looked up."""
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str):
        return None, None
    reference = block.get("document")
    return kind, documents.get(reference) if isinstance(reference, str | int) else None


def document_table(document: Mapping[str, Any], rows: int = ROWS_SHOWN) -> str:
    """A document's rows as an aligned table, cut to `rows`, with what is left out said below.

    A table that is wider than the terminal is turned: few rows stand one below the other, of many the columns
    that fit are shown.
    """
    columns = [str(column.get("name")) for column in document.get("columns") or ()]
    values = (document.get("rows") or ())[:rows]
    shown = _cells(document, rows)
    total = document.get("rowCount", len(document.get("rows") or ()))
    said = f"{total} row{'' if total == 1 else 's'}"
    if total > len(shown):
        said = f"{len(shown)} of {said} shown"
    if document.get("truncated"):
        said += ", the query had more"
    fitting = _fitting(columns, shown)
    if fitting < len(columns) and len(shown) <= TURNED_ROWS:
        body = "\n\n".join(_turned(columns, row) for row in shown)
    else:
        numbers = [i for i in range(fitting) if values and all(_numeric(row[i]) for row in values)]
        body = table(columns[:fitting], [row[:fitting] for row in shown], right=numbers)
        if fitting < len(columns):
            said += f"; {len(columns) - fitting} more columns in `--format csv`"
    return body + "\n" + click.style(said, dim=True)


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many columns, from the left, a terminal holds; all of them where there is none."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    used = 0
    for index, name in enumerate(columns):
        used += max([width(name), *(width(row[index]) for row in rows)]) + 2
        if used - 2 > room:
            return max(1, index)
    return len(columns)


def _turned(columns: Sequence[str], row: Sequence[str]) -> str:
    head = max(map(width, columns))
    return "\n".join(
        click.style(f"  {visible(name):<{head}}", dim=True) + "  " + visible(cell)
        for name, cell in zip(columns, row, strict=True)
    )


def chat_markdown(chat: Mapping[str, Any], state: str) -> str:
    """The conversation as markdown; text from outside is escaped, so that it stays text."""
    job = chat.get("job") or {}
    parts = [
        f"# {escape_markdown(str(job.get('name') or 'Ad-hoc question'))}",
        f"Chat {code(str(chat.get('id')))}: **{state}**",
    ]
    documents = {document.get("id"): document for document in chat.get("documents") or () if isinstance(document, dict)}
    for message in chat.get("messages") or ():
        blocks = message.get("blocks") if isinstance(message, dict) else None
        for block in blocks if isinstance(blocks, list) else [message]:
            kind, document = _read_block(block, documents)
            if kind in {"text", "report"}:
                text = escape_markdown(str(block.get("text", "")).strip(), bold=True)
                parts.append(
                    "\n".join(f"> {line}" for line in text.splitlines()) if message.get("role") == "user" else text
                )
            elif kind == "table" and document:
                parts.append(_markdown_table(document))
            elif kind == "query" and document:
                parts.append(_fenced(str(document.get("sql", "")), "sql"))
            elif kind == "error":
                parts.append(f"**Error:** {escape_markdown(str(block.get('message')))}")
            elif kind != "chart":
                parts.append(_fenced(_json(block), "json"))
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: str, *, bold: bool = False) -> str:
    """`text` with everything that markdown or HTML would act on made literal; `bold` keeps `**…**` and bullets.

    Names after `@`, addresses of mail and of the web are taken for links after backslashes are gone: what stands
    between their parts is not seen.
    """
    escaped = re.sub(r"([\\`_\[\]<>|#!&~$])", r"\\\1", visible(text, keep=NEWLINE))
    escaped = re.sub(r"@(?=\w)", "@\N{WORD JOINER}", escaped)
    escaped = _ADDRESS.sub(lambda found: f"{found[0]}\N{WORD JOINER}", escaped)
    # A line of these alone is a rule, or makes a heading of the one above it.
    escaped = re.sub(r"(?m)^([ \t]*)(?==+[ \t]*$|-+[ \t]*$|(?:-[ \t]*){3,}$)", r"\1\\", escaped)
    if bold:
        return re.sub(r"(?m)^([ \t]*)(?=(?:\*[ \t]*){3,}$)", r"\1\\", escaped)
    return re.sub(r"(?m)^(\s*)([-+*]|\d+\.)(?=\s)", r"\1\\\2", escaped.replace("*", r"\*"))


def _markdown_table(document: Mapping[str, Any]) -> str:
    columns = [_in_a_row(str(column.get("name"))) for column in document.get("columns") or ()]
    cells = _cells(document, MARKDOWN_ROWS)
    lines = [columns, ["---"] * len(columns), *([_in_a_row(cell) for cell in row] for row in cells)]
    table_text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    total = document.get("rowCount", len(cells))
    return table_text if total <= len(cells) else f"{table_text}\n\n{len(cells)} of {total} rows"


def _in_a_row(text: str) -> str:
    """A cell of a table, which ends with its line."""
    return escape_markdown(" ".join(text.splitlines()))


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}{language}\n{visible(text, keep=NEWLINE).strip()}\n{fence}"


def _styled(text: str) -> str:
    return _BOLD.sub(lambda found: click.style(found.group(1), bold=True), text)


def _source(document: Mapping[str, Any]) -> str:
    took = document.get("durationSeconds")
    engine = [str(document[name]) for name in ("engine", "engineVersion") if document.get(name)]
    parts = [f"query {document.get('query') or document.get('title') or document.get('id')}"]
    parts += [" ".join(engine)] if engine else []
    if isinstance(took, int | float):
        parts.append(f"{took:.2f} s")
    return " · ".join(parts)


def _cells(document: Mapping[str, Any], rows: int) -> list[list[str]]:
    values = (document.get("rows") or ())[:rows]
    formats = [_decimals(row[i] for row in values) for i in range(len(document.get("columns") or ()))]
    return [[_cell(value, formats[i]) for i, value in enumerate(row)] for row in values]


def _decimals(values: Iterable[object]) -> int:
    """How many decimals a column needs, at most four: the same for all its numbers, so that they line up."""
    parts = [f"{value:.4f}".rstrip("0").partition(".")[2] for value in values if isinstance(value, float)]
    return max(map(len, parts), default=0)


def _cell(value: object, decimals: int) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (decimals and isinstance(value, int)):
        return f"{value:,.{decimals}f}"
    text = str(value)
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def _numeric(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def documents_of(chat: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The chat's documents in order."""
    found = chat.get("documents")
    return [document for document in found if isinstance(document, dict)] if isinstance(found, list) else []
