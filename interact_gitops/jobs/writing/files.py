"""A file's bytes ↔ the text with LF line ends that everything here works on."""

from __future__ import annotations

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How a file is kept: with CRLF line ends throughout (a checkout's setting), with a byte order mark."""

    crlf: bool
    mark: bool

    def encode(self, text: str) -> bytes:
        """The bytes of a text that is kept so."""
        raw = (text.replace("\n", "\r\n") if self.crlf else text).encode()
        return codecs.BOM_UTF8 + raw if self.mark else raw


def decode(raw: bytes) -> tuple[str, Ends]:
    """(the text of a file that could be read, how it is kept); mixed line ends become LF."""
    text = raw.decode("utf-8-sig")
    crlf = "\r" in text and text.count("\r\n") == text.count("\n")
    return text.replace("\r\n", "\n"), Ends(crlf=crlf, mark=raw.startswith(codecs.BOM_UTF8))
