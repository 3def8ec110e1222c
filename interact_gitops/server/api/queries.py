"""Query parameters, read strictly: an unknown or repeated one is a fault, not noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interact_gitops.errors import did_you_mean
from interact_gitops.server.clock import from_text, to_text
from interact_gitops.server.failures import BodyFault, Invalid
from interact_gitops.server.store.paging import read_cursor

DEFAULT_LIMIT, MAX_LIMIT = 200, 500
_LONGEST_VALUE = 500
_LONGEST_TEXT = {"managedBy": 300}
_LONGEST_OTHER_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The parameters of one request, names known to the operation and each given once."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """A parameter as given. Raises Invalid for one that is empty, or longer than what it names can be."""
        value = self.values.get(name)
        longest = _LONGEST_TEXT.get(name, _LONGEST_OTHER_TEXT)
        if value is not None and not 0 < len(value) <= longest:
            raise refused(name, f"the query parameter {name} has 1 to {longest} characters")
        return value

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        """One of some words. Raises Invalid."""
        value = self.values.get(name)
        if value is not None and value not in options:
            raise refused(name, f"{value[:60]!r} is not one of {', '.join(options)}")
        return value

    def limit(self) -> int | None:
        """How many items a page may have; None when not given. Raises Invalid."""
        value = self.values.get("limit")
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 9 and 1 <= int(value) <= MAX_LIMIT):
            raise refused("limit", f"limit must be a whole number from 1 to {MAX_LIMIT}")
        return int(value)

    def cursor(self, kind: str) -> int | None:
        """The seq after which a page of this list goes on. Raises Invalid."""
        value = self.values.get("cursor")
        if value is None:
            return None
        try:
            return read_cursor(kind, value)
        except ValueError as error:
            raise refused("cursor", "this is not a nextCursor of this list") from error

    def later_than(self, name: str) -> str | None:
        """A time as stored, such that times after it are later than the given one or cannot be told from it.

        Stored times are whole milliseconds. Raises Invalid.
        """
        value = self.values.get(name)
        if value is None:
            return None
        try:
            # A plus that was not escaped arrives as a space.
            instant = from_text(value.replace(" ", "+"))
        except ValueError as error:
            raise refused(name, f"{value[:60]!r} is not a time as in 2026-11-23T07:00:00Z") from error
        return to_text(_before_its_millisecond(instant))


def read_query(pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> Query:
    """The parameters of a request to an operation that knows these. Raises Invalid."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            remedy = did_you_mean(name, known) or f"known here: {', '.join(known) or 'none'}"
            raise refused(name, f"unknown query parameter {name[:60]!r}", remedy)
        if name in values:
            raise refused(name, f"the query parameter {name} is given twice")
        if len(value) > _LONGEST_VALUE:
            raise refused(name, f"the query parameter {name} has more than {_LONGEST_VALUE} characters")
        values[name] = value
    return Query(values=values)


def refused(name: str, message: str, remedy: str | None = None) -> Invalid:
    """A fault of one query parameter."""
    fault = BodyFault(pointer="", parameter=name[:60] or None, message=message, code="query", remedy=remedy)
    return Invalid(message, faults=(fault,), remedy=remedy)


def _before_its_millisecond(instant: datetime) -> datetime:
    """The instant, or for a finer one the millisecond before its own: nothing later may be left out."""
    return instant - timedelta(milliseconds=1) if instant.microsecond % 1000 else instant
