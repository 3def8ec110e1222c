"""A value → its YAML text. What is written here means the same to every reader, of YAML 1.1 or 1.2.

`yes`, `12:30` and `2026-01-01` are texts to us and something else to others: they get quotes. So does whatever
cannot be seen, as an escape.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from interact_gitops.jobs.scalars import ScalarRefused, resolve
from interact_gitops.jobs.source import UNSEEN

STEP = 2  # columns by which what is inside stands to the right
_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=~<](?:[^\n\t:#]|:(?! |\Z)|(?<! )#)*(?<! )\Z")
_IN_FLOW = re.compile(r"[,\[\]{}:?]")  # some readers take the last two for more than text
_SHORT = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_ODD = frozenset({"y", "Y", "n", "N", "..."})  # booleans of YAML 1.1, and the end of a document


def scalar(value: Any, *, flow: bool = False, quote: bool = False) -> str:
    """A scalar on one line. `flow`: inside brackets. `quote`: a text gets quotes though it needs none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    if not quote and is_plain(text) and not (flow and _IN_FLOW.search(text)):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes; in single ones where that spares escapes."""
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def is_plain(text: str) -> bool:
    """Whether a text needs no quotes outside of brackets."""
    return text.isprintable() and _PLAIN.match(text) is not None and _is_text_to_all(text)


def literal(text: str, indent: int) -> tuple[str, list[str]] | None:
    """(header, lines) of a text as a block scalar, its lines indented by `indent` columns, two more than its parent.

    None for a text that no block can hold, or whose blanks at the end an editor would take away.
    """
    rows = text.removesuffix("\n").split("\n")
    first = next((number for number, row in enumerate(rows) if row.strip(" \t")), None)
    if first is None or (rows[-1] and not rows[-1].strip(" \t")) or "\r" in text or UNSEEN.search(text):
        return None
    header = "|" + (str(STEP) if any(row[:1] in {" ", "\t"} for row in rows[: first + 1]) else "")
    header += "-" if not text.endswith("\n") else "+" if rows[-1] == "" else ""
    return header, [" " * indent + row if row else "" for row in rows]


def _number(value: float) -> str:
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    # YAML 1.1 knows an exponent by the point before it and the sign after.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


@functools.lru_cache(maxsize=4_096)
def _is_text_to_all(text: str) -> bool:
    """Whether a plain scalar is a text to us and to readers of YAML 1.1."""
    import yaml

    try:
        if not isinstance(resolve(text), str) or text in _ODD:
            return False
    except ScalarRefused:
        return False
    rules = yaml.SafeLoader.yaml_implicit_resolvers
    return not any(form.match(text) for _, form in [*rules.get(text[0], ()), *rules.get(None, ())])
