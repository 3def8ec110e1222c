"""Drift for people, for an issue, and for programs (JSON: `schema/output.schema.json`, `drift`). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from interact_gitops.planning.drift import Drift, Drifted, What
from interact_gitops.planning.rendering.github import code, fence, folded, listed, marker
from interact_gitops.planning.rendering.styled import Detail, Line, line, plain, statement, visible
from interact_gitops.planning.rendering.values import INDENT, field_details

SYMBOLS: Mapping[What, str] = {"deleted": "-", "changed": "~", "unapplied": "?"}
_STYLES: Mapping[What, str] = {"deleted": "delete", "changed": "update", "unapplied": "refused"}
_SHOWN = 20  # keys of jobs that do not count, in one line
# An issue holds 65,536 UTF-16 units, as a comment does (see github.py); a character takes at most two.
_LONGEST_INDEX, _LONGEST_DETAILS, _LONGEST_LIST = 12_000, 16_000, 1_200  # characters


def render_drift(drift: Drift, *, quiet: bool = False) -> list[Line]:
    """The drift as styled lines; `quiet` the counts alone."""
    if quiet:
        return [_summary(drift)]
    lines: list[Line] = []
    for one in drift.drifted:
        lines += [
            ((" ", ""), *_title(one), (f"  {visible(_place(one))}", "dim")),
            *map(_indented, _details(one)),
            line(),
        ]
    return [*lines, _summary(drift), *(line(*parts) for parts in _remarks(drift))]


def drift_to_markdown(drift: Drift) -> str:
    """The drift as the body of an issue, which it fits. Its first line is hidden: by it the issue is found again.

    What comes from the target or the definitions stands as code, where nothing is a link, a mention or markup.
    """
    parts = [f"{marker(drift.target, drift.managed_by, of='drift')}\n### {plain([_summary(drift)])}"]
    if drift.drifted:
        index = [plain([_title(one, place=True)]) for one in drift.drifted]
        rows = [row for one in drift.drifted for row in ["", plain([_title(one)]), *map(_row, _details(one))]][1:]
        parts += [fence(_cut(index, _LONGEST_INDEX)), folded("What changed", _cut(rows, _LONGEST_DETAILS))]
    parts += [said + "".join(code(one, _LONGEST_LIST) for one in keys) for said, *keys in _remarks(drift)]
    return "\n\n".join(parts) + "\n"


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


def _title(one: Drifted, *, place: bool = False) -> Line:
    named = one.key if one.kind == "job" else f"{one.kind} {one.key}"
    title = (f"{SYMBOLS[one.what]} {one.what} {named}", _STYLES[one.what])
    return line(title, (f"  {_place(one)}", "dim")) if place else line(title, f"  {one.name}")


def _details(one: Drifted) -> Iterator[Detail]:
    if one.what == "deleted":
        yield statement(f"deleted there: {_when(one.at)}")
        return
    if one.what == "unapplied":
        yield statement(f"it has this repository's mark, but no apply wrote it; changed last: {_when(one.at)}")
        return
    applied = f"; applied from commit {one.commit[:12]}" if one.commit else ""
    yield statement(f"changed there: {_when(one.at)}{applied}")
    if one.fields is None:
        yield statement(("git no longer says what was applied, so the fields cannot be told", "dim"))
    for change in one.fields or ():
        yield from field_details(change)


def _indented(detail: Detail) -> Line:
    style = {"-": "removed", "+": "added"}.get(detail.sign or "", "dim")
    return ((f"{INDENT}  {detail.sign}", style) if detail.sign else (INDENT, ""), *detail.parts)


def _row(detail: Detail) -> str:
    """Signs stand where GitHub looks for them, and the lines of prompts further in than ours can be."""
    return (f"{detail.sign}    " if detail.sign else "  ") + plain([detail.parts])


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
    return listed(keys[:_SHOWN], len(keys))


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"


def _place(one: Drifted) -> str:
    if one.path is None:
        return "(no file)"
    return one.path if one.line is None else f"{one.path}:{one.line}"


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%a %Y-%m-%d %H:%M UTC") if at else "at an unknown time"


def _cut(rows: Sequence[str], most: int) -> list[str]:
    """The first rows, up to `most` characters of them, and how many more there are."""
    length = 0
    for index, row in enumerate(rows):
        length += len(row) + 1
        if length > most:
            return [*rows[:index], f"… and {len(rows) - index} more lines: run `interact-gitops drift`"]
    return list(rows)
