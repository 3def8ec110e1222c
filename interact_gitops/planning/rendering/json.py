"""A plan and its results as JSON, under `schema/plan.schema.json` and `schema/apply.schema.json`."""

from __future__ import annotations

from typing import Any

from interact_gitops.planning.applying import Applied
from interact_gitops.planning.plan import ORDER, Change, Plan

FORMAT_VERSION = "1"


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The whole plan; key order is stable."""
    return {
        "formatVersion": FORMAT_VERSION,
        "target": plan.target,
        "managedBy": plan.managed_by,
        "digest": plan.digest,
        "counts": {
            **{action: plan.count(action) for action in ORDER},
            "unchanged": plan.unchanged,
            "unmanaged": plan.unmanaged,
        },
        "prune": plan.prune,
        "notes": list(plan.notes),
        "changes": [_change(change) for change in plan.changes],
    }


def applied_to_json(applied: Applied) -> dict[str, Any]:
    """What became of every change."""
    return {
        "formatVersion": FORMAT_VERSION,
        "target": applied.plan.target,
        "digest": applied.plan.digest,
        "complete": applied.complete,
        "interrupted": applied.interrupted,
        "lockLost": applied.lost,
        "outcomes": [
            {
                "action": o.change.action,
                "kind": o.change.kind,
                "key": o.change.key,
                "result": o.result,
                "message": o.said,
            }
            for o in applied.outcomes
        ],
        "refused": [_change(change) for change in applied.plan.changes if change.action == "refused"],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "name": change.name,
        "path": change.path,
        "line": change.line,
        "id": change.remote_id,
        "etag": change.etag,
        "before": change.before,
        "after": change.after,
        "fields": [{"field": f.field, "before": f.before, "after": f.after} for f in change.fields],
        "notes": list(change.notes),
        "reason": change.reason,
        "remedy": change.remedy,
    }
