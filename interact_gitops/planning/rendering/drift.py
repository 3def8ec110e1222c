"""Drift for people, for an issue, and for programs (JSON: `schema/output.schema.json`, `drift`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from interact_gitops.planning.drift import Drift, Drifted, What
from interact_gitops.planning.rendering.styled import Line, line, plain, visible
from interact_gitops.planning.rendering.values import field_details

INDENT = "      "
SYMBOLS: Mapping[What, str] = {"deleted": "-", "changed": "~", "unapplied": "?"}
_STYLES: Mapping[What, str] = {"deleted": "delete", "changed": "update", "unapplied": "refused"}
_SHOWN = 20  # keys of jobs that do not count, in one line
# An issue on GitHub takes 65,536 characters: the table and the details have their share of it each.
_LONGEST_TABLE, _LONGEST_DETAILS = 25_000, 35_000
_TICKS = re.compile("`+")


def render_drift(drift: Drift, *, quiet: bool = False) -> list[Line]:
    """The drift as styled lines; `quiet` the counts alone."""
    if quiet:
        return [_summary(drift)]
    lines: list[Line] = []
    for one in drift.drifted:
        title = f"{SYMBOLS[one.what]:>2} {one.what} {_named(one)}"
        lines += [line((title, _STYLES[one.what]), f"  {one.name}  ", (_place(one), "dim")), *_details(one), line()]
    return [*lines, _summary(drift), *(line(*parts) for parts in _remarks(drift))]


def drift_to_markdown(drift: Drift) -> str:
    """The drift as the body of an issue, which it fits. What comes from the target or the definitions stands as
    code, where nothing is a link, a mention or markup."""
    rows = [plain([_summary(drift)])]
    if drift.drifted:
        table = [
            f"| {SYMBOLS[one.what]} {one.what} | {_code(_named(one))} | {_when(one.at)} | {_code(_place(one))} |"
            for one in drift.drifted
        ]
        details = [row for one in drift.drifted for row in [f"{SYMBOLS[one.what]} {_named(one)}", *_plain(one), ""]]
        rows += ["", "| | job | last changed | file |", "|---|---|---|---|", *_cut(table, _LONGEST_TABLE)]
        rows += ["", "<details><summary>What changed</summary>", ""]
        rows += [*_fenced(_cut(details, _LONGEST_DETAILS)), "", "</details>"]
    for said, *keys in _remarks(drift):
        rows += ["", said + "".join(_code(one) for one in keys)]
    return "\n".join(rows) + "\n"


def drift_to_json(drift: Drift) -> dict[str, Any]:
    """The whole of it; key order is stable."""
    return {
        "target": drift.target,
        "managedBy": drift.managed_by,
        "drifted": [_as_json(one) for one in drift.drifted],
        "converged": list(drift.converged),
        "unmanaged": [{"key": one.key, "name": one.name, "id": one.remote_id} for one in drift.unmanaged],
        "asApplied": drift.as_applied,
        "foreign": drift.foreign,
        "definitionsKnown": drift.definitions_known,
    }


def _as_json(one: Drifted) -> dict[str, Any]:
    fields = None
    if one.fields is not None:
        fields = [{"field": f.field, "before": f.before, "after": f.after} for f in one.fields]
    return {
        "what": one.what,
        "kind": one.kind,
        "key": one.key,
        "name": one.name,
        "id": one.remote_id,
        "at": one.at.astimezone(UTC).isoformat().replace("+00:00", "Z") if one.at else None,
        "commit": one.commit,
        "path": one.path,
        "line": one.line,
        "fields": fields,
    }


def _details(one: Drifted) -> Iterator[Line]:
    if one.what == "deleted":
        yield line(INDENT, f"deleted there: {_when(one.at)}")
        return
    if one.what == "unapplied":
        yield line(INDENT, f"it has this repository's mark, but no apply wrote it; changed last: {_when(one.at)}")
        return
    applied = f"; applied from commit {one.commit[:12]}" if one.commit else ""
    yield line(INDENT, f"changed there: {_when(one.at)}{applied}")
    if one.fields is None:
        yield line(INDENT, ("git no longer says what was applied, so the fields cannot be told", "dim"))
    for change in one.fields or ():
        for detail in field_details(change):
            yield ((f"{INDENT}  {detail.sign}" if detail.sign else INDENT, ""), *detail.parts)


def _summary(drift: Drift) -> Line:
    if not drift.drifted:
        there = f"{_jobs(drift.as_applied)} on the target as applied."
        return line(("No drift. ", "good"), there if drift.as_applied else "No job on the target is managed from here.")
    counts = ", ".join(f"{number} {what}" for what in SYMBOLS if (number := drift.count(what)))
    return line((f"Drift: {counts} since the last apply; {drift.as_applied} as applied.", "bold"))


def _remarks(drift: Drift) -> Iterator[tuple[str, ...]]:
    """What does not count, and what to do: our words, then perhaps keys, which are not ours."""
    if drift.converged:
        count = _jobs(len(drift.converged))
        yield f"{count} changed there into what git says too, not counted: ", _few(drift.converged)
    if drift.unmanaged:
        keys = [one.key for one in drift.unmanaged]
        yield f"{_jobs(len(keys))} there that nobody manages, not counted: ", _few(keys)
    if drift.foreign:
        yield (f"{_jobs(drift.foreign)} of other owners, not looked at.",)
    if drift.drifted:
        yield ("`interact-gitops plan` shows what apply would put back.",)


def _few(keys: Sequence[str]) -> str:
    rest = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"


def _named(one: Drifted) -> str:
    return one.key if one.kind == "job" else f"{one.kind} {one.key}"


def _place(one: Drifted) -> str:
    if one.path is None:
        return "(no file)"
    return one.path if one.line is None else f"{one.path}:{one.line}"


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%a %Y-%m-%d %H:%M UTC") if at else "at an unknown time"


def _plain(one: Drifted) -> Iterator[str]:
    return ("".join(text for text, _ in row) for row in _details(one))


def _code(text: str) -> str:
    """A text as code in a cell of a table or in a sentence."""
    shown = visible(text).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(shown)), default=0))
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"`{shown}`"


def _fenced(rows: Sequence[str]) -> list[str]:
    """Lines as a block of code that nothing in them can end."""
    shown = [visible(row) for row in rows]
    ticks = "`" * max(3, *(1 + len(run) for row in shown for run in _TICKS.findall(row)), 0)
    return [ticks, *shown, ticks]


def _cut(rows: Sequence[str], most: int) -> list[str]:
    """The first rows, up to `most` characters of them, and how many more there are."""
    length = 0
    for index, row in enumerate(rows):
        length += len(row) + 1
        if length > most:
            return [*rows[:index], f"… and {len(rows) - index} more lines: run `interact-gitops drift`"]
    return list(rows)
