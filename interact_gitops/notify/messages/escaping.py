"""What each format would take for more than text, made text. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup

_CONTROL = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Slack formats only where a mark stands at the edge of a word; there, and only there, a look-alike takes its place.
_AT_AN_EDGE = re.compile(r"(?<![^\W_])[*_~]+|[*_~]+(?![^\W_])")
_LOOK_ALIKE = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼"})
_MENTION = re.compile(r"@(?=\w)")


class Ready(str):
    """Text that is in its format already."""

    __slots__ = ()


def mrkdwn(text: str, limit: int | None = None) -> Ready:
    """Text for Slack's mrkdwn: no mention (`<!channel>`, `<@U1>`), link or formatting is left in it.

    At most `limit` characters as Slack counts them, after escaping.
    """
    return code(_AT_AN_EDGE.sub(lambda found: found[0].translate(_LOOK_ALIKE), text), limit)


def code(text: str, limit: int | None = None) -> Ready:
    """Text to stand between backticks in mrkdwn, where nothing else is formatted."""
    made = [_CONTROL.get(c, c) for c in text.replace("`", "ˋ")]
    if limit is not None and sum(map(len, made)) > limit:
        size = 1
        for index, piece in enumerate(made):
            size += len(piece)
            if size > limit:
                made[index:] = ["…"]
                break
    return Ready("".join(made))


def unpinged(text: str) -> str:
    """Text for services whose rules are not known: an @ calls nobody, and markup opens no tag."""
    return _MENTION.sub("@\u200b", text).replace("<", "‹").replace(">", "›")


def json_of_slack(value: Any) -> Markup:
    """A template's value as JSON, texts escaped for mrkdwn unless they are ready; what a macro made stays."""
    if isinstance(value, Markup):
        return value
    text = mrkdwn(value) if isinstance(value, str) and not isinstance(value, Ready) else value
    return Markup(json.dumps(text))  # noqa: S704 - no HTML: the mark says that this is JSON already


def json_of_teams(value: Any) -> Markup:
    """A template's value as JSON. The card's templates put texts into text runs only, which know no markup."""
    return value if isinstance(value, Markup) else Markup(json.dumps(value))  # noqa: S704 - as above
