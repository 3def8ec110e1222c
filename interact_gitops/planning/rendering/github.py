"""GitHub's Markdown with any text in it, of which GitHub makes nothing.

Only in a code span or a fence does GitHub make no mention (`@team`), no reference (`#123`), no link and no HTML of a
text: a backslash does not help against mentions (github/cmark-gfm#181), nor does an entity. A comment holds 65,536
characters ("Body is too long (maximum is 65536 characters)"), counted here in UTF-16 units, of which a text never has
fewer than characters: who posts it with JavaScript counts those. At three bytes each that is below the 262,144 bytes
that a comment may have, too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import escape

from interact_gitops.planning.rendering.styled import visible

MOST = 65_536  # UTF-16 units of a comment
LONGEST_NAME = 100  # characters of a name
_TICKS = re.compile("`+")


def marker(*identity: str, of: str = "plan") -> str:
    """The hidden line by which a comment is found again and edited; the same for the same identity, which it hides."""
    digest = hashlib.sha256("\n".join(identity).encode(errors="surrogatepass")).hexdigest()
    return f"<!-- interact-gitops:{of} {digest[:16]} -->"


def code(text: str, most: int = LONGEST_NAME) -> str:
    """Any text as a code span that it cannot leave: one line, at most `most` characters of it. Not for table cells,
    which end at a `|` even there."""
    shown = _shown(text, most)
    if not shown:
        return "(none)"
    ticks = "`" * (1 + _longest_run(shown))
    # One blank at each end is taken off by whoever renders it, but for a text of blanks alone (CommonMark, 6.1).
    pad = " " if shown.strip(" ") and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def html_code(text: str, most: int = LONGEST_NAME) -> str:
    """The same inside HTML of ours, such as a summary."""
    return f"<code>{escape(_shown(text, most))}</code>"


def fence(rows: Sequence[str]) -> str:
    """Visible lines as a block that they cannot leave, coloured by GitHub after their first characters."""
    ticks = "`" * max(3, 1 + max(map(_longest_run, rows), default=0))
    return "\n".join([f"{ticks}diff", *rows, ticks])


def folded(summary: str, rows: Sequence[str]) -> str:
    """A fence that is shown on a click on `summary`, which is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{fence(rows)}\n\n</details>"


def listed(names: Sequence[str], number: int) -> str:
    """Some names of `number`: `a, b and 3 more`."""
    more = number - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def shortened(text: str, most: int) -> str:
    """The first `most` characters, the last of them an ellipsis when there are more."""
    return text if len(text) <= most else text[: most - 1] + "…"


def size(text: str) -> int:
    """UTF-16 units, as a comment's length is counted."""
    return len(text.encode("utf-16-le")) // 2


def _shown(text: str, most: int) -> str:
    """Made visible first, which may make it ten times as long; no more than could be shown is looked at."""
    return shortened(visible(text[: most + 1]), most)


def _longest_run(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0) if "`" in text else 0
