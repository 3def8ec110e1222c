"""Values → HTML. Everything is escaped that a template does not write itself; an unknown name is an error."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = address
    environment.filters.update(words.FILTERS)
    return environment
