"""References to secrets in the configuration: `${NAME}` from the environment, `${file:/path}` from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interact_gitops.errors import Failure
from interact_gitops.jobs.faults import Fault

SECRETS = ("url", "organization", "api_key")
# What this process has read of secrets. A bug report is written where nothing else is known of the command any more,
# and an exception that nobody expected may quote anything.
_read: set[str] = set()
_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|file:[^\x00\n]+")


def remember_secret(text: str) -> str:
    """The text, which no bug report will show."""
    _read.add(text)
    return text


def secrets_read() -> frozenset[str]:
    """Every secret that was read from the environment, a file or the configuration so far."""
    return frozenset(_read)


def resolve_reference(text: str, environ: Mapping[str, str], what: str, *, folder: Path | None = None) -> str:
    """`text` with `${NAME}` from the environment and `${file:/path}` from a file; `$${` is a literal `${`.

    A relative path starts at `folder`. Raises Failure that names what is missing, never a value.
    """

    def replace(reference: re.Match[str]) -> str:
        name = reference.group(1)
        if name is None:
            return "${"
        if name.startswith("file:"):
            try:
                secret = Path(folder or "", name.removeprefix("file:")).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                # The decoding error quotes the bytes that it met: it must not be chained.
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                said = f"{what}: the file {name.removeprefix('file:')!r} cannot be read: {reason}"
                raise Failure(said, remedy="mount the secret there, or correct the path") from None
            if not secret:
                said = f"{what}: the file {name.removeprefix('file:')!r} is empty"
                raise Failure(said, remedy="write the secret in it")
            return remember_secret(secret)
        if not environ.get(name):
            raise Failure(f"{what}: the environment variable {name} is not set", remedy=f"export {name}=…")
        return remember_secret(environ[name])

    return _REFERENCE.sub(replace, text)


def unresolvable(value: Any, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """References that cannot be resolved whatever the environment holds."""
    if isinstance(value, dict | list):
        for place, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from unresolvable(part, (*path, place))
    elif isinstance(value, str):
        resolved = path[0] in {"ledger", "channels"} or (path[0] == "targets" and path[2] in SECRETS)
        for reference in _REFERENCE.finditer(value):
            name = reference.group(1)
            if name is None or (resolved and _NAME.fullmatch(name) and reference.group().endswith("}")):
                continue
            said = "this reference names no variable and no file"
            remedy = "write ${NAME}, ${file:/path}, or $${ for a literal ${"
            if not resolved:
                said, remedy = "references are not resolved here", "write the value; $${ is a literal ${"
            yield Fault(path=path, offset=reference.start(), code="reference", message=said, remedy=remedy)


def is_reference(text: str) -> bool:
    """Whether a text is one reference, and nothing else."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and found[1] is not None


def names_in(value: object) -> Iterator[str]:
    """The environment variables that texts in a value refer to, in their order."""
    yield from (name for name in references_in(value) if not name.startswith("file:"))


def references_in(value: object) -> Iterator[str]:
    """What texts in a value refer to, in its order: names of variables, and `file:/path`."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from references_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from references_in(part)
    elif isinstance(value, str):
        names = (reference.group(1) for reference in _REFERENCE.finditer(value))
        yield from (name for name in names if name)
