"""Values → HTML. Everything is escaped that a template does not write itself, and made plain but for the values of
fields; an unknown name is an error."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from interact_gitops.notify.messages.cleaning import plain
from interact_gitops.server.pages import words
from interact_gitops.server.pages.static import address

_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page: the form token, where in the menu it is, and who looks at it (None: nobody is
    known, as where a request was turned away). `signed_in`: with the password, and so they can sign out."""

    token: str
    section: str
    visitor: str | None
    signed_in: bool = False


def render(template: str, value: Any, frame: Frame) -> bytes:
    """A page."""
    return _environment().get_template(template).render(page=value, frame=frame).encode("utf-8", "replace")


def _readable(value: Any) -> Any:
    """Text as it may be shown: no marks that turn the direction of reading, no control characters."""
    return plain(value) if type(value) is str and not value.isprintable() else value


def _exact(text: str) -> Markup:
    """The value of a field: what is sent back must be what was there."""
    return escape(text)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        finalize=_readable,
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = address
    environment.filters.update(words.FILTERS)
    environment.filters["exact"] = _exact
    return environment
