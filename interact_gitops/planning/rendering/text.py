"""A plan for people: an index with one line per job, the details, the counts (cli.md, How a plan looks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from interact_gitops.planning.plan import Action, Change, Plan
from interact_gitops.planning.rendering.details import (
    SYMBOLS,
    VERBS,
    Block,
    blocks,
    counts,
    details,
    label,
    standing,
    where,
)
from interact_gitops.planning.rendering.styled import Detail, Line, line
from interact_gitops.planning.rendering.values import INDENT

if TYPE_CHECKING:
    from interact_gitops.planning.applying import Applied

WIDEST = 64  # characters of a key that the index is aligned to
DETAILED = 1_000  # details that are shown
NAMED = 5  # jobs named above details that they share
_DONE: Mapping[Action, str] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "move": "moved",
    "adopt": "adopted",
}


def render_plan(plan: Plan, *, now: datetime, full: bool = False, quiet: bool = False) -> list[Line]:
    """The plan as styled lines. `full` shows every field of creates and deletes and cuts nothing; `quiet` gives the
    counts alone.

    The same plan gives the same lines, but for the coming runs of changed schedules: these are the first after
    `now`, an aware instant.
    """
    lines: list[Line] = []
    if not quiet and plan.changes:
        lines += index(plan)
        found = blocks(plan, full=full)
        shown = found if full else found[:DETAILED]
        for block in shown:
            lines += [line(), _title(block, full=full), *map(_indented, details(block, now=now, full=full))]
        if len(found) > len(shown):
            lines += [line(), line((f"… {len(found) - len(shown):,} more details: see --full", "dim"))]
        lines.append(line())
    return [*lines, *_summary(plan)]


def index(plan: Plan) -> list[Line]:
    """One line per change: what is done to which job, and where its file is."""
    width = min(WIDEST, max((len(label(change)) for change in plan.changes), default=0))
    return [_entry(change, width) for change in plan.changes]


def render_applied(applied: Applied, *, quiet: bool = False) -> list[Line]:
    """What was done (but for `quiet`), what failed and why, what was not tried, and what to do next."""
    lines: list[Line] = []
    for outcome in applied.outcomes:
        change = outcome.change
        if outcome.result == "done" and not quiet:
            lines.append(line(("  ✓ ", "good"), f"{_DONE[change.action]} {label(change)}"))
        elif outcome.result == "failed":
            lines.append(line(("  ✗ ", "bad"), f"{VERBS[change.action]} {label(change)}"))
            lines += [line(INDENT, row) for row in (outcome.said or "").splitlines()]
        elif outcome.said:
            lines.append(line(("  · ", "dim"), f"{VERBS[change.action]} {label(change)}: not tried: {outcome.said}"))
    failed, untried = applied.count("failed"), applied.count("not tried")
    ends = ", ".join(
        f"{number:,} {words}" for number, words in ((applied.count("done"), "done"), (failed, "failed"),
                                                  (untried, "not tried"), (applied.plan.count("refused"), "refused"))
        if number or words == "done"
    )  # fmt: skip
    lines.append(line((f"Applied: {ends}.", "bold")))
    if applied.interrupted:
        lines.append(line(("Interrupted: nothing more was started.", "bad")))
    if applied.lost:
        said = "The lock was lost on the way, and somebody else may be applying: nothing more was started."
        lines.append(line((said, "bad")))
    if failed or untried:
        lines.append(line("Run apply again to finish."))
    return lines


def _entry(change: Change, width: int) -> Line:
    symbol = (f"{SYMBOLS[change.action]:>2} ", change.action)
    return line(symbol, f"{label(change):<{width}}  ", (where(change), "dim"))


def _title(block: Block, *, full: bool) -> Line:
    first = block[0]
    said = f"{SYMBOLS[first.action]:>2} {VERBS[first.action]} "
    if len(block) == 1:
        name = f"  {first.name}" if first.kind == "job" else ""
        return line((said + label(first), first.action), name)
    return line((f"{said}{len(block):,} {first.kind}s", first.action), ": " + named(block, full=full))


def named(block: Block, *, full: bool) -> str:
    """The keys of a block's jobs; without `full` the first few and how many more."""
    keys = [change.name if change.kind == "channel" else change.key for change in block]
    more = 0 if full else len(keys) - NAMED
    return ", ".join(keys[:NAMED] if more > 0 else keys) + (f" and {more:,} more" if more > 0 else "")


def _indented(detail: Detail) -> Line:
    if detail.sign is None:
        return ((INDENT, ""), *detail.parts)
    style = {"-": "removed", "+": "added"}.get(detail.sign, "dim")
    return ((f"{INDENT}  {detail.sign}", style), *detail.parts)


def _summary(plan: Plan) -> Iterator[Line]:
    if plan.changes:
        yield line((counts(plan), "bold"))
    else:
        same = "The definitions are the same" if plan.between else "The target matches the definitions"
        yield line(("No changes. ", "good"), f"{same}: {plan.unchanged:,} unchanged.")
    for said in (*standing(plan), *(f"note: {note}" for note in plan.notes)):
        yield line((said, "dim"))
