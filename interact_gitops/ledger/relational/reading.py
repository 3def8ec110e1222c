"""Runs as they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from interact_gitops.ledger.database import Row, Session
from interact_gitops.ledger.keys import part_key
from interact_gitops.ledger.records import Run, RunLine, Transition, stored_text
from interact_gitops.ledger.relational.rows import RUN, from_text, instant, read_runs, text_or_none, to_text
from interact_gitops.ledger.requests import RunFilter
from interact_gitops.ledger.states import State

_LINE = (
    *("seq", "key", "job", "kind", "state", "attempt", "scheduled_at", "created_at", "triggered_at", "ended_at"),
    *("owner", "definition_hash", "git_commit", "requested_by", "reason", "in_the_way"),
)
LINE = ", ".join(_LINE)
"""The columns of a run in a list, for `read_lines`."""
_TIMES = frozenset({"scheduled_at", "created_at", "triggered_at", "ended_at"})
_LAST = "\U0010ffff"
_PART = re.compile(r"(?P<run>.+)#(?P<digits>[0-9a-f]{1,12})")

_OPEN = (
    f"SELECT {RUN} FROM runs WHERE target = :target"  # noqa: S608 - our own columns
    " AND state IN ('claimed', 'sending', 'triggered', 'running')"
)
_BY_KEY = f"SELECT {RUN} FROM runs WHERE target = :target AND key = ANY(:keys) ORDER BY seq"  # noqa: S608 - our own columns
_LINES_BY_KEY = f"SELECT {LINE} FROM runs WHERE target = :target AND key = :text"  # noqa: S608 - our own columns
_LINES_BY_CHAT = f"SELECT {LINE} FROM runs WHERE seq IN (SELECT run FROM chats WHERE target = :target AND chat = :text)"  # noqa: S608 - our own columns
_LINES_LIKE = (
    f"SELECT {LINE} FROM runs WHERE seq IN (SELECT seq FROM runs WHERE target = :target AND key >= :text AND key < :end"  # noqa: S608 - our own columns
    " UNION SELECT run FROM chats WHERE target = :target AND chat >= :text AND chat < :end)"
    " ORDER BY scheduled_at DESC, seq DESC LIMIT :limit"
)


def open_runs(session: Session, target: int, *, owner: str | None) -> tuple[Run, ...]:
    """See `Ledger.open_runs`."""
    mine = "" if owner is None else " AND owner = :owner"
    values = {"target": target} if owner is None else {"target": target, "owner": owner}
    rows = session.all(f"{_OPEN}{mine} ORDER BY seq", **values)
    return tuple(read_runs(session, rows))


def runs(session: Session, target: int, keys: Sequence[str]) -> tuple[Run, ...]:
    """See `Ledger.runs`."""
    rows = session.all(_BY_KEY, target=target, keys=list(keys))
    return tuple(read_runs(session, rows))


def owners_of_chats(session: Session, target: int, chats: Sequence[str]) -> dict[str, str]:
    """See `Ledger.owners_of_chats`."""
    known = {stored_text(chat): chat for chat in chats}
    rows = session.all(
        "SELECT c.chat, r.key FROM chats c JOIN runs r ON r.seq = c.run"
        " WHERE c.target = :target AND c.chat = ANY(:chats)",
        target=target,
        chats=list(known),
    )
    return {known[chat]: key for chat, key in rows}


def find(session: Session, target: int, text: str, *, limit: int) -> tuple[RunLine, ...]:
    """See `Archive.find`."""
    text = stored_text(text)
    if not text:
        return ()
    for sql in (_LINES_BY_KEY, _LINES_BY_CHAT):
        if rows := session.all(sql, target=target, text=text):
            return read_lines(session, rows)
    if found := _by_part(session, target, text):
        return read_lines(session, session.all(_LINES_BY_KEY, target=target, text=found))
    return read_lines(session, session.all(_LINES_LIKE, target=target, text=text, end=text + _LAST, limit=limit))


def history(session: Session, target: int, wanted: RunFilter) -> tuple[RunLine, ...]:
    """See `Archive.history`."""
    values: dict[str, Any] = {
        "target": target,
        "job": wanted.job,
        "states": list(wanted.states) or None,
        "since": text_or_none(wanted.since),
        "until": text_or_none(wanted.until),
    }
    conditions = {
        "target": "target = :target",
        "job": "job = :job",
        "states": "state = ANY(:states)",
        "since": "scheduled_at >= :since",
        "until": "scheduled_at < :until",
    }
    given = {name: value for name, value in values.items() if value is not None}
    where = " AND ".join(conditions[name] for name in given)
    sql = f"SELECT {LINE} FROM runs WHERE {where} ORDER BY scheduled_at DESC, seq DESC LIMIT :limit"  # noqa: S608 - nothing but the texts above
    return read_lines(session, session.all(sql, **given, limit=wanted.limit))


def transitions(session: Session, target: int, key: str) -> tuple[Transition, ...]:
    """See `Archive.transitions`."""
    rows = session.all(
        "SELECT t.at, t.was, t.state, t.attempt, t.fence, t.by_whom, t.reason FROM transitions t"
        " JOIN runs r ON r.seq = t.run WHERE r.target = :target AND r.key = :key ORDER BY t.seq",
        target=target,
        key=stored_text(key),
    )
    return tuple(
        Transition(at=instant(at), was=was, state=state, attempt=attempt, fence=fence, by=by, reason=reason)
        for at, was, state, attempt, fence, by, reason in rows
    )


def counts(session: Session, target: int) -> dict[State, int]:
    """See `Archive.counts`."""
    rows = session.all("SELECT state, count(*) FROM runs WHERE target = :target GROUP BY state", target=target)
    return {row[0]: row[1] for row in rows}


def late(session: Session, target: int, *, now: datetime) -> tuple[int, datetime | None]:
    """See `Archive.late`."""
    rows = session.all(
        "SELECT count(*), min(due_at) FROM runs WHERE target = :target AND state = 'planned' AND due_at <= :now"
        " AND priority IN (0, 1, 2)",  # all that there are, so that the index of what is due serves
        target=target,
        now=to_text(now),
    )
    return rows[0][0], from_text(rows[0][1])


def read_lines(session: Session, rows: Sequence[Row]) -> tuple[RunLine, ...]:
    """Rows of `LINE`, with their chats counted."""
    seqs = [row[0] for row in rows]
    chats: dict[int, dict[str, int]] = {seq: {} for seq in seqs}
    first: Mapping[int, str | None] = {}
    if seqs:
        counted = (
            "SELECT run, state, count(*) FROM parts WHERE run = ANY(:seqs) GROUP BY run, state ORDER BY run, state"
        )
        for seq, state, number in session.all(counted, seqs=seqs):
            chats[seq][state] = number
        first = dict(session.all("SELECT run, chat FROM parts WHERE run = ANY(:seqs) AND ordinal = 0", seqs=seqs))
    found = []
    for row in rows:
        values: dict[str, Any] = {n: from_text(v) if n in _TIMES else v for n, v in zip(_LINE, row, strict=True)}
        found.append(RunLine(**values, chat=first.get(row[0]), chats=chats[row[0]]))
    return tuple(found)


def _by_part(session: Session, target: int, text: str) -> str | None:
    """The key of the run that has a part of this key; the beginning of its digits will do."""
    match = _PART.fullmatch(text)
    if match is None:
        return None
    found = runs(session, target, [match["run"]])
    known = (part_key(run.key, part.parameters) for run in found if run.fan_out for part in run.parts)
    return match["run"] if any(key.startswith(text) for key in known) else None
