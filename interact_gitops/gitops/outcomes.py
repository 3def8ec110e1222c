"""From what was written to how the loop stands. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from interact_gitops.gitops.proposal import Name, Proposal, count_fights, mark_of
from interact_gitops.gitops.standing import Difference, Item, Standing
from interact_gitops.planning.applying import Applied
from interact_gitops.planning.plan import Change

MOST_FIELDS, LONGEST = 8, 200  # of what differs in a job; characters of a value
DELETED_BY_HAND = "it was deleted on the target by hand"
_WAITS = {
    "create": "to be created", "update": "to be changed: {fields}", "move": "to be moved here: {fields}",
    "adopt": "to be adopted: {fields}", "delete": "to be deleted",
}  # fmt: skip


def left_over(proposal: Proposal) -> tuple[Item, ...]:
    """What a proposal leaves as it is, and why."""
    found = [
        Item(kind=kind, key=key, state="drifted", reason=_by_hand(change), mark=mark_of(change), fields=_differ(change))
        for (kind, key), change in proposal.drifted.items()
    ]
    found += [
        Item(kind=kind, key=key, state="fighting",
             reason="somebody changes it back each time that it is healed; it is left alone until git changes it")
        for kind, key in proposal.fighting
    ]  # fmt: skip
    found += [
        Item(kind=change.kind, key=change.key, state="refused", reason=f"{change.reason}; {change.remedy}")
        for change in proposal.plan.changes
        if change.action == "refused"
    ]
    return tuple(found)


def waiting(proposal: Proposal) -> tuple[Item, ...]:
    """What is held: who approves a plan must know what is in it."""
    return tuple(
        Item(kind=change.kind, key=change.key, state="pending", fields=_differ(change),
             reason=_WAITS[change.action].format(fields=", ".join(dict.fromkeys(f.field for f in change.fields))))
        for change in proposal.plan.writes
    )  # fmt: skip


def _by_hand(change: Change) -> str:
    return DELETED_BY_HAND if change.action == "create" else "it was changed on the target by hand"


def _differ(change: Change) -> tuple[Difference, ...]:
    return tuple(
        Difference(field=one.field[:LONGEST], target=_text(one.before), git=_text(one.after))
        for one in change.fields[:MOST_FIELDS]
    )


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def after_writing(
    standing: Standing, proposal: Proposal, applied: Applied, *, pending: Collection[Name], commit: str, now: datetime
) -> tuple[Standing, set[Name]]:
    """(how it stands now, what is still to be written). What failed is tried again at the next pass."""
    done = {(o.change.kind, o.change.key) for o in applied.outcomes if o.result == "done"}
    failed = [o for o in applied.outcomes if o.result != "done"]
    undone = {(o.change.kind, o.change.key) for o in failed}
    left = [
        Item(kind=o.change.kind, key=o.change.key, state="failed" if o.result == "failed" else "pending",
             reason=o.said or "it was not tried")
        for o in failed
    ]  # fmt: skip
    items = (*(item for item in standing.items if (item.kind, item.key) not in done), *left)
    fights = count_fights(standing.fights, proposal, done, set(pending))
    after = replace(
        standing, items=items, hold=None, fights=fights, wrote_at=now,
        counts=dict(Counter(o.change.action for o in applied.outcomes if o.result == "done")),
    )  # fmt: skip
    # Of what was healed nothing is pending: it is found again if it is still there.
    still = (set(pending) | undone) - done if failed else set()
    if failed:
        first = failed[0]
        after = replace(
            after, sync="OutOfSync", sync_reason=f"{len(failed)} of {len(applied.outcomes)} changes were not written",
            health="Degraded", health_reason=f"{first.change.key}: {first.said or 'it was not tried'}",
        )  # fmt: skip
    elif items:
        after = replace(
            after, applied=commit, sync="OutOfSync", sync_reason=f"{len(items)} differ, and are left so",
            health="Healthy", health_reason="all is well", succeeded_at=now,
        )  # fmt: skip
        if any(item.state in {"fighting", "refused"} for item in items):
            after = replace(after, health="Degraded", health_reason=f"{items[0].key}: {items[0].reason}")
    else:
        after = replace(
            after, applied=commit, sync="Synced", sync_reason=f"everything is as {commit[:7]} says", health="Healthy",
            health_reason="all is well", succeeded_at=now,
        )  # fmt: skip
    return after, still
