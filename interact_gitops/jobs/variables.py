"""`${var.NAME}`: a target's variables, filled in when the tree is loaded for that target.

Only values of the target reach a job file, never the environment: a pull request must not be able
to print a secret. `$${` is a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import did_you_mean
from interact_gitops.jobs.faults import LONGEST_WORD, Fault, Path, shown
from interact_gitops.jobs.model import Scalar

UNTOUCHED = frozenset({"key", "id", "moved_from"})
_REFERENCE = re.compile(r"\$\$\{|\$\{([^}\n]*)(\}?)")
_NAME = re.compile(r"var\.([A-Za-z_][A-Za-z0-9_]*)\Z")


def fill(value: Any, variables: Mapping[str, Scalar], faults: list[Fault], path: Path = ()) -> Any:
    """`value` with references replaced in every text below it; what cannot be is added to `faults`.

    A text that is one reference alone takes the variable's own type.
    """
    if not isinstance(value, dict | list):
        return _fill_text(value, variables, faults, path) if isinstance(value, str) and "${" in value else value
    filled = value.copy()
    for place, part in value.items() if isinstance(value, dict) else enumerate(value):
        # Most values are short texts with no reference in them: this loop is for those.
        to_fill = "${" in part if isinstance(part, str) else isinstance(part, dict | list)
        if to_fill and (path or place not in UNTOUCHED):
            filled[place] = fill(part, variables, faults, (*path, place))
    return filled


def _fill_text(text: str, variables: Mapping[str, Scalar], faults: list[Fault], path: Path) -> Scalar:
    whole = _REFERENCE.fullmatch(text)
    if whole and whole.group(1) is not None:
        found = _lookup(whole, variables, faults, path)
        return text if found is None else found

    def replace(reference: re.Match[str]) -> str:
        if reference.group(1) is None:
            return "${"
        found = _lookup(reference, variables, faults, path)
        if found is None:
            return reference.group()
        return str(found).lower() if isinstance(found, bool) else str(found)

    return _REFERENCE.sub(replace, text)


def _lookup(
    reference: re.Match[str], variables: Mapping[str, Scalar], faults: list[Fault], path: Path
) -> Scalar | None:
    name = _NAME.fullmatch(reference.group(1)) if reference.group(2) else None
    if name and name.group(1) in variables:
        return variables[name.group(1)]
    if name is None:
        said = f"{shown(reference.group())} is not a variable of a target"
        remedy = "write ${var.NAME} for a target's variable, $${ for a literal ${; job files never read the environment"
    else:
        said = f"this target has no variable {shown(name.group(1))}"
        remedy = (
            did_you_mean(name.group(1)[:LONGEST_WORD], variables)
            or "define it under targets.NAME.variables in interact-gitops.yaml"
        )
    faults.append(Fault(path=path, offset=reference.start(), code="variable", message=said, remedy=remedy))
    return None


def unfilled_offset(raw: str, variables: Mapping[str, Scalar], offset: int) -> int:
    """The offset in the text as written of an offset in the text with its variables filled in."""
    grown = 0
    for reference in _REFERENCE.finditer(raw):
        filled = fill(reference.group(), variables, [])
        length = len(str(filled))
        if reference.start() + grown + length > offset:
            return min(offset - grown, reference.start())
        grown += length - len(reference.group())
    return offset - grown
