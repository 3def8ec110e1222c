"""`/sync`: what the sync loops say of themselves, with what failed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from interact_gitops.server.pages.answers import Outcome, Page
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import at, sentence
from interact_gitops.server.store import jobs, sync

SILENT = timedelta(minutes=15)  # a loop says every five minutes that it is alive
WORST_FIRST = ("failed", "refused", "fighting", "pending", "drifted")
STATE_WORDS = {
    "failed": "Failed", "refused": "Refused", "fighting": "Changed back each time", "pending": "Waiting",
    "drifted": "Drifted",
}  # fmt: skip
SYNC_WORDS = {"Synced": "In sync", "OutOfSync": "Out of sync", "Unknown": "Not known"}
# States with a shape of their own, for the words above.
SHAPES = {
    "failed": "failed", "refused": "failed", "fighting": "warning", "pending": "queued", "drifted": "drifted",
    "Synced": "in-sync", "OutOfSync": "drifted", "Unknown": "not-in-git", "Healthy": "up", "Progressing": "running",
    "Degraded": "failing", "Suspended": "paused",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as a loop told of it; `url` is its page, where the repository's host has one."""

    sha: str
    subject: str
    author: str
    made: datetime | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field's value in git and here."""

    field: str
    git: str | None
    here: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A job or channel that is not what git says. `job_id` leads to it, where it is here."""

    kind: str
    key: str
    job_id: str | None
    state: str
    words: str
    shape: str
    reason: str
    fields: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What waits for somebody, and the command that lets it through."""

    reason: str
    release: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One loop's standing. `silent`: it has not been heard of for too long."""

    mark: str
    repository: str
    repository_url: str | None
    branch: str
    sync: str
    sync_words: str
    sync_shape: str
    sync_reason: str
    health: str
    health_shape: str
    health_reason: str
    head: Commit | None
    good: Commit | None
    signature: str | None
    signed_badly: bool
    applied: str | None
    applied_url: str | None
    jobs: int
    in_sync: int
    differing: int
    items: tuple[ItemRow, ...]
    left_out: int
    hold: Hold | None
    problems: tuple[str, ...]
    looked: datetime | None
    looks_next: datetime | None
    wrote: datetime | None
    heard: datetime
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPage:
    """Every loop of the organisation; those that need somebody first."""

    loops: tuple[Loop, ...]


def show_sync(visit: Visit) -> Outcome:
    """GET /sync"""
    with visit.instance.database.read() as db:
        standings = sync.every(db, visit.organisation_id)
        keys = {item["key"] for standing in standings for item in standing["items"] if item["kind"] == "job"}
        found = {key: jobs.find_by_key(db, visit.organisation_id, key) for key in sorted(keys)}
    ids = {key: job.id for key, job in found.items() if job is not None}
    loops = [_loop(standing, ids, visit.now) for standing in standings]
    loops.sort(key=lambda loop: (loop.health != "Degraded", loop.hold is None, loop.sync == "Synced", loop.mark))
    return Page(template="sync.html", value=SyncPage(loops=tuple(loops)))


def _loop(standing: Mapping[str, Any], ids: Mapping[str, str], now: datetime) -> Loop:
    web = web_address(standing["repository"])
    items = sorted(standing["items"], key=lambda item: (WORST_FIRST.index(item["state"]), item["kind"], item["key"]))
    applied, hold, heard = standing.get("applied"), standing.get("hold"), at(standing["reportedAt"])
    signature = standing.get("signature")
    return Loop(
        mark=standing["managedBy"],
        repository=standing["repository"],
        repository_url=web,
        branch=standing["branch"],
        sync=standing["sync"],
        sync_words=SYNC_WORDS[standing["sync"]],
        sync_shape=SHAPES[standing["sync"]],
        sync_reason=sentence(standing["syncReason"]),
        health=standing["health"],
        health_shape=SHAPES[standing["health"]],
        health_reason=sentence(standing["healthReason"]),
        head=_commit(standing.get("head"), web),
        good=_commit(standing.get("good"), web),
        signature=signature,
        signed_badly=(signature or "").startswith("refused"),
        applied=applied,
        applied_url=_commit_url(web, applied) if applied else None,
        jobs=standing["jobs"],
        in_sync=max(0, standing["jobs"] - standing["differing"]),
        differing=standing["differing"],
        items=_items(items, ids),
        left_out=max(0, standing["differing"] - len(items)),
        hold=Hold(reason=sentence(hold["reason"]), release=hold["release"], since=_time(hold.get("since")))
        if hold
        else None,
        problems=tuple(standing["problems"]),
        looked=_time(standing.get("passedAt")),
        looks_next=_time(standing.get("nextAt")),
        wrote=_time(standing.get("wroteAt")),
        heard=heard,
        silent=now - heard > SILENT,
    )


def _items(items: Sequence[Mapping[str, Any]], ids: Mapping[str, str]) -> tuple[ItemRow, ...]:
    return tuple(
        ItemRow(
            kind=item["kind"],
            key=item["key"],
            job_id=ids.get(item["key"]) if item["kind"] == "job" else None,
            state=item["state"],
            words=STATE_WORDS[item["state"]],
            shape=SHAPES[item["state"]],
            reason=sentence(item["reason"]),
            fields=tuple(
                Difference(field=one["field"], git=one["git"], here=one["target"]) for one in item.get("fields", ())
            ),
        )
        for item in items
    )


def web_address(repository: str) -> str | None:
    """The page of a repository at a host that serves one under its https address; None where there is none."""
    if "://" not in repository and "@" in repository.partition(":")[0]:
        name, _, path = repository.rpartition("@")[2].partition(":")
        repository = f"https://{name}/{path}"
    try:
        parts = urlsplit(repository)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"https", "ssh"} or not host or not parts.path.strip("/"):
        return None
    beside = f":{port}" if port and parts.scheme == "https" else ""
    path = quote(parts.path.removesuffix("/").removesuffix(".git"), safe="/-._~")
    return f"https://{host}{beside}{path}"


def _commit(raw: Mapping[str, Any] | None, web: str | None) -> Commit | None:
    if raw is None:
        return None
    return Commit(
        sha=raw["sha"],
        subject=raw["subject"],
        author=raw["author"],
        made=_time(raw.get("at")),
        url=_commit_url(web, raw["sha"]),
    )


def _commit_url(web: str | None, sha: str) -> str | None:
    return f"{web}/commit/{quote(sha, safe='')}" if web else None


def _time(text: str | None) -> datetime | None:
    """A time of the loop's own clock; None for one that is none."""
    try:
        return at(text) if text else None
    except ValueError:
        return None
