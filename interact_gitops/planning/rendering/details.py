"""What a plan's renderings share: how a change is named, what there is to say about it, and which are alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from interact_gitops.planning.plan import Action, Change, FieldChange, Plan
from interact_gitops.planning.rendering.styled import Detail, statement
from interact_gitops.planning.rendering.timing import coming_details, timing_details
from interact_gitops.planning.rendering.values import WORDS, fan_out_words, field_details, schedule_words, value_details

SYMBOLS: Mapping[Action, str] = {
    "create": "+", "update": "~", "delete": "-", "move": ">", "adopt": "<=", "refused": "!"
}  # fmt: skip
VERBS: Mapping[Action, str] = {
    "create": "create", "update": "update", "delete": "delete", "move": "move", "adopt": "adopt", "refused": "refused"
}  # fmt: skip
_TITLE = frozenset({"key", "name"})
_BRIEF = ("schedule", "enabled", "fanOut", "agent", "protect")
_TIMED = ("schedule", "enabled", "fanOut")  # the fields that decide how much runs when


Block = tuple[Change, ...]
"""Changes of one action that say the same, in the plan's order."""


def label(change: Change) -> str:
    """What a change is about: a job's key, `channel NAME`."""
    return change.key if change.kind == "job" else f"{change.kind} {change.name}"


def where(change: Change) -> str:
    """Where a change comes from: `jobs.d/a.yaml:3 (was b)`."""
    return change.place + (f" (was {change.before['key']})" if change.action == "move" and change.before else "")


def blocks(plan: Plan, *, full: bool = False) -> list[Block]:
    """The changes with something to say, those that say the same together: one edit of a defaults file reaches
    hundreds of jobs, and is read once."""
    found: dict[tuple[Action, str, bytes], list[Change]] = {}
    for change in plan.changes:
        found.setdefault((change.action, change.kind, _said(change, full=full)), []).append(change)
    return [tuple(changes) for (_, _, said), changes in found.items() if said]


def _said(change: Change, *, full: bool) -> bytes:
    """A hash over all that the details are made of; empty where there are none."""
    parts: list[Any] = [change.notes] if change.notes else []
    if change.action == "refused":
        parts += [change.reason, change.remedy]
    elif change.action in {"create", "delete"}:
        wire: Mapping[str, Any] = change.after or change.before or {}
        shown = [name for name in wire if name not in _TITLE] if full or change.kind != "job" else _BRIEF
        parts += [wire.get(name) for name in shown]
    else:
        parts += [(field.field, *_differing(field)) for field in change.fields]
        if _is_timed(change):
            parts += [(wire or {}).get(name) for wire in (change.before, change.after) for name in _TIMED]
    return hashlib.sha256(repr(parts).encode()).digest() if parts else b""


def _differing(field: FieldChange) -> tuple[Any, ...]:
    """Of maps the members that differ: the other labels of two jobs do not make the same edit two."""
    before, after = field.before, field.after
    if field.field in WORDS or not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    members = ((name, repr(before.get(name)), repr(after.get(name))) for name in sorted({*before, *after}))
    return tuple((name, there, here) for name, there, here in members if there != here)


def _is_timed(change: Change) -> bool:
    return change.kind == "job" and any(field.field in _TIMED for field in change.fields)


def counts(plan: Plan) -> str:
    """`Plan: 2 to create, 1 to update, 0 to delete, 41 unchanged.`"""
    said = [f"{plan.count(action):,} to {action}" for action in ("create", "update", "delete")]
    said += [f"{number:,} to {word}" for word in ("move", "adopt") if (number := plan.count(word))]
    said += [f"{plan.count('refused'):,} refused"] if plan.count("refused") else []
    return f"Plan: {', '.join(said)}, {plan.unchanged:,} unchanged."


def standing(plan: Plan) -> Iterator[str]:
    """What the plan leaves alone, and why."""
    if plan.unmanaged:
        yield f"{plan.unmanaged:,} unmanaged, untouched."
    if not plan.prune:
        yield "Nothing is deleted: only a part of the definitions was looked at, or --no-prune was given."


def details(block: Block, *, now: datetime, full: bool = False) -> Iterator[Detail]:
    """What there is to say about a block's changes; `full` cuts nothing. Coming runs are the first after `now`."""
    change = block[0]
    if change.action == "refused":
        yield statement(change.reason or "")
        if change.remedy:
            yield statement((change.remedy, "dim"))
    elif change.action in {"create", "delete"}:
        yield from _whole(change, now) if full else _brief(change, now)
    else:
        for field in change.fields:
            yield from field_details(field, full=full)
        if change.before and change.after and _is_timed(change):
            yield from timing_details(change.before, change.after, now)
    for note in change.notes:
        yield statement("note: ", note)


def _brief(change: Change, now: datetime) -> Iterator[Detail]:
    wire: Mapping[str, Any] = change.after or change.before or {}
    if change.kind == "channel":
        words = [f"{wire['type']} channel", f"level {wire['level']}", ", ".join(wire["topics"]), *wire["to"]]
        yield statement((" · ".join(words), "dim"))
        return
    words = [schedule_words(wire["schedule"]), fan_out_words(wire["fanOut"]), f"agent {wire['agent']['slug']}"]
    if wire["schedule"] and not wire.get("enabled", True):
        words.insert(1, "switched off")
    if wire.get("protect"):
        words.append("protected")
    yield statement((" · ".join(words), "dim"))
    if change.action == "create":
        yield from coming_details(wire, now)


def _whole(change: Change, now: datetime) -> Iterator[Detail]:
    new = change.action == "create"
    wire: Mapping[str, Any] = change.after or change.before or {}
    for name, value in wire.items():
        if name not in _TITLE:
            yield from value_details(name, value, new=new)
    if new and change.kind == "job":
        yield from coming_details(wire, now)
