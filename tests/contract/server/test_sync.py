"""What the sync loops say of themselves: kept for each ownership mark, and shown."""

from __future__ import annotations

from typing import Any

import pytest

SYNC = "/api/sync"
COMMIT = {"sha": "a" * 40, "author": "Ada", "subject": "first", "at": "2026-11-23T07:00:00+00:00"}


def standing(**changes: Any) -> dict[str, Any]:
    return {
        "managedBy": "acme/jobs", "repository": "https://git.example.com/acme/jobs", "branch": "main",
        "sync": "Synced", "syncReason": "everything is as aaaaaaa says", "health": "Healthy",
        "healthReason": "all is well", "head": COMMIT, "good": None, "signature": None, "applied": "a" * 40,
        "jobs": 3, "differing": 0, "items": [], "hold": None, "problems": [], "passedAt": "2026-11-23T07:00:00+00:00",
        **changes,
    }  # fmt: skip


def test_each_mark_has_its_newest_standing(api):
    assert api.ok("GET", SYNC) == {"sync": []}
    for said in (standing(), standing(managedBy="beta/jobs", sync="Unknown"), standing(sync="OutOfSync")):
        assert api("PUT", SYNC, json=said).status_code == 204
    found = api.ok("GET", SYNC)["sync"]
    assert [(one["managedBy"], one["sync"]) for one in found] == [("acme/jobs", "OutOfSync"), ("beta/jobs", "Unknown")]
    assert all(one.pop("reportedAt") for one in found)
    assert found[0] == standing(sync="OutOfSync")


@pytest.mark.parametrize(
    "changes",
    [{"managedBy": ""}, {"sync": "Fine"}, {"jobs": -1}, {"more": 1}, {"items": [{"key": "a"}]}, {"head": {"sha": "x"}},
     {"items": [{"kind": "job", "key": "a", "state": "drifted", "reason": "r"}] * 201}],
)  # fmt: skip
def test_what_is_none_is_refused(api, changes):
    api.problem(422, "invalid", "PUT", SYNC, json=standing(**changes))
    assert api.ok("GET", SYNC) == {"sync": []}


def test_only_so_many_are_kept(api, monkeypatch):
    monkeypatch.setattr("interact_gitops.server.store.sync.MOST", 3)
    for number in range(5):
        api("PUT", SYNC, json=standing(managedBy=f"team-{number}/jobs"))
    assert len(api.ok("GET", SYNC)["sync"]) == 3
