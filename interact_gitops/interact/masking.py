"""Secrets taken out of what a target answers: servers and proxies repeat what they were sent, headers included.

Pure. A secret is looked for as it is, and as JSON, HTML and addresses write it.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters; what is shorter may well be a word of an answer that means something else
MASK = "(a secret)"


class Mask:
    """The secrets of one target. More may be added at any time, from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these from now on."""
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: a form may stand within another one.
        self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))

    def text(self, text: str) -> str:
        """The text without them."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def raw(self, raw: bytes) -> bytes:
        """The same for UTF-8 bytes."""
        for form in self._forms:
            raw = raw.replace(form.encode(errors="surrogatepass"), MASK.encode())
        return raw

    def value(self, value: Any) -> Any:
        """The same for a JSON value, once decoded: escapes such as `\\u0026` hide a secret in its text."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(one) for name, one in value.items()}
        return value


def _forms(secret: str) -> set[str]:
    once = {
        secret, html.escape(secret), html.escape(secret, quote=False), repr(secret)[1:-1],
        quote(secret), quote(secret, safe=""), quote_plus(secret), *_in_json(secret),
    }  # fmt: skip
    # A request's body that is repeated in a JSON answer was written as JSON twice.
    return once | {form for one in once for form in _in_json(one)}


def _in_json(text: str) -> set[str]:
    plain = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return plain | {one.replace("/", "\\/") for one in plain}
