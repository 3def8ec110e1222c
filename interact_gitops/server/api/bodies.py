"""Reading a body strictly: what is accepted means the same to every JSON reader."""

from __future__ import annotations

import functools
import json
import math
from collections import Counter
from typing import Any

from interact_gitops.jobs.faults import Fault, shape_faults
from interact_gitops.server.failures import BodyFault, Invalid, Malformed, UnsupportedMediaType
from interact_gitops.shapes import Shape, build_shape, schema

DOCUMENT = "interact-api.openapi.json"
DEEPEST = 64
LARGEST_INTEGER = 2**63 - 1
MAX_FAULTS = 100


def read_body(raw: bytes, content_type: str | None, schema_name: str) -> Any:
    """The JSON in `raw` that fits the component schema; an empty body counts as `{}`.

    Raises Malformed (not JSON, or JSON that not everybody reads alike), UnsupportedMediaType, Invalid.
    """
    if not raw.strip():
        value: Any = {}
    else:
        _demand_json(content_type)
        value = parse(raw)
    faults = shape_faults(_shape(schema_name), value)[:MAX_FAULTS]
    if faults:
        raise invalid(tuple(_body_fault(fault) for fault in faults))
    return value


def parse(raw: bytes) -> Any:
    """JSON with each name once, finite numbers, integers of 64 bits, whole characters, and 64 levels at most.

    Raises Malformed.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise Malformed(f"the body nests deeper than {DEEPEST} levels") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from error
    _demand_plain(value)
    return value


def invalid(faults: tuple[BodyFault, ...]) -> Invalid:
    """A problem that begins with the first faults."""
    said = "; ".join(f"{fault.pointer or '(body)'}: {fault.message}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return Invalid(said + more, faults=faults)


def _demand_json(content_type: str | None) -> None:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        said = f"the body's Content-Type is {media_type or 'missing'}"
        raise UnsupportedMediaType(said, remedy="send application/json")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in times if times[name] > 1)
        raise Malformed(f"the body has the name {twice!r} twice in one object")
    return found


def _refuse_constant(word: str) -> None:
    raise Malformed(f"{word} is not JSON")


def _integer(text: str) -> int:
    if len(text) > 20 or abs(number := int(text)) > LARGEST_INTEGER:
        raise Malformed("the body has an integer of more than 64 bits")
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("the body has a number that is too large")
    return number


def _demand_plain(value: Any) -> None:
    """No recursion: the depth is what is being limited."""
    level = [value]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                for name in one:
                    _demand_whole(name)
                deeper.extend(one.values())
            elif isinstance(one, list):
                deeper.extend(one)
            elif isinstance(one, str):
                _demand_whole(one)
        if not deeper:
            return
        level = deeper
    raise Malformed(f"the body nests deeper than {DEEPEST} levels")


def _demand_whole(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("a text in the body has half of a surrogate pair") from error


def _body_fault(fault: Fault) -> BodyFault:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in fault.path)
    return BodyFault(pointer=pointer, message=fault.message, code=fault.code, remedy=fault.remedy)


@functools.cache
def _shape(schema_name: str) -> Shape:
    """The one compiled check of a component schema."""
    components = {"schemas": schema(DOCUMENT)["components"]["schemas"]}
    return build_shape({"$ref": f"#/components/schemas/{schema_name}", "components": components})
