"""A message in the form of each kind of channel, within that channel's limits. Pure but for reading templates.

Slack and Teams are JSON: in their templates every `{{ … }}` gives a whole JSON value, quotes included, so no text can
end the string that it stands in. HTML is escaped by Jinja2.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from interact_gitops.errors import Failure
from interact_gitops.notify.messages.escaping import Ready, code, json_of_slack, json_of_teams, mrkdwn
from interact_gitops.notify.messages.message import Line, Message, Table, shortened

SLACK_CHARACTERS, SLACK_BLOCKS, SLACK_SECTION = 40_000, 50, 3_000  # docs.slack.dev, Block Kit and chat.postMessage
TEAMS_BYTES = 28 * 1024  # learn.microsoft.com, limits of incoming webhooks and Workflows
WEBHOOK_BYTES = 256 * 1024
EMAIL_SUBJECT = 150  # characters
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An email's parts."""

    subject: str
    text: str
    html: str


def email(message: Message) -> Letter:
    """Subject, plain text, and the same in HTML."""
    text = _text(message)
    html = _template("email.html.j2").render(m=message)
    return Letter(subject=_cut(message.title, EMAIL_SUBJECT), text=text + "\n", html=html)


def slack(message: Message) -> bytes:
    """The body for an incoming webhook."""
    return _fitting(message, _slack, lambda body: len(body.decode()) <= SLACK_CHARACTERS)


def teams(message: Message) -> bytes:
    """The body for a Workflows webhook: one Adaptive Card 1.4."""
    return _fitting(message, _teams, lambda body: len(body) <= TEAMS_BYTES)


def webhook(message: Message) -> bytes:
    """The body for a generic webhook (`schema/notification.schema.json`)."""
    record: Mapping[str, Any] = message.record
    for share in _SHARES:
        kept = record["parts"][: int(len(record["parts"]) * share)]
        left = record["partsLeftOut"] + len(record["parts"]) - len(kept)
        text = json.dumps({**record, "parts": kept, "partsLeftOut": left}, ensure_ascii=False)
        body = text.encode("utf-8", "replace")  # half a character, of an engine that let it through, is none
        if len(body) <= WEBHOOK_BYTES:
            break
    return body


def short_text(message: Message, characters: int) -> str:
    """Plain text for services that take a title and a body."""
    for share in _SHARES:
        text = _text(shortened(message, share))
        if len(text) <= characters:
            break
    return _cut(text, characters)


def _text(message: Message) -> str:
    text = _template("email.txt.j2").render(m=message, columns=_columns).strip()
    return re.sub(r"\n{3,}", "\n\n", text)


def _fitting(message: Message, render: Callable[[Message], bytes], fits: Callable[[bytes], bool]) -> bytes:
    for share in _SHARES:
        body = render(message if share == 1.0 else shortened(message, share))
        if fits(body):
            return body
    raise Failure("the message is too large for its channel even without its answer")


def _slack(message: Message) -> bytes:
    return _json(
        _template("slack.json.j2").render(
            m=message, text=mrkdwn, code=code, ready=Ready, words=_mrkdwn_lines, section_limit=SLACK_SECTION,
            columns=_columns,
        )
    )  # fmt: skip


def _teams(message: Message) -> bytes:
    return _json(_template("teams.json.j2").render(m=message))


def _json(text: str) -> bytes:
    # Read and written again: what is sent is JSON, and compact, whatever the template's layout.
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


def _mrkdwn_lines(lines: tuple[Line, ...], limit: int) -> Ready:
    """An answer for a section of Slack; whole lines only, an ellipsis where one did not fit."""
    made: list[str] = []
    size = 0
    for line in lines:
        text = "".join(f"*{mrkdwn(piece)}*" if bold and piece.strip() == piece else mrkdwn(piece)
                       for piece, bold in line.pieces)  # fmt: skip
        text = f"• {text}" if line.item else text
        size += len(text) + 1
        if size > limit - 2:
            made.append("…")
            break
        made.append(text)
    return Ready("\n".join(made))


def _columns(table: Table, most: int) -> str:
    """A run's combinations as aligned text of at most `most` characters."""
    head = (*table.columns, "result", "took", "says")
    rows = [(*row.values, row.result, row.took, row.said) for row in table.rows]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in (head, *rows)]
    left, kept = table.left, []
    size = 40  # for the last line
    for index, line in enumerate(lines):
        size += len(line) + 1
        if size > most:
            left += len(lines) - index
            break
        kept.append(line)
    return "\n".join([*kept, *([f"… and {left:,} more"] if left else [])])


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@functools.cache
def _environment(kind: str) -> Environment:
    finalize = {"slack": json_of_slack, "teams": json_of_teams}.get(kind)
    return Environment(
        loader=PackageLoader("interact_gitops.notify.messages"),
        # For JSON: what a macro gives is marked, and so not made JSON a second time.
        autoescape=kind != "txt",  # noqa: S701 - plain text has nothing to escape
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def _template(name: str) -> Any:
    first, second = name.split(".")[:2]
    return _environment(first if second == "json" else second).get_template(name)
