"""The channels that the configuration declares, with their secrets as far as the environment has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interact_gitops.config.references import is_reference, remember_secret, resolve_reference
from interact_gitops.errors import Failure
from interact_gitops.jobs.channels import FINGERPRINTS, TOPICS, Channel

# An address whose host is written out, and ends before anything that a reference may add to it.
_HOST = re.compile(r"(https?://[A-Za-z0-9.:\[\]_-]+)(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)


def written_channel(name: str, raw: Mapping[str, Any], file: str, line: int) -> Channel:
    """One channel as written: its secrets are the references, for comparing two versions of a file."""
    return _channel(
        name, raw, file, line, secrets={part: raw[part] for part in FINGERPRINTS if part in raw}, missing={}
    )


def read_channel(
    name: str, raw: Mapping[str, Any], environ: Mapping[str, str], file: str, line: int, folder: Path
) -> Channel:
    """One channel as declared at `line` of `file`; relative secret files start at `folder`."""
    secrets: dict[str, str] = {}
    missing: dict[str, str] = {}
    for part in FINGERPRINTS:
        if part in raw:
            try:
                what = f"{file}: channels.{name}.{part}"
                secrets[part] = remember_secret(resolve_reference(raw[part], environ, what, folder=folder))
            except Failure as failure:
                missing[part] = failure.message.removeprefix(f"{what}: ")
    return _channel(name, raw, file, line, secrets=secrets, missing=missing)


def _channel(
    name: str, raw: Mapping[str, Any], file: str, line: int, *, secrets: Mapping[str, str], missing: Mapping[str, str]
) -> Channel:
    return Channel(
        name=name,
        type=raw["type"],
        level=raw.get("level", "info"),
        leads_to=_leads_to(raw["url"], secrets.get("url")) if "url" in raw and raw["type"] != "apprise" else None,
        topics=tuple(raw.get("topics", TOPICS)),
        to=tuple(raw.get("to", ())),
        secrets=secrets,
        missing=missing,
        path=file,
        line=line,
    )


def _leads_to(written: str, address: str | None) -> str:
    """Scheme and host of a channel's address, the rest of which is a secret.

    What a reference stands for is looked at where it is the whole address alone: a secret that is put into a host would
    be shown as a part of it. Not for Apprise, whose addresses have secrets anywhere.
    """
    if is_reference(written):
        if address in (None, written):
            return f"what {written} says"
        try:
            parts = urlsplit(str(address))
            named, port = parts.hostname, f":{parts.port}" if parts.port else ""
        except ValueError:
            named = None
        web = named and parts.scheme in {"http", "https"}
        return f"{parts.scheme}://{named}{port}" if web else "no address of the web"
    known = _HOST.fullmatch(written)
    return known[1] if known else "an address whose host is not written out"
