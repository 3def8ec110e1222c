"""The configuration file: bytes → a checked value, with every problem at its position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interact_gitops.config.references import references_in, unresolvable
from interact_gitops.config.windows import window_faults
from interact_gitops.errors import ConfigurationInvalid, Failure, Problem, did_you_mean
from interact_gitops.jobs.channels import FINGERPRINTS
from interact_gitops.jobs.faults import Fault, shape_faults
from interact_gitops.jobs.positions import Document
from interact_gitops.jobs.source import read_documents
from interact_gitops.shapes import shape


def read_file(path: Path, shown: str) -> tuple[dict[str, Any], dict[str, int]]:
    """(the settings in a file, the line of each channel). Raises ConfigurationInvalid, Failure for no file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Failure(f"{shown} cannot be read: {error.strerror}", remedy="check its permissions") from error
    return read_bytes(raw, shown)


def read_bytes(raw: bytes, shown: str) -> tuple[dict[str, Any], dict[str, int]]:
    """As `read_file`, of bytes that were read elsewhere. Raises ConfigurationInvalid."""
    documents, problems = read_documents(shown, raw)
    if len(documents) > 1:
        said = "the configuration is one document"
        problems.append(
            Problem(position=documents[1].start, message=said, code="configuration", remedy="remove the rest")
        )
    value = documents[0].value if documents else None
    if documents and not isinstance(value, dict | None):
        said = "the configuration is a map of settings"
        problems.append(Problem(position=documents[0].start, message=said, code="wrong-type",
                                remedy="write `name: value` lines"))  # fmt: skip
    elif value:
        faults = shape_faults(shape("config.schema.json"), value) or _setting_faults(value)
        problems += [_problem(documents[0], fault) for fault in faults]
    if problems:
        raise ConfigurationInvalid(problems, what=shown)
    lines = {name: _line(documents[0], name) for name in value.get("channels", {})} if value else {}
    return value or {}, lines


def _setting_faults(value: Mapping[str, Any]) -> list[Fault]:
    faults = [*unresolvable(value, ()), *_channel_faults(value.get("channels", {})), *_key_faults(value)]
    if windows := value.get("sync", {}).get("windows"):
        faults += window_faults(windows)
    named, targets = value.get("default_target"), value.get("targets", {})
    if named is not None and named not in targets:
        remedy = did_you_mean(named, targets) or f"targets: {', '.join(targets) or 'none'}"
        said = f"there is no target {named!r}"
        faults.append(Fault(path=("default_target",), code="configuration", message=said, remedy=remedy))
    return faults


def _channel_faults(channels: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """What a channel lacks or has too much for its type, as the API would refuse it."""
    for name, channel in channels.items():
        kind = channel["type"]
        wants, refuses = ("to", ("url", "secret")) if kind == "email" else ("url", ("to",))
        if wants not in channel:
            said = f"{_a(kind)} channel needs {wants!r}"
            remedy = "write `to: [name@example.com]`" if wants == "to" else "write `url: ${NAME}`, a reference"
            yield Fault(path=("channels", name), at_key=True, code="missing-field", message=said, remedy=remedy)
        for part in refuses:
            if part in channel:
                said = f"{_a(kind)} channel has no {part!r}"
                yield Fault(path=("channels", name, part), at_key=True, code="not-allowed", message=said,
                            remedy="leave it out")  # fmt: skip


def _key_faults(value: Mapping[str, Any]) -> Iterator[Fault]:
    """A channel tells what it holds to whoever it leads to: a target's key or the ledger's is not for them."""
    keys = [target.get("api_key") for target in value.get("targets", {}).values()]
    kept = {"INTERACT_API_KEY", *references_in(keys), *references_in(value.get("ledger"))}
    for name, channel in value.get("channels", {}).items():
        for part in FINGERPRINTS:
            for taken in references_in(channel.get(part)):
                if taken in kept:
                    said = f"{taken} is the key of a target or of the ledger, which no channel may hold"
                    yield Fault(path=("channels", name, part), code="reference", message=said,
                                remedy="refer to a secret of the channel's own")  # fmt: skip


def _a(kind: str) -> str:
    return f"an {kind}" if kind.startswith("e") else f"a {kind}"


def _line(document: Document, channel: str) -> int:
    return (document.position(("channels", channel), key=True) or document.start).line


def _problem(document: Document, fault: Fault) -> Problem:
    where = document.position(fault.path, key=fault.at_key, offset=fault.offset) or document.start
    return Problem(position=where, message=fault.message, code=fault.code, remedy=fault.remedy)
