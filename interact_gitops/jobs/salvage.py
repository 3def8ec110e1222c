"""What of a document with faults can still be checked, so that all its problems are told in one go.

The fields that do not fit are left out and the rest is checked as a job; faults that only come from
what was left out are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interact_gitops.jobs.faults import Fault
from interact_gitops.shapes import shape

_STAND_INS: Mapping[str, Any] = {"key": "x", "name": "x", "agent": "x"}
_PROMPTS = frozenset({"prompt", "prompts"})


def sound_part(value: Mapping[str, Any], faults: Iterable[Fault]) -> tuple[dict[str, Any], frozenset[str]] | None:
    """(the document with stand-ins for what does not fit, the fields that do not); None when nothing is left."""
    broken = {str(fault.path[0]) for fault in faults if fault.path}
    if "parameters" in broken:
        broken |= {"fan_out", *_PROMPTS}
    if len(_PROMPTS & value.keys()) != 1:
        broken |= _PROMPTS
    if broken & _PROMPTS:
        broken |= _PROMPTS
    part = {name: field for name, field in value.items() if name not in broken}
    for name, stand_in in _STAND_INS.items():
        if name not in part:
            part[name] = stand_in
            broken.add(name)
    if broken & _PROMPTS:
        part["prompt"] = "x"
    return (part, frozenset(broken)) if shape("job.schema.json").is_valid(part) else None


def independent(fault: Fault, broken: frozenset[str]) -> bool:
    """Whether a fault of the sound part holds whatever the broken fields were meant to be."""
    from_missing = {
        "unused-parameter": _PROMPTS,
        "unset-parameter": {"fan_out", "key"},
    }
    return not fault.path or (fault.path[0] not in broken and not from_missing.get(fault.code, set()) & broken)
