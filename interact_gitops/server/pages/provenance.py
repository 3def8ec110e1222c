"""Where a definition comes from: its file and commit, and their address where the repository's is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SSH = re.compile(r"(?:ssh://)?git@([A-Za-z0-9.-]+)[:/]([^?#\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is known; an address is None where nobody can tell it."""

    managed_by: str | None
    path: str | None
    commit: str | None
    file_address: str | None
    commit_address: str | None


def provenance(
    *, managed_by: str | None, path: str | None, commit: str | None, standings: Iterable[Mapping[str, Any]]
) -> Provenance:
    """The provenance of a job. `standings`: what the sync loops say, which know the repository."""
    base, kind = _browsable(managed_by, standings)
    exact = commit if commit and _COMMIT.fullmatch(commit) else None
    file_address = commit_address = None
    if base is not None and exact is not None:
        blob, one = ("/-/blob/", "/-/commit/") if kind == "gitlab" else ("/blob/", "/commit/")
        commit_address = base + one + exact
        if path and not path.startswith("/") and ".." not in path.split("/"):
            below = _below(managed_by or "", base)
            file_address = f"{base}{blob}{exact}/{quote(below + path)}"
    return Provenance(
        managed_by=managed_by, path=path, commit=commit, file_address=file_address, commit_address=commit_address
    )


def web_address(text: str) -> str | None:
    """`text` when a browser may follow it: http or https, a host, nobody's password."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return text if fits and text.isprintable() and " " not in text and "\\" not in text else None


def _browsable(managed_by: str | None, standings: Iterable[Mapping[str, Any]]) -> tuple[str | None, str]:
    """The repository's page, and whose software shows it. Where that is not known, there is no link: a wrong one is
    worse than none."""
    repository = next((one["repository"] for one in standings if one["managedBy"] == managed_by), "")
    ssh = _SSH.fullmatch(repository)
    address = web_address(f"https://{ssh[1]}/{ssh[2]}" if ssh else repository)
    if address is None:
        return None, ""
    host = urlsplit(address).hostname or ""
    kind = next((name for name in ("github", "gitlab") if name in host.split(".")), "")
    return (address.removesuffix("/").removesuffix(".git"), kind) if kind else (None, "")


def _below(managed_by: str, base: str) -> str:
    """The folder of the configuration in the repository, as the ownership mark has it: `acme/jobs/marketing`."""
    place = urlsplit(base).path.strip("/")
    rest = managed_by.removeprefix(place).strip("/") if managed_by.startswith(place + "/") else ""
    return rest + "/" if rest and not rest.endswith((".yaml", ".yml")) else ""
