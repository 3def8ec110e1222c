"""The channels that the configuration declares, with their secrets as far as the environment has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interact_gitops.config.references import remember_secret, resolve_reference
from interact_gitops.errors import Failure
from interact_gitops.jobs.channels import FINGERPRINTS, TOPICS, Channel


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
        topics=tuple(raw.get("topics", TOPICS)),
        to=tuple(raw.get("to", ())),
        secrets=secrets,
        missing=missing,
        path=file,
        line=line,
    )
