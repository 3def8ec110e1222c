"""Two organisations on one server: what one has, the other cannot see, touch, hold up, or tell from what is not there.

That ids in paths are not found is shown for every operation in test_access; here is everything else that an id, a name,
a key or a cursor can be given in.
"""

from __future__ import annotations

import time

import pytest

JOBS, CHATS, CHANNELS = "/api/agents/jobs", "/api/agents/chats", "/api/notifications/channels"
DELIVERIES = "/api/notifications/deliveries"
CHANNEL = {"name": "shared-name", "type": "email", "to": ["a@example.com"]}


@pytest.fixture
def two(found):
    return found(), found()


def furnished(api):
    """An organisation with two of everything."""
    jobs = [api.create(key=f"same-{number}", managedBy="acme/same") for number in range(2)]
    chats = [api.run(job) for job in jobs]
    channels = [
        api.ok("POST", CHANNELS, json={**CHANNEL, "name": f"c-{n}", "managedBy": "acme/same"})["channel"]
        for n in range(2)
    ]
    deliveries = [api.ok("POST", f"{CHANNELS}/{one['id']}/test", json={})["delivery"] for one in channels]
    return jobs, chats, channels, deliveries


def test_filters_with_anothers_ids_find_nothing_as_unknown_ones_do(two):
    mine, theirs = two
    jobs, chats, *_ = furnished(theirs)
    for path, listed, query in [
        (CHATS, "chats", {"jobId": jobs[0]["id"]}),
        (CHATS, "chats", {"agentId": jobs[0]["agent"]["id"]}),
        (CHATS, "chats", {"initiator": chats[0]["initiator"]}),
        (CHATS, "chats", {"status": "completed", "createdAfter": "2000-01-01T00:00:00Z"}),
        (JOBS, "jobs", {"managedBy": "acme/same"}),
        (JOBS, "jobs", {"agentId": jobs[0]["agent"]["id"]}),
        (JOBS, "jobs", {"deleted": "true", "managedBy": "acme/same"}),
        (CHANNELS, "channels", {"managedBy": "acme/same"}),
        (DELIVERIES, "deliveries", {"channel": "c-0"}),
        (DELIVERIES, "deliveries", {"state": "dead"}),
        (DELIVERIES, "deliveries", {}),
    ]:
        assert mine.ok("GET", path, params=query) == {listed: [], "nextCursor": None}, path


def test_cursors_of_another_lead_nowhere(two):
    mine, theirs = two
    furnished(theirs)
    for path, listed in ((JOBS, "jobs"), (CHATS, "chats"), (CHANNELS, "channels"), (DELIVERIES, "deliveries")):
        cursor = theirs.ok("GET", path, params={"limit": 1})["nextCursor"]
        assert mine.ok("GET", path, params={"cursor": cursor}) == {listed: [], "nextCursor": None}


def test_idempotency_keys_are_each_organisations_own(two):
    """The same key, job key and body in two organisations: two jobs, two channels, two runs, two locks."""
    body, lock = two[0].definition(key="same"), {"managedBy": "acme/same", "holder": "h", "leaseSeconds": 60}
    headers = {"Idempotency-Key": "the same key"}
    made = []
    for api in two:
        first = api("POST", JOBS, json=body, headers=headers)
        assert "Idempotency-Replayed" not in first.headers
        job = first.json()["job"]
        channel = api("POST", CHANNELS, json=CHANNEL, headers=headers)
        run = api("POST", f"{JOBS}/{job['id']}/trigger", json={}, headers=headers)
        locked = api("POST", "/api/locks", json=lock, headers=headers)
        for answer in (channel, run, locked):
            assert answer.is_success, answer.text
            assert "Idempotency-Replayed" not in answer.headers
        made.append({job["id"], channel.json()["channel"]["id"], run.json()["chat"]["id"], locked.json()["lock"]["id"]})
    assert not made[0] & made[1]
    # And another body under a key that only the other has spent is no mismatch.
    other = {"Idempotency-Key": "only theirs"}
    two[1]("POST", JOBS, json=two[1].definition(), headers=other)
    assert two[0]("POST", JOBS, json=two[0].definition(), headers=other).status_code == 201


def test_anothers_run_is_not_replayed_nor_its_job_started(two):
    mine, theirs = two
    job = theirs.create()
    theirs.trigger(job, key="theirs")
    for key in ("theirs", "new"):
        mine.problem(404, "not_found", "POST", f"{JOBS}/{job['id']}/trigger", json={}, headers={"Idempotency-Key": key})
    assert len(theirs.all(CHATS, "chats", jobId=job["id"])) == 1


def test_keys_and_names_of_another_are_free(two):
    for api in two:
        api.create(key="the-one-key")
        assert api("POST", CHANNELS, json=CHANNEL).status_code == 201
    problem = two[0].problem(409, "key_taken", "POST", JOBS, json=two[0].definition(key="the-one-key"))
    assert problem["jobId"] in {job["id"] for job in two[0].all(JOBS, "jobs")}


def test_a_run_tells_its_own_organisations_channel_of_that_name(two, server):
    """Jobs attach channels by name; the other's channel of that name hears nothing."""
    mine, theirs = two
    channel = {**CHANNEL, "name": "alerts", "topics": ["completed_run"], "level": "info"}
    assert theirs("POST", CHANNELS, json=channel).status_code == 201
    mine.run(mine.create(notifications=[{"channel": "alerts", "topics": ["completed_run"]}]))
    (delivery,) = mine.all(DELIVERIES, "deliveries")
    deadline = time.monotonic() + 10
    while (state := mine.ok("GET", f"{DELIVERIES}/{delivery['id']}")["delivery"])["state"] == "waiting":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (state["state"], "there is no channel" in state["error"]) == ("dead", True)
    assert theirs.all(DELIVERIES, "deliveries") == []


def test_locks_and_standings_of_another_hold_nobody_up(two):
    mine, theirs = two
    lock = {"managedBy": "acme/same", "holder": "somebody of theirs", "leaseSeconds": 600}
    held = theirs.ok("POST", "/api/locks", json=lock)["lock"]
    assert mine("POST", "/api/locks", json={**lock, "holder": "me"}).status_code == 201
    for method, path, more in (("POST", f"/api/locks/{held['id']}/renew", {"json": {"leaseSeconds": 1}}),
                               ("DELETE", f"/api/locks/{held['id']}", {})):  # fmt: skip
        mine.problem(404, "not_found", method, path, **more)
    theirs.problem(409, "locked", "POST", "/api/locks", json={**lock, "holder": "another"})
    standing = dict(theirs.description.document["components"]["schemas"]["SyncStanding"]["examples"][0])
    assert theirs("PUT", "/api/sync", json=standing).status_code == 204
    assert mine.ok("GET", "/api/sync") == {"sync": []}


def test_rows_that_two_have_in_common_are_read_by_each_from_its_own_chat(two):
    """Equal rows are kept once; a document is still found through its own chat only."""
    mine, theirs = two
    chats = [api.run(api.create()) for api in two]
    documents = [chat["documents"][0] for chat in chats]
    assert documents[0]["sha256"] == documents[1]["sha256"]
    for chat in (chats[0]["id"], chats[1]["id"]):
        mine.problem(404, "not_found", "GET", f"{CHATS}/{chat}/documents/{documents[1]['id']}")
    theirs.ok("GET", documents[1]["href"])


def test_what_is_anothers_and_what_is_not_there_cannot_be_told_apart(two):
    """Status, words, headers and, as far as a network could tell, time."""
    mine, theirs = two
    jobs, chats, channels, deliveries = furnished(theirs)
    for path, id_ in (
        (f"{JOBS}/ID", jobs[0]["id"]), (f"{CHATS}/ID", chats[0]["id"]), (f"{CHANNELS}/ID", channels[0]["id"]),
        (f"{DELIVERIES}/ID", deliveries[0]["id"]),
    ):  # fmt: skip
        absent = id_[:-4] + ("0000" if not id_.endswith("0000") else "1111")
        answers = [mine("GET", path.replace("ID", one)) for one in (id_, absent)]
        said = [answer.text.replace(one, "ID") for answer, one in zip(answers, (id_, absent), strict=True)]
        assert said[0] == said[1]
        assert {*answers[0].headers} == {*answers[1].headers}
        times = {id_: 0.0, absent: 0.0}
        for _ in range(50):
            for one in times:
                began = time.perf_counter()
                mine("GET", path.replace("ID", one))
                times[one] += (time.perf_counter() - began) / 50
        assert abs(times[id_] - times[absent]) < 0.02
