"""The ledger as a whole: pruned, exported, checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from interact_gitops.ledger.database import Session
from interact_gitops.ledger.relational.rows import given, to_text

FORMAT_VERSION = "1"
_PAGE = 500


_OLD = (
    " FROM runs r WHERE r.target = :target AND r.scheduled_at < :before"
    " AND r.ended_at < :before AND r.state IN ('succeeded', 'failed', 'cancelled', 'timed_out', 'missed',"
    " 'skipped_overlap') AND (r.occurrence IS NULL OR NOT EXISTS (SELECT 1 FROM jobs j WHERE j.target = r.target"
    " AND j.job = r.job AND j.decided_until < r.occurrence))"
)


def prunable(session: Session, target: int, *, older_than: timedelta, keep: timedelta, now: datetime) -> int:
    """See `Archive.prunable`."""
    before = to_text(now - max(older_than, keep))
    number: int = session.all(f"SELECT count(*){_OLD}", target=target, before=before)[0][0]
    return number


def prune(session: Session, target: int, *, older_than: timedelta, keep: timedelta, now: datetime, limit: int) -> int:
    """See `Archive.prune`."""
    before = to_text(now - max(older_than, keep))
    rows = session.all(
        f"SELECT r.seq, r.job, r.key, r.occurrence{_OLD} ORDER BY r.scheduled_at, r.seq LIMIT :limit"
        " FOR UPDATE OF r SKIP LOCKED",
        target=target,
        before=before,
        limit=limit,
    )
    if not rows:
        return 0
    newest: dict[str, str] = {job: until for _, job, _, until in rows if until is not None}  # rows are in that order
    session.bulk(
        f"UPDATE jobs SET pruned_until = v.until FROM {given('target', 'job', 'until')} WHERE jobs.target = v.target"  # noqa: S608 - our own columns
        " AND jobs.job = v.job AND (jobs.pruned_until IS NULL OR jobs.pruned_until < v.until)",
        [{"target": target, "job": job, "until": until} for job, until in newest.items()],
    )
    session.do(
        "DELETE FROM notices WHERE target = :target AND run_key = ANY(:keys) AND outcome IS NOT NULL",
        target=target,
        keys=[row[2] for row in rows],
    )
    return session.do("DELETE FROM runs WHERE seq = ANY(:seqs)", seqs=[row[0] for row in rows])


def export(session: Session, write: Callable[[str], object]) -> int:
    """See `Archive.export`."""
    written = 0
    for line in _lines(session):
        write(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
        written += 1
    return written


def _lines(session: Session) -> Iterator[dict[str, Any]]:
    yield {"record": "ledger", "formatVersion": FORMAT_VERSION}
    names: dict[int, str] = {}
    for number, name, at, by, reason in session.all(
        "SELECT id, name, held_at, held_by, held_reason FROM targets ORDER BY name"
    ):
        names[number] = name
        held = None if at is None else {"at": at, "by": by, "reason": reason}
        yield {"record": "target", "target": name, "held": held}
    for row in _rows(session, "jobs", _JOB, order="target, job"):
        yield {"record": "job", **row, "target": names[row["target"]]}
    for page in _pages(session, "runs", _RUN):
        seqs = [row["seq"] for row in page]
        parts = _grouped(session, "parts", _PART, seqs, order="run, ordinal")
        chats = _grouped(session, "chats", _CHAT, seqs, order="run, attempt, ordinal")
        steps = _grouped(session, "transitions", _STEP, seqs, order="run, seq")
        for row in page:
            for part in parts[row["seq"]]:
                part["parameters"] = json.loads(part["parameters"])
            beside = {name: found[row["seq"]] for name, found in
                      (("parts", parts), ("chats", chats), ("transitions", steps))}  # fmt: skip
            yield {"record": "run", **row, **beside, "target": names[row["target"]]}
    for page in _pages(session, "notices", _NOTICE):
        for row in page:
            yield {"record": "notice", **row, "target": names[row["target"]]}


_JOB = (
    *("target", "job", "schedule", "decided_until", "paused_at", "paused_by", "paused_reason", "failures"),
    *("succeeded_at", "pruned_until"),
)
_RUN = (
    *("seq", "target", "key", "job", "kind", "occurrence", "scheduled_at", "due_at", "start_by", "alarm_at"),
    *("priority", "line_up", "exclusive", "fan_out", "max_parallel", "timeout", "max_attempts", "backoff"),
    *("definition_hash", "git_commit", "requested_by", "created_at", "state", "attempt", "retrying", "fence", "owner"),
    *("leased_until", "payload", "remote_job", "sent_at", "send_by", "triggered_at", "ended_at", "reason"),
    *("in_the_way", "cancel_at", "cancel_by", "cancel_reason"),
)
_PART = ("ordinal", "parameters", "state", "attempt", "chat", "error", "ended_at")
_CHAT = ("chat", "ordinal", "attempt")
_STEP = ("at", "was", "state", "attempt", "fence", "by_whom", "reason")
_NOTICE = (
    *("seq", "target", "id", "channel", "topic", "body", "run_key", "created_at", "due_at", "tries", "outcome"),
    *("error", "settled_at"),
)


def _rows(session: Session, table: str, columns: tuple[str, ...], *, order: str) -> Iterator[dict[str, Any]]:
    for row in session.all(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):  # noqa: S608 - names from above
        yield dict(zip(columns, row, strict=True))


def _pages(session: Session, table: str, columns: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    after = 0
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE seq > :after ORDER BY seq LIMIT :page"  # noqa: S608 - names from above
    while rows := session.all(sql, after=after, page=_PAGE):
        page = [dict(zip(columns, row, strict=True)) for row in rows]
        after = page[-1]["seq"]
        yield page


def _grouped(
    session: Session, table: str, columns: tuple[str, ...], seqs: list[int], *, order: str
) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {seq: [] for seq in seqs}
    sql = f"SELECT run, {', '.join(columns)} FROM {table} WHERE run = ANY(:seqs) ORDER BY {order}"  # noqa: S608 - names from above
    for seq, *row in session.all(sql, seqs=seqs):
        found[seq].append(dict(zip(columns, row, strict=True)))
    return found


_UNSOUND = {
    "has no chat to start": (
        "SELECT key FROM runs r WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE p.run = r.seq) ORDER BY key LIMIT 20"
    ),
    "is in another state than its history says": (
        "SELECT key FROM runs r WHERE r.state <> (SELECT t.state FROM transitions t WHERE t.run = r.seq"
        " ORDER BY t.seq DESC LIMIT 1) ORDER BY key LIMIT 20"
    ),
    "has no history": (
        "SELECT key FROM runs r WHERE NOT EXISTS (SELECT 1 FROM transitions t WHERE t.run = r.seq)"
        " ORDER BY key LIMIT 20"
    ),
    "has an owner and nothing to own": (
        "SELECT key FROM runs WHERE owner IS NOT NULL AND state NOT IN ('claimed', 'sending', 'triggered', 'running')"
        " ORDER BY key LIMIT 20"
    ),
    "is being sent without a frozen request": (
        "SELECT key FROM runs WHERE state = 'sending' AND (payload IS NULL OR sent_at IS NULL) ORDER BY key LIMIT 20"
    ),
    "succeeded with a chat that did not": (
        "SELECT key FROM runs r WHERE state = 'succeeded' AND EXISTS (SELECT 1 FROM parts p WHERE p.run = r.seq"
        " AND p.state <> 'succeeded') ORDER BY key LIMIT 20"
    ),
    "names a chat that belongs to another run": (
        "SELECT r.key FROM runs r JOIN parts p ON p.run = r.seq JOIN chats c ON c.target = r.target AND c.chat = p.chat"
        " WHERE c.run <> r.seq ORDER BY r.key LIMIT 20"
    ),
}


def unsound(session: Session) -> list[str]:
    """What the rows say that no ledger should, up to 20 runs a kind."""
    return [f"the run {row[0]} {said}" for said, sql in _UNSOUND.items() for row in session.all(sql)]
