"""Functions that make a long value out of a short query: `repeat('x', 2000000000)`, `range(2000000000)`.

Engines bound neither its memory (DuckDB's limit counts neither texts nor lists in the making) nor its time (one call is
not interrupted: half a minute). A text's length has to stand in the query, where it can be read; a series may be
computed, since days are, but a number that is written out has a limit. What grows by other means (`replace` within
`replace`, a computed series) is left to the engine's own limit of a value, which is gigabytes: whoever runs SQL of
authors that they do not trust bounds the memory of the process.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from interact_gitops.server.agents.connectors.lexing import Token, code

LONGEST = 100_000
DEEPEST = 200  # brackets within brackets: reading them is not interrupted, and takes seconds for some thousands
LONGEST_SERIES = 100_000_000
_BY_NUMBER = frozenset(("repeat", "lpad", "rpad", "list_resize", "array_resize", "bitstring"))
_BY_PRODUCT = frozenset(("levenshtein", "editdist3", "damerau_levenshtein"))
LONGEST_COMPARED = 200
_SERIES = frozenset(("range", "generate_series"))
_BY_FORMAT = frozenset(("printf", "format"))
_NUMBER = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"[0-9]{1,20}(?:\.[0-9]*)?(?:[eE][0-9]{1,2})?")
# A width that is an argument: %*d, or {:{}} as DuckDB's format() has it.
_COMPUTED_WIDTH = re.compile(r"%[^A-Za-z%]*\*|\{[^}]*\{")


def length_fault(found: tuple[Token, ...]) -> str | None:
    """What in the text takes long to read, or makes a text of unknown or great length; None when nothing does."""
    tokens = code(found)
    if _depth(tokens) > DEEPEST:
        return f"it has brackets more than {DEEPEST} deep"
    for index, (token, following) in enumerate(itertools.pairwise(tokens)):
        if following.text != "(" or token.kind not in ("word", "quoted"):
            continue
        arguments = _arguments(tokens, index + 2)
        if token.name in _BY_NUMBER and not _is_short(arguments[1:2]):
            return f"it uses {token.name} with a length that is no number up to {LONGEST:,}"
        if token.name in _BY_PRODUCT and not _are_compared(_arguments(tokens, index + 2)):
            return f"it uses {token.name} with a text of any length (write left(…, {LONGEST_COMPARED}))"
        if token.name in _SERIES and any(_is_large(argument) for argument in arguments):
            return f"it uses {token.name} with a number over {LONGEST_SERIES:,}"
        if token.name in _BY_FORMAT and not _is_plain(arguments[:1]):
            return f"it uses {token.name} with a format that is no plain text, or a width over {LONGEST:,}"
    return None


def _depth(tokens: Sequence[Token]) -> int:
    steps = ((token.text in "([{") - (token.text in ")]}") for token in tokens if len(token.text) == 1)
    return max(itertools.accumulate(steps), default=0)


def _arguments(tokens: Sequence[Token], start: int) -> list[list[Token]]:
    """The arguments of the call whose first token after the bracket is at `start`."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[start:]:
        if token.text in ")]}":
            depth -= 1
            if depth < 0:
                break
        elif token.text in "([{":
            depth += 1
        if token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return found


def _is_short(length: list[list[Token]]) -> bool:
    if not length or len(length[0]) != 1:
        return False
    text = length[0][0].text
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= LONGEST


def _are_compared(texts: list[list[Token]]) -> bool:
    return len(texts) == 2 and all(_is_compared(one) for one in texts)  # `a.levenshtein(b)` hides the first


def _is_compared(argument: list[Token]) -> bool:
    """Whether it is a written text, or `left(…, n)`, and short."""
    if len(argument) == 1:
        return argument[0].kind == "string" and len(argument[0].text) <= LONGEST_COMPARED
    if len(argument) < 4 or argument[0].name != "left" or argument[1].text != "(":
        return False
    inner = _arguments(argument, 2)
    size = sum(map(len, inner)) + len(inner) - 1
    whole = len(argument) == size + 3  # nothing after its bracket
    return whole and _is_short(inner[1:2]) and int(inner[1][0].text) <= LONGEST_COMPARED


def _is_large(argument: list[Token]) -> bool:
    """Whether a number over the limit is written out anywhere in it, underscores and exponents included."""
    numbers = (token.text.replace("_", "") for token in argument if token.kind == "number")
    return any(float(text) > LONGEST_SERIES if _FLOAT.fullmatch(text) else True for text in numbers)


def _is_plain(pattern: list[list[Token]]) -> bool:
    if not pattern or len(pattern[0]) != 1 or pattern[0][0].kind != "string":
        return False
    text = pattern[0][0].text
    widths = (int(digits[:10]) for digits in _NUMBER.findall(text))
    return not _COMPUTED_WIDTH.search(text) and all(width <= LONGEST for width in widths)
