"""Failed runs in a row, by job."""

from __future__ import annotations

from interact_gitops.server.store.database import Connection


def failures(db: Connection, job_id: str) -> int:
    """How many of the job's last runs failed one after the other."""
    row = db.execute("SELECT failures FROM streaks WHERE job_id = ?", (job_id,)).fetchone()
    return 0 if row is None else int(row["failures"])


def set_failures(db: Connection, job_id: str, count: int) -> None:
    """Writes the count of a job."""
    db.execute(
        "INSERT INTO streaks (job_id, failures) VALUES (?, ?) ON CONFLICT (job_id) DO UPDATE SET failures = ?",
        (job_id, count, count),
    )
