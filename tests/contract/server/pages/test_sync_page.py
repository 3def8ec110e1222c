"""What the Sync page makes of what loops say, be it good, bad or hostile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.server.pages.sync import web_address
from interact_gitops.server.serving import EmbeddedServer

from .browsing import Browser, Safe, said

SHA = "3f2a8c1d5e6f708192a3b4c5d6e7f8091a2b3c4d"
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}'


def standing(**changes: Any) -> dict[str, Any]:
    commit = {"sha": SHA, "author": "Ada", "subject": "Ask for the cost, too", "at": "2026-11-23T07:00:00+00:00"}
    return {
        "managedBy": "acme/jobs", "repository": "https://github.com/acme/jobs.git", "branch": "main", "sync": "Synced",
        "syncReason": "everything is as 3f2a8c1 says", "health": "Healthy", "healthReason": "all is well",
        "head": commit, "good": commit, "signature": None, "applied": SHA, "jobs": 3, "differing": 0, "items": [],
        "hold": None, "problems": [], "passedAt": "2026-11-23T08:00:00+00:00", "nextAt": "2026-11-23T08:01:00+00:00",
        "succeededAt": "2026-11-23T08:00:00+00:00", "wroteAt": None, **changes,
    }  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Browser, httpx.Client]]:
    with EmbeddedServer(tmp_path, port=0, scheduler=False) as server:
        headers = {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}
        with httpx.Client(base_url=server.url, headers=headers) as api:
            browser = Browser(server)
            yield browser, api
            browser.close()


def test_nothing_yet_says_what_to_do(site: tuple[Browser, httpx.Client]) -> None:
    browser, _ = site
    assert "interact-gitops sync --repo" in said(browser.get("/sync"))


def test_a_loop_in_step(site: tuple[Browser, httpx.Client]) -> None:
    browser, api = site
    assert api.put("/api/sync", json=standing()).status_code == 204
    page = browser.get("/sync")
    words = said(page)
    for part in ("acme/jobs", "In sync", "Healthy", "Everything is as 3f2a8c1 says.", "Ask for the cost, too", "Ada",
                 "main", "Not demanded", "2026-11-23 08:01:00 UTC", "3 jobs as git says"):  # fmt: skip
        assert part in words, part
    assert f"https://github.com/acme/jobs/commit/{SHA}" in Safe(page.text).links


def test_failures_come_first_with_their_fields(site: tuple[Browser, httpx.Client]) -> None:
    browser, api = site
    made = api.post("/api/agents/jobs", json={"key": "weekly", "name": "W", "agent": {"slug": "paid-search-analyst"},
                                              "prompts": [{"text": "What was spent?"}]})  # fmt: skip
    assert made.status_code == 201
    item = {"kind": "job", "reason": "because", "fields": []}
    fields = [{"field": "name", "target": "Old", "git": "New"}, {"field": "prompt", "target": None, "git": "Ask"}]
    items = [
        {**item, "key": "weekly", "state": "drifted", "fields": fields}, {**item, "key": "waits", "state": "pending"},
        {**item, "key": "denied", "state": "refused"}, {**item, "key": "broken", "state": "failed"},
        {**item, "key": "fought", "state": "fighting", "kind": "channel"},
    ]  # fmt: skip
    told = standing(sync="OutOfSync", health="Degraded", differing=230, items=items,
                    hold={"reason": "too many", "release": "interact-gitops sync approve abc", "digest": "abc",
                          "since": "2026-11-23T08:00:00+00:00"},
                    problems=["jobs.d/a.yaml:2:1: unknown field"], signature="refused: no signature")  # fmt: skip
    assert api.put("/api/sync", json=told).status_code == 204
    page = browser.get("/sync")
    words = said(page)
    places = [words.index(key) for key in ("broken", "denied", "fought", "waits", "weekly")]
    assert places == sorted(places)
    for part in (
        "interact-gitops sync approve abc", "jobs.d/a.yaml:2:1: unknown field", "225 more differences",
        "refused: no signature", "The last good one stays in force", "name New Old", "prompt Ask nothing",
    ):  # fmt: skip
        assert part in words, part
    assert f"/jobs/{made.json()['job']['id']}" in Safe(page.text).links


def test_a_silent_loop_is_not_believed(site: tuple[Browser, httpx.Client]) -> None:
    browser, api = site
    api.put("/api/sync", json=standing())
    instance = browser.server.instance
    with instance.database.write() as db:
        db.execute("UPDATE sync_standings SET reported_at = '2026-01-01T00:00:00.000Z'")
    words = said(browser.get("/sync"))
    assert "Not heard of" in words
    assert "2026-01-01 00:00" in words


def test_hostile_words_stay_words(site: tuple[Browser, httpx.Client]) -> None:
    browser, api = site
    told = standing(
        managedBy=HOSTILE, repository=f"javascript:alert(1)//{HOSTILE}", branch=HOSTILE, syncReason=HOSTILE,
        healthReason=HOSTILE, health="Degraded", signature=HOSTILE, problems=[HOSTILE],
        head={"sha": SHA, "author": HOSTILE, "subject": HOSTILE, "at": "9999-12-31T23:59:59+00:00"},
        items=[{"kind": "job", "key": HOSTILE, "state": "drifted", "reason": HOSTILE,
                "fields": [{"field": HOSTILE, "target": HOSTILE, "git": HOSTILE}]}],
        hold={"reason": HOSTILE, "release": HOSTILE, "digest": None, "since": "2026-11-23T08:00:00+00:00"},
    )  # fmt: skip
    answer = api.put("/api/sync", json=told)
    assert answer.status_code == 204, answer.text
    page = browser.get("/sync")
    assert page.status_code == 200
    assert said(page).count("<script>alert(1)</script>{{ 7*7 }}") >= 10


@pytest.mark.parametrize(
    ("repository", "page"),
    [
        ("https://github.com/acme/jobs.git", "https://github.com/acme/jobs"),
        ("https://user:secret@git.example.com:8443/a/b/", "https://git.example.com:8443/a/b"),
        ("git@github.com:acme/jobs.git", "https://github.com/acme/jobs"),
        ("ssh://git@github.com:22/acme/jobs.git", "https://github.com/acme/jobs"),
        ("https://github.com/a b/<x>", "https://github.com/a%20b/%3Cx%3E"),
        ("/srv/git/jobs.git", None), ("file:///srv/git", None), ("http://intern/jobs", None), ("", None),
        ("javascript:alert(1)", None), ("https://", None), ("https://[", None), ("data:text/html,x@y:z", None),
    ],
)  # fmt: skip
def test_where_a_repository_has_a_page(repository: str, page: str | None) -> None:
    assert web_address(repository) == page
