"""SQL text as tokens, the same for every engine.

The gate and the parameters need to know what is code and what is a comment or a string. Engines disagree on
the edges (nested comments, backslashes, dollar quotes, brackets), and a text that two readers read
differently is how a gate is walked around. So the edges are refused, with the plain spelling as the remedy;
what is left means the same to DuckDB, SQLite and PostgreSQL.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from interact_gitops.server.agents.connectors.connector import QueryFailed, Scalar

LONGEST_SQL = 100_000

TokenKind: TypeAlias = Literal["space", "comment", "string", "quoted", "parameter", "word", "number", "symbol"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<parameter>\$[A-Za-z_][A-Za-z0-9_]*(?![\w$]))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; the pieces in order are the whole text."""

    kind: TokenKind
    text: str

    @property
    def name(self) -> str:
        """A word or quoted name as the engine looks it up, in lower case; a parameter without its `$`."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"').lower()
        return self.text.lower() if self.kind == "word" else self.text.removeprefix("$")


def tokens(sql: str) -> tuple[Token, ...]:
    """The tokens of `sql`, in order and complete. Raises QueryFailed (refused) for ambiguous spellings."""
    if len(sql) > LONGEST_SQL:
        raise _refused(f"the SQL is {len(sql):,} characters; the limit is {LONGEST_SQL:,}", "shorten it")
    text = sql.replace("\r\n", "\n")
    if "\r" in text or "\0" in text:
        raise _refused("the SQL has a carriage return or NUL character of its own", "use plain line ends")
    found = tuple(_scan(text))
    for token, following in itertools.pairwise((*found, None)):
        assert token is not None
        _refuse_ambiguous(token, following)
    return found


def code(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens that mean something: no space, no comments."""
    return tuple(token for token in found if token.kind not in ("space", "comment"))


def parameters_used(found: tuple[Token, ...]) -> tuple[str, ...]:
    """The `$name`s in order of first use."""
    return tuple(dict.fromkeys(token.name for token in found if token.kind == "parameter"))


def bound(found: tuple[Token, ...], values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The values that the text uses. Raises QueryFailed when one is missing."""
    used = parameters_used(found)
    missing = [f"${name}" for name in used if name not in values]
    if missing:
        raise QueryFailed(f"the query has no value for {', '.join(missing)}", kind="failed")
    for name in used:
        _refuse_unbindable(name, values[name])
    return {name: values[name] for name in used}


def _refuse_unbindable(name: str, value: Scalar) -> None:
    """What some engine's client would turn away with an error of Python's own."""
    whole = isinstance(value, int) and not -(2**63) <= value < 2**63
    broken = isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value))
    if whole or broken:
        remedy = "whole numbers have 64 bits at most; text has no NUL and no half of a character"
        raise QueryFailed(f"the value of ${name} cannot be bound", kind="failed", remedy=remedy)


def functions_called(found: tuple[Token, ...]) -> frozenset[str]:
    """Every name directly before an opening bracket, in lower case: each function, and some keywords."""
    meaningful = code(found)
    return frozenset(
        token.name
        for token, following in itertools.pairwise(meaningful)
        if token.kind in ("word", "quoted") and following.text == "("
    )


def _scan(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None  # `symbol` matches any character
        yield Token(kind, match.group())  # type: ignore[arg-type]


def _refuse_ambiguous(token: Token, following: Token | None) -> None:
    text = token.text
    if token.kind == "comment" and "/*" in text[2:] and text.startswith("/*"):
        raise _refused("a comment inside a comment", "engines disagree on where it ends; use -- comments")
    if token.kind == "symbol" and text in "'\"`\\":
        raise _refused(f"a {text} that is never closed, or means nothing here", "quote text '…' and names \"…\"")
    if token.kind == "symbol" and text == "$":
        raise _refused("a $ that is no parameter", "write parameters as $name, and text in '…' not $$…$$")
    if token.kind == "symbol" and text == "/" and following is not None and following.text == "*":
        raise _refused("a comment that is never closed", "close it with */")
    prefixes_string = following is not None and following.kind == "string"
    if token.kind == "word" and prefixes_string and text.lower() == "e":
        raise _refused("an E'…' string", "backslashes mean different things to engines; use '…' or chr()")
    if token.kind == "symbol" and text == "&" and following is not None and following.kind in ("string", "quoted"):
        raise _refused("a U&'…' string or name", "write the characters themselves")


def _refused(message: str, remedy: str) -> QueryFailed:
    return QueryFailed(f"the query was not run: {message}", kind="refused", remedy=remedy)
