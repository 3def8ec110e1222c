"""What the sync loops of an organisation said last: one standing for each ownership mark, as JSON."""

from __future__ import annotations

import json
from typing import Any

from interact_gitops.server.store.database import Connection

MOST = 1_000  # of one organisation; what was said longest ago makes room


def put(db: Connection, organisation_id: str, standing: dict[str, Any], *, at: str) -> None:
    """Writes a standing in the place of the one before it."""
    text = json.dumps(standing, ensure_ascii=False)
    db.execute("REPLACE INTO sync_standings (organisation_id, managed_by, standing, reported_at) VALUES (?, ?, ?, ?)",
               (organisation_id, standing["managedBy"], text, at))  # fmt: skip
    db.execute(
        "DELETE FROM sync_standings WHERE organisation_id = ? AND managed_by IN (SELECT managed_by FROM sync_standings"
        " WHERE organisation_id = ? ORDER BY reported_at DESC LIMIT -1 OFFSET ?)",
        (organisation_id, organisation_id, MOST),
    )


def every(db: Connection, organisation_id: str) -> list[dict[str, Any]]:
    """Every standing with `reportedAt`, in the order of their marks."""
    rows = db.execute(
        "SELECT standing, reported_at FROM sync_standings WHERE organisation_id = ? ORDER BY managed_by",
        (organisation_id,),
    )
    return [{**json.loads(row["standing"]), "reportedAt": row["reported_at"]} for row in rows]
