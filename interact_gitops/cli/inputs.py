"""Parameter values that a person gives: on the command line, in a file, as combinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from interact_gitops.errors import ConfigurationInvalid, Failure

MOST_COMBINATIONS = 10_000


def read_parameters(wire: Mapping[str, Any], given: Iterable[str], file: Path | None) -> dict[str, Any]:
    """Values from `file`, then from NAME=VALUE texts, each read by its parameter's type in the wire form of the job.

    Raises ParametersInvalid before anything is sent, Failure for a text that is not NAME=VALUE.
    """
    from interact_gitops.jobs.parameters import complete, parse_value
    from interact_gitops.jobs.wire import job_from_wire

    values: dict[str, Any] = {}
    if file is not None:
        value = _read_value(file)
        if not isinstance(value, dict):
            raise Failure(f"{file} is not a map of parameters", remedy="write NAME: VALUE lines")
        values |= value
    schemas = wire.get("parameters") or {}
    for text in given:
        name, equals, typed = text.partition("=")
        if not equals or not name:
            raise Failure(f"-p {text!r} is not NAME=VALUE", remedy="write, for example, -p days=7")
        values[name] = parse_value(schemas.get(name, {}), typed)
    if values:
        complete(job_from_wire(wire), values)
    return values


def read_combinations(file: Path) -> list[dict[str, Any]]:
    """The combinations in a YAML or JSON file. Raises Failure when it is not a list of maps."""
    value = _read_value(file)
    if not isinstance(value, list) or not value or not all(isinstance(part, dict) for part in value):
        raise Failure(f"{file} is not a list of combinations", remedy="write a list of maps: - {days: 7}")
    if len(value) > MOST_COMBINATIONS:
        raise Failure(f"{file} has {len(value):,} combinations, the limit is {MOST_COMBINATIONS:,}")
    return value


def read_json(file: Path) -> Any:
    """The value in a JSON file of any size. Raises Failure."""
    import json

    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Failure(f"{file} is not JSON", remedy="write it again with `interact-gitops plan --out FILE`") from error


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all; a link stays one, and a pipe or device is written to. Raises Failure."""
    import os
    import tempfile
    from contextlib import suppress

    place = Path(os.path.realpath(file))
    try:
        if place.exists() and not place.is_file():
            place.write_text(text, encoding="utf-8")
            return
        with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as stream:
            try:
                stream.write(text)
                stream.flush()
                os.replace(stream.name, place)
            except BaseException:
                with suppress(OSError):
                    os.unlink(stream.name)
                raise
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", remedy="choose another place") from error


def _read_value(file: Path) -> Any:
    """The value in a YAML or JSON file. Raises Failure, or ConfigurationInvalid with every position."""
    from interact_gitops.jobs.source import read_documents

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}") from error
    if file.suffix.lower() == ".json":  # not YAML, which knows no pairs of surrogates
        return _read_json(file, raw)
    documents, problems = read_documents(str(file), raw)
    if problems:
        raise ConfigurationInvalid(problems, what=str(file))
    return documents[0].value if documents else None


def _read_json(file: Path, raw: bytes) -> Any:
    from json import JSONDecodeError

    from interact_gitops.jobs.strict_json import read_strictly

    try:
        return read_strictly(raw.decode("utf-8-sig"))
    except JSONDecodeError as error:
        raise Failure(f"{file}:{error.lineno}:{error.colno}: this is not valid JSON: {error.msg}") from error
    except ValueError as error:
        raise Failure(f"{file}: this is not valid JSON: {error}") from error
