"""A plan for people: an index with one line per job, the details, the counts (cli.md, How a plan looks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interact_gitops.planning.applying import Applied
from interact_gitops.planning.plan import Action, Change, Plan
from interact_gitops.planning.rendering.styled import Line, line
from interact_gitops.planning.rendering.values import INDENT, fan_out_words, field_lines, schedule_words, value_lines

SYMBOLS: Mapping[Action, str] = {
    "create": "+", "update": "~", "delete": "-", "move": ">", "adopt": "<=", "refused": "!"
}  # fmt: skip
_VERBS: Mapping[Action, str] = {
    "create": "create", "update": "update", "delete": "delete", "move": "move", "adopt": "adopt", "refused": "refused"
}  # fmt: skip
_DONE: Mapping[Action, str] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "move": "moved",
    "adopt": "adopted",
}


def render_plan(plan: Plan, *, full: bool = False, quiet: bool = False) -> list[Line]:
    """The plan as styled lines. `full` shows every field of creates and deletes; `quiet` the counts alone."""
    lines: list[Line] = []
    if not quiet and plan.changes:
        widths = max(len(change.key) for change in plan.changes)
        lines += [_index(change, widths) for change in plan.changes]
        for change in plan.changes:
            details = list(_details(change, full=full))
            if details:
                lines += [line(), _title(change), *details]
        lines.append(line())
    return [*lines, *_summary(plan)]


def render_applied(applied: Applied) -> list[Line]:
    """What was done, what failed and why, what was not tried, and what to do next."""
    lines: list[Line] = []
    for outcome in applied.outcomes:
        change = outcome.change
        if outcome.result == "done":
            lines.append(line(("  ✓ ", "good"), f"{_DONE[change.action]} {change.key}"))
        elif outcome.result == "failed":
            lines.append(line(("  ✗ ", "bad"), f"{_VERBS[change.action]} {change.key}"))
            lines += [line(INDENT, row) for row in (outcome.said or "").splitlines()]
    failed, untried = applied.count("failed"), applied.count("not tried")
    counts = ", ".join(
        f"{number} {words}" for number, words in ((applied.count("done"), "done"), (failed, "failed"),
                                                  (untried, "not tried"), (applied.plan.count("refused"), "refused"))
        if number or words == "done"
    )  # fmt: skip
    lines.append(line((f"Applied: {counts}.", "bold")))
    if applied.interrupted:
        lines.append(line(("Interrupted: nothing more was started.", "bad")))
    if failed or untried:
        lines.append(line("Run apply again to finish."))
    return lines


def _index(change: Change, width: int) -> Line:
    moved = f" (was {change.before['key']})" if change.action == "move" and change.before else ""
    return line(
        (f"{SYMBOLS[change.action]:>2} ", change.action), f"{change.key:<{width}}  ", (change.place + moved, "dim")
    )


def _title(change: Change) -> Line:
    return line(
        (f"{SYMBOLS[change.action]:>2} {_VERBS[change.action]} {change.key}", change.action), f"  {change.name}"
    )


def _details(change: Change, *, full: bool) -> Iterator[Line]:
    if change.action == "refused":
        yield line(INDENT, change.reason or "")
        yield line(INDENT, (change.remedy or "", "dim"))
    elif change.action in {"create", "delete"}:
        wire = change.after or change.before or {}
        yield from _whole(wire, "removed" if change.action == "delete" else "added") if full else _brief(wire)
    else:
        for field in change.fields:
            yield from field_lines(field)


def _brief(wire: Mapping[str, Any]) -> Iterator[Line]:
    words = [schedule_words(wire["schedule"]), fan_out_words(wire["fanOut"]), f"agent {wire['agent']['slug']}"]
    if wire["schedule"] and not wire.get("enabled", True):
        words.insert(1, "switched off")
    if wire.get("protect"):
        words.append("protected")
    yield line(INDENT, (" · ".join(words), "dim"))


def _whole(wire: Mapping[str, Any], style: str) -> Iterator[Line]:
    for name, value in wire.items():
        if name not in {"key", "name"}:
            yield from value_lines(name, value, style)


def _summary(plan: Plan) -> Iterator[Line]:
    if not plan.changes:
        yield line(("No changes. ", "good"), f"The target matches the definitions: {plan.unchanged} unchanged.")
    else:
        counts = [
            f"{plan.count('create')} to create",
            f"{plan.count('update')} to update",
            f"{plan.count('delete')} to delete",
        ]
        counts += [f"{number} to {word}" for word in ("move", "adopt") if (number := plan.count(word))]
        counts += [f"{plan.count('refused')} refused"] if plan.count("refused") else []
        yield line((f"Plan: {', '.join(counts)}, {plan.unchanged} unchanged.", "bold"))
    if plan.unmanaged:
        yield line(f"{plan.unmanaged} unmanaged, untouched.")
    if not plan.prune:
        yield line(
            ("Nothing is deleted: only a part of the definitions was looked at, or --no-prune was given.", "dim")
        )
