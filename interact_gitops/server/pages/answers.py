"""What a view gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A template with the value that it calls `page`. `private`: it holds what no cache may keep, not even for the
    Back button (a key that is shown once)."""

    template: str
    value: Any
    status: int = 200
    private: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """After a form: 303, so that the browser reads the page at `location` (a path here) and a reload sends nothing."""

    location: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to keep."""

    content: bytes = field(repr=False)
    media_type: str
    filename: str
    headers: Mapping[str, str] = field(default_factory=dict)


Outcome: TypeAlias = Page | Redirect | Download
