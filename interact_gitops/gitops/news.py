"""What of a standing people should hear, once each. Pure.

The identity of a remark is what happened: a commit that cannot be used is one, however often it is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

from interact_gitops.gitops.outcomes import DELETED_BY_HAND
from interact_gitops.gitops.standing import Standing
from interact_gitops.notify.events import Level, Remark

MOST_DRIFTED = 10  # of what people changed by hand is told one by one; the rest in one message
MOST_WAITING = 20  # of what waits is named in a message
_CHANGED = (
    "It is left so until git changes it. `interact-gitops drift` shows the difference, `interact-gitops import` takes"
    " it over into git, and `sync --heal` puts such changes back."
)
_DELETED = (
    "It is left so until git changes it. Remove its file from git where that was meant; `sync --heal` makes it anew."
)
PATIENCE = 5  # passes in a row that may fail before somebody hears of it: networks come back


def news(standing: Standing) -> Iterator[Remark]:
    """What is to be told of it now; what was told before has the same ids."""
    head = standing.head
    if head is not None and (standing.problems or (standing.signature or "").startswith("refused")):
        yield _remark(
            standing, f"commit:{head.sha}", "sync_failed", f"{_name(standing)}: {head.short} cannot be used",
            "\n".join([f"**{standing.health_reason}**", "", *(f"- {line}" for line in standing.problems), "",
                       f"{head.short} {head.subject} ({head.author}). "
                       + ("The last good definitions stay in force." if standing.good else "Nothing was written.")]),
        )  # fmt: skip
    elif standing.failures >= PATIENCE:
        since = standing.succeeded_at.isoformat() if standing.succeeded_at else "ever"
        yield _remark(
            standing, f"failing:{since}", "sync_failed", f"{_name(standing)}: the sync fails",
            f"{standing.failures} passes in a row failed: {standing.health_reason}",
        )  # fmt: skip
    if standing.hold is not None:
        what = standing.hold.digest or standing.hold.since.isoformat()
        yield _remark(
            standing, f"hold:{what}", "sync_held", f"{_name(standing)}: changes wait for somebody",
            "\n".join([standing.hold.reason, "", *_waiting(standing), standing.hold.release]),
        )  # fmt: skip
    for item in standing.items:
        if item.state == "fighting":
            mark = standing.fights.get((item.kind, item.key))
            yield _remark(
                standing, f"fight:{item.key}:{mark.mark if mark else ''}", "sync_failed",
                f"{_name(standing)}: {item.key} is changed back each time", item.reason, job=item.key,
            )  # fmt: skip
    yield from _drifted(standing)


def _waiting(standing: Standing) -> Iterator[str]:
    found = [item for item in standing.items if item.state == "pending"]
    yield from (f"- {item.key}: {item.reason}" for item in found[:MOST_WAITING])
    if len(found) > MOST_WAITING:
        yield f"- and {len(found) - MOST_WAITING} more, see `interact-gitops status --format json`"
    if found:
        yield ""


def _drifted(standing: Standing) -> Iterator[Remark]:
    found = [item for item in standing.items if item.state == "drifted"]
    whose = _name(standing)
    for item in islice(found, MOST_DRIFTED):
        yield _remark(
            standing, f"drift:{item.kind}:{item.key}:{item.mark}", "drifted",
            f"{whose}: {item.key} {'was deleted' if item.reason == DELETED_BY_HAND else 'was changed'} by hand",
            _DELETED if item.reason == DELETED_BY_HAND else _CHANGED,
            job=item.key if item.kind == "job" else None, level="warning",
        )  # fmt: skip
    if len(found) > MOST_DRIFTED:
        yield _remark(
            standing, f"drift:more:{standing.applied}", "drifted", f"{whose}: much was changed by hand",
            f"{len(found)} jobs and channels are not what git says. `interact-gitops status` names them.",
            level="warning",
        )  # fmt: skip


def _remark(
    standing: Standing, identity: str, topic: str, title: str, text: str, *, job: str | None = None,
    level: Level = "error",
) -> Remark:  # fmt: skip
    # Two loops, of two repositories or targets, tell of two things.
    whose = hashlib.sha256(f"{standing.repository}\n{standing.target}".encode()).hexdigest()[:12]
    at = standing.passed_at.isoformat() if standing.passed_at else ""
    return Remark(id=f"sync:{whose}:{identity}", time=at, topic=topic, level=level, title=title, text=text,
                  job_key=job)  # fmt: skip


def _name(standing: Standing) -> str:
    return standing.managed_by or standing.repository
