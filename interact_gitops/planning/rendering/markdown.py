"""A plan as a comment on a pull request: it fits, and whatever comes from definitions or targets is only shown.

Theory of the cut: the head with the counts always; an index of every change, at most a share of the room; then the
details in the plan's order, each whole, else in brief, else not at all. That something is not whole stands at the top,
where nobody approves it unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from interact_gitops.planning.plan import ORDER, Action, Change, Plan
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
from interact_gitops.planning.rendering.github import MOST, code, fence, folded, html_code, listed, marker, size
from interact_gitops.planning.rendering.styled import Detail, plain, visible

INDEX_SHARE = 3 / 8  # of the room, for the index
OPEN_INDEX = 30  # entries that are shown unfolded
NAMED = 10  # jobs named in a warning, or above details that they share; inside those, when full, all of them
WIDEST = 64  # characters of a name that the index is aligned to
WIDEST_ROW = 120  # characters of a detail in a row
LONGEST_TARGET, LONGEST_REASON = 300, 1_000  # characters
_NOTE = 400  # room for the note at the end
_TOO_LONG = 10  # details that do not fit before no more are tried


def render_markdown(
    plan: Plan,
    *,
    now: datetime,
    full: bool = False,
    quiet: bool = False,
    held: str | None = None,
    identity: str | None = None,
    about: Sequence[str] = (),
    room: int = MOST,
) -> str:
    """The plan as a comment of at most `room` UTF-16 units, without a newline at its end.

    Its first line is a hidden marker, by which the comment is found again and edited: two targets, or two owners on
    one, make two comments. `identity` stands for both where a plan has no target. `held` is what apply would refuse
    it for. `about` is said below the counts, in Markdown. `now`, `full` and `quiet` are those of `text.render_plan`;
    what does not fit in full is shown in brief.
    """
    head = [*_head(plan, identity), *about, *_warnings(plan, held), *_facts(plan)]
    if quiet or not plan.changes:
        return "\n\n".join(head)
    index, unlisted = _index(plan, int(room * INDEX_SHARE))
    left = room - sum(size(part) + 2 for part in (*head, index)) - _NOTE
    found = blocks(plan, full=full)
    shown, whole = _fitting(found, left, now=now, full=full)
    cut = [f"{unlisted:,} of {len(plan.changes):,} changes are not in the list"] if unlisted else []
    cut += [f"{len(found) - whole:,} of {len(found):,} details are not shown whole"] if whole < len(found) else []
    if cut:
        said = f"**{', and '.join(cut)}: there is room for {room:,} characters.**"
        head.insert(1, f"> [!WARNING]\n> {said} `interact-gitops plan --full` shows them.")
    return "\n\n".join([*head, index, *shown])


def _fitting(found: Sequence[Block], room: int, *, now: datetime, full: bool) -> tuple[list[str], int]:
    """(the details that fit into `room` UTF-16 units, how many of them are whole)."""
    shown: list[str] = []
    whole = missed = 0
    for block in found:
        if missed == _TOO_LONG:
            break
        ways = (_detail(block, now=now, full=way) for way in ((True, False) if full else (False,)))
        for rank, part in enumerate(ways):
            if size(part) + 2 <= room:
                shown.append(part)
                room -= size(part) + 2
                whole += rank == 0
                break
        else:
            missed += 1
    return shown, whole


def _detail(block: Block, *, now: datetime, full: bool) -> str:
    shown = [row for detail in details(block, now=now, full=full) for row in _rows(detail)]
    return folded(_summary(block), [*_names(block, full=full), *shown])


def _head(plan: Plan, identity: str | None) -> Iterator[str]:
    mark = marker(plan.target, plan.managed_by) if identity is None else marker(identity)
    yield f"{mark}\n### {counts(plan) if plan.changes else 'Plan: no changes.'}"


def _warnings(plan: Plan, held: str | None) -> Iterator[str]:
    yield from _warning("CAUTION", "to be deleted", [change for change in plan.changes if change.action == "delete"])
    if held is not None:
        said = "; ".join(row.strip() for row in held.splitlines())
        yield f"> [!WARNING]\n> **`apply` would refuse this:** {code(said, LONGEST_REASON)}"
    yield from _warning("WARNING", "refused", [change for change in plan.changes if change.action == "refused"])


def _facts(plan: Plan) -> Iterator[str]:
    columns = [*ORDER, "unchanged"]
    numbers = [f"{number:,}" for number in (*(plan.count(action) for action in ORDER), plan.unchanged)]
    yield f"| {' | '.join(columns)} |\n|{' --: |' * len(columns)}\n| {' | '.join(numbers)} |"
    yield from standing(plan)
    yield from (f"Note: {code(note, LONGEST_REASON)}" for note in plan.notes[:NAMED])
    if len(plan.notes) > NAMED:
        yield f"Notes: {len(plan.notes) - NAMED:,} more."
    if plan.between:
        yield f"Between {code(plan.target, LONGEST_TARGET)}; no target was asked."
    else:
        yield f"Target {code(plan.target, LONGEST_TARGET)}, managed by {code(plan.managed_by)}."


def _warning(kind: str, done: str, changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        names = listed([code(label(change)) for change in changes[:NAMED]], len(changes))
        yield f"> [!{kind}]\n> **{len(changes):,} {done}:** {names}"


def _index(plan: Plan, room: int) -> tuple[str, int]:
    """(where every change is, how many are not in it): folded when it is long, cut after `room` UTF-16 units."""
    width = min(WIDEST, max(len(label(change)) for change in plan.changes))
    rows = [visible(f"{_symbol(change.action)} {label(change):<{width}}  {where(change)}") for change in plan.changes]
    kept: list[str] = []
    for row in rows:
        room -= size(row) + 1
        if room < 0:
            break
        kept.append(row)
    missing = len(rows) - len(kept)
    kept += [f"… {missing:,} more"] if missing else []
    return fence(kept) if len(rows) <= OPEN_INDEX else folded(f"All {len(rows):,} changes", kept), missing


def _symbol(action: Action) -> str:
    """In the first column only what shall be coloured: `<` and `>` there are taken for old and new lines, too."""
    symbol = SYMBOLS[action]
    return f"{symbol if symbol in '+-!' else ' ' + symbol:<3}"


def _summary(block: Block) -> str:
    first, number = block[0], len(block)
    names = [html_code(label(change)) for change in block[:NAMED]]
    if number == 1:
        return f"{VERBS[first.action]} {names[0]} {html_code(where(first))}"
    return f"{VERBS[first.action]} {number:,} {first.kind}s: {listed(names, number)}"


def _names(block: Block, *, full: bool) -> Iterator[str]:
    """What a job is called; of several that share the details, which they are."""
    if len(block) == 1:
        if block[0].kind == "job":
            yield visible(f"  {block[0].name}")
    elif full and (len(block) > NAMED or block[0].action == "create"):
        yield f"  all {len(block):,} of them:"
        for change in block:
            called = f"  {change.name}" if change.kind == "job" and change.action == "create" else ""
            yield visible(f"     {label(change)}{called}")


def _rows(detail: Detail) -> Iterator[str]:
    """Signs stand where GitHub looks for them, and the lines of prompts further in than ours can be. A long line goes
    on in the next row: what is said behind blanks, or far to the right, would not be seen."""
    text = plain([detail.parts])
    begin, more = ("  ", "    ↳ ") if detail.sign is None else (f"{detail.sign}    ", f"{detail.sign}  ↳ ")
    yield begin + text[:WIDEST_ROW]
    for start in range(WIDEST_ROW, len(text), WIDEST_ROW):
        yield more + text[start : start + WIDEST_ROW]
