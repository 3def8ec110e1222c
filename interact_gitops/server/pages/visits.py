"""A request as a view sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from interact_gitops.server.failures import Malformed, UnsupportedMediaType
from interact_gitops.server.instance import Instance
from interact_gitops.server.pages.board import Board
from interact_gitops.server.pages.sessions import Session
from interact_gitops.server.pages.visitors import Visitor

FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 2_000
_LONGEST_QUERY_VALUE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of a form or a query string, each with every value that was given. Missing ones are empty texts."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The last value of a field."""
        given = self.values.get(name)
        return given[-1] if given else ""

    def given(self, name: str) -> bool:
        """Whether the field was sent."""
        return name in self.values

    def number(self, name: str, *, otherwise: int, most: int = 1_000_000) -> int:
        """A whole number from 1 on; `otherwise` for anything else: nobody types these by hand."""
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most:
            return int(text)
        return otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page, let in and read. Header names are in lower case; `client` is the address of whoever
    asks, `secure`: they came over https, by the server's public address."""

    instance: Instance
    board: Board
    visitor: Visitor
    session: Session
    path: Mapping[str, str]
    query: Fields
    form: Fields
    headers: Mapping[str, str]
    now: datetime
    client: str
    secure: bool

    @property
    def organisation_id(self) -> str:
        """Whose jobs and chats there are for this visitor."""
        return self.visitor.organisation_id


def read_form(raw: bytes, content_type: str | None) -> Fields:
    """The fields of a form that a browser sent. Raises UnsupportedMediaType, Malformed."""
    if not raw:
        return Fields()
    if (content_type or "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise UnsupportedMediaType("this is not a form of these pages", remedy=f"send {FORM_TYPE}")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise Malformed("the form cannot be read") from error
    return _fields(pairs)


def read_pairs(pairs: Sequence[tuple[str, str]]) -> Fields:
    """The fields of a query string; ones of unreasonable length are left out."""
    return _fields([pair for pair in pairs if len(pair[1]) <= _LONGEST_QUERY_VALUE])


def _fields(pairs: Sequence[tuple[str, str]]) -> Fields:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return Fields(values=found)
