"""Who is signed in to the pages: digests of cookies, never a cookie itself."""

from __future__ import annotations

import hashlib

from interact_gitops.server.store.database import Connection

MOST = 1_000  # sessions; the oldest make room


def add(db: Connection, cookie: str, *, password: str, now: str, expires_at: str) -> None:
    """Somebody signed in. `password` is the mark of the password, not the password."""
    db.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
    db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (_digest(cookie), password, now, expires_at))
    db.execute(
        "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions ORDER BY signed_in_at DESC, rowid DESC"
        " LIMIT -1 OFFSET ?)",
        (MOST,),
    )


def is_known(db: Connection, cookie: str, *, password: str, now: str) -> bool:
    """Whether a cookie is of somebody who signed in with this password, not too long ago."""
    found = db.execute(
        "SELECT 1 FROM sessions WHERE digest = ? AND password = ? AND expires_at > ?", (_digest(cookie), password, now)
    )
    return found.fetchone() is not None


def remove(db: Connection, cookie: str) -> None:
    """Somebody signed out."""
    db.execute("DELETE FROM sessions WHERE digest = ?", (_digest(cookie),))


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
