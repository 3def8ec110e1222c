"""What a visitor reads when a request cannot be answered as it was meant."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass

from interact_gitops.server.failures import Bug, Declined, Unavailable
from interact_gitops.server.pages.answers import Page
from interact_gitops.server.pages.words import sentence

log = logging.getLogger(__name__)

_UNTOLD = frozenset({405, 500})  # whose messages say nothing that helps somebody who reads pages
_WORDS = {
    405: "This address takes no such request.",
    500: "The server met a bug; its log has the details. Nothing that you did before is lost.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`faults` are single things that are wrong; `back` is where to go on."""

    status: int
    title: str
    said: str
    remedy: str | None
    faults: tuple[str, ...] = ()
    back: str = "/"
    back_words: str = "All jobs"


def problem_page(declined: Declined, *, back: str = "/", back_words: str = "All jobs") -> Page:
    """The page that tells of a declined request."""
    said = sentence(declined.message)
    if declined.status in _UNTOLD:
        said = _WORDS[declined.status]
    faults = tuple(fault.message for fault in declined.faults if fault.message != declined.message)
    value = Problem(
        status=declined.status,
        title=declined.title,
        said=said,
        remedy=None if declined.remedy is None else sentence(declined.remedy),
        faults=faults,
        back=back,
        back_words=back_words,
    )
    headers = {name: text for name, text in declined.headers.items() if name in {"Retry-After", "Allow"}}
    return Page(template="problem.html", value=value, status=declined.status, headers=headers)


def unexpected_page(error: Exception) -> Page:
    """The page for what nobody expected: no word of it leaves the log."""
    if isinstance(error, sqlite3.OperationalError):  # a full disk, a lost file system
        log.error("the store cannot be used", exc_info=error)
        return problem_page(Unavailable("the server's store cannot be used just now", headers={"Retry-After": "1"}))
    log.error("a page met a bug", exc_info=error)
    return problem_page(Bug("the server met a bug; its log has the details"))
