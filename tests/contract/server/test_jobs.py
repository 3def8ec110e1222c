"""Job definitions: made, read, listed, replaced, paused, deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from interact_gitops.jobs.wire import FIELDS, definition_hash, job_from_wire, job_to_wire

JOBS = "/api/agents/jobs"
HASH = "0123456789abcdef" * 4
WHOLE = {
    "key": "whole",
    "name": "Whole – ünïcode 🥾",
    "agent": {"slug": "paid-search-analyst"},
    "description": "What it is for",
    "owner": "paid-search@example.com",
    "prompts": [
        {"text": "How did {{ campaign_id }} do in {{ days }} days?", "query": "campaign_performance"},
        {"text": "And {{ run.date }}?", "query": None},
    ],
    "parameters": {
        "campaign_id": {"type": "string", "pattern": r"^CMP-\d{4}-\d{3}$", "description": "Which", "title": "Campaign"},
        "days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7, "examples": [7, 28]},
        "floor": {"type": "number", "exclusiveMinimum": 0, "default": 2.5, "multipleOf": 0.5},
        "market": {"type": "string", "enum": ["NL", "DE"], "default": "NL", "minLength": 2, "maxLength": 2},
        "day": {"type": "string", "format": "date", "default": "2026-01-31"},
        "deep": {"type": "boolean", "default": False},
    },
    "fanOut": {
        "matrix": {"campaign_id": ["CMP-2026-001", "CMP-2026-002"], "days": [7, 28]},
        "exclude": [{"campaign_id": "CMP-2026-002", "days": 28}],
        "include": [{"campaign_id": "CMP-2026-009"}],
        "combinations": None,
        "maxParallel": 4,
    },
    "schedule": {
        "cron": "0 8 * * 1", "timezone": "Europe/Amsterdam", "calendar": "NL", "catchUp": "all",
        "startDeadlineSeconds": 7200, "jitterSeconds": 90, "notBefore": "2026-01-01", "notAfter": "2030-12-31",
    },
    "overlap": "queue_one",
    "pauseAfterFailures": 5,
    "timeoutSeconds": 600,
    "graceSeconds": 0,
    "retries": {"maxAttempts": 3, "backoffSeconds": 10},
    "notifications": [{"channel": "marketing-slack", "topics": ["failed_run"]}],
    "enabled": False,
    "labels": {"team": "marketing", "tier": "gold"},
    "protect": True,
    "ignoreChanges": ["prompts", "schedule"],
    "managedBy": "acme/jobs",
    "commit": "4fd71743c2f7c7a3f0d3f3c44c8bd7c2f2a1b0e9",
    "sourcePath": "jobs.d/whole.yaml",
    "appliedHash": HASH,
    "scheduleEnabled": False,
}  # fmt: skip
MARKS = {"managedBy", "commit", "sourcePath", "appliedHash", "scheduleEnabled"}


def wire(job):
    """The definition in a job as answered."""
    return {**{name: job[name] for name in FIELDS.values()}, "agent": {"slug": job["agent"]["slug"]}}


def body(job):
    """What to send to leave a job as it is."""
    return {**wire(job), **{name: job[name] for name in MARKS}}


def put(api, job, status=200, *, match=None, **changes):
    headers = {"If-Match": match or job["etag"]}
    answer = api("PUT", f"{JOBS}/{job['id']}", json={**body(job), **changes}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json().get("job", answer.json())


def test_every_field_comes_back_as_it_was_sent(api):
    job = api.create(**WHOLE)
    assert body(job) == WHOLE
    assert job["definitionHash"] == definition_hash(WHOLE)
    assert job["paused"] is None
    assert api.job(job["id"]) == job
    assert api.all(JOBS, "jobs") == [job]


def test_defaults_are_written_out_and_hashed(api):
    job = api.create()
    thin = {"key": job["key"], "name": job["name"], "agent": {"slug": "tester"},
            "prompts": [{"text": "Quick, please", "query": "quick"}]}  # fmt: skip
    full = job_to_wire(job_from_wire(thin))
    assert wire(job) == full
    assert job["definitionHash"] == definition_hash(full)
    assert {name: job[name] for name in MARKS} == {
        "managedBy": None, "commit": None, "sourcePath": None, "appliedHash": None, "scheduleEnabled": True,
    }  # fmt: skip


def test_the_etag_is_in_header_and_body_and_changes_with_the_definition(api):
    job = api.create()
    answer = api("GET", f"{JOBS}/{job['id']}")
    assert answer.headers["ETag"] == answer.json()["job"]["etag"] == job["etag"]
    changed = put(api, job, name="Another name")
    assert changed["name"] == "Another name"
    assert changed["etag"] != job["etag"]
    assert changed["definitionHash"] == definition_hash(wire(changed)) != job["definitionHash"]
    assert changed["createdAt"] == job["createdAt"]
    assert changed["updatedAt"] >= job["updatedAt"]
    assert changed["id"] == job["id"]
    assert api.job(job["id"]) == changed


def test_replacing_is_whole_and_keeps_only_what_stands_beside_the_definition(api):
    job = api.create(**WHOLE)
    thin = {name: WHOLE[name] for name in ("key", "name", "agent", "prompts", "parameters")}
    answer = api.ok("PUT", f"{JOBS}/{job['id']}", json=thin, headers={"If-Match": job["etag"]})
    assert wire(answer["job"]) == job_to_wire(job_from_wire(thin))
    # What apply wrote beside the definition is not the definition's to forget; null takes it away.
    kept = ("managedBy", "commit", "sourcePath", "appliedHash")
    assert {name: answer["job"][name] for name in kept} == {name: job[name] for name in kept}
    bare = {**thin, **dict.fromkeys(kept)}
    cleared = api.ok("PUT", f"{JOBS}/{job['id']}", json=bare, headers={"If-Match": answer["job"]["etag"]})
    assert {cleared["job"][name] for name in kept} == {None}


def test_where_it_comes_from_is_not_part_of_the_hash(api):
    job = api.create()
    changed = put(api, job, commit="abc", sourcePath="jobs.d/x.yaml", managedBy="acme", appliedHash=HASH)
    assert changed["definitionHash"] == job["definitionHash"]
    assert changed["commit"] == "abc"
    assert put(api, changed, scheduleEnabled=False)["definitionHash"] == job["definitionHash"]


def test_the_key_can_change_and_frees_the_old_one(api):
    job = api.create(key="before")
    put(api, job, key="after")
    assert api.create(key="before")["id"] != job["id"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_needs_the_present_etag(api, method):
    job = api.create()
    path, more = f"{JOBS}/{job['id']}", ({"json": body(job)} if method == "PUT" else {})
    api.problem(428, "precondition_required", method, path, **more)
    newer = put(api, job, name="Newer")
    for stale in (job["etag"], '"999"', "nonsense", f"W/{newer['etag']}", newer["etag"].strip('"')):
        found = api.problem(412, "stale", method, path, headers={"If-Match": stale}, **more)
        assert found.get("etag", newer["etag"]) == newer["etag"]
    assert api.job(job["id"]) == newer


@pytest.mark.parametrize(("query", "left"), [("", HASH), ("?applied=false", HASH), ("?applied=true", None)])
def test_what_apply_deletes_leaves_no_applied_hash(api, query, left):
    job = put(api, api.create(), appliedHash=HASH)
    assert api("DELETE", f"{JOBS}/{job['id']}{query}", headers={"If-Match": job["etag"]}).status_code == 204
    (stone,) = api.all(JOBS, "jobs", deleted="true")
    assert (stone["id"], stone["appliedHash"]) == (job["id"], left)


def test_a_word_that_applied_does_not_know(api):
    job = api.create()
    path = f"{JOBS}/{job['id']}?applied=yes"
    api.problem(422, "invalid", "DELETE", path, headers={"If-Match": job["etag"]})
    assert api.job(job["id"]) == job


def test_of_concurrent_writes_from_one_etag_one_wins(api):
    job = api.create()

    def write(number):
        headers = {"If-Match": job["etag"]}
        return api("PUT", f"{JOBS}/{job['id']}", json={**body(job), "name": f"n{number}"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200] + [412] * 7


def test_a_key_is_taken_once_per_organisation(api, found):
    job = api.create()
    api.problem(409, "key_taken", "POST", JOBS, json=api.definition(key=job["key"]))
    other = api.create()
    headers = {"If-Match": other["etag"]}
    api.problem(
        409, "key_taken", "PUT", f"{JOBS}/{other['id']}", json={**body(other), "key": job["key"]}, headers=headers
    )
    assert api.job(other["id"]) == other
    assert found().create(key=job["key"])["key"] == job["key"]


def test_of_concurrent_creations_of_one_key_one_wins(api):
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: api("POST", JOBS, json=api.definition(key="one")).status_code, range(8))
        assert sorted(answers) == [201] + [409] * 7
    assert len(api.all(JOBS, "jobs")) == 1


def test_a_creation_can_be_repeated_under_its_idempotency_key(api):
    first, headers = api.definition(), {"Idempotency-Key": "create 1"}
    answers = [api("POST", JOBS, json=first, headers=headers) for _ in range(3)]
    assert [a.status_code for a in answers] == [201] * 3
    assert len({a.text for a in answers}) == 1
    assert len({a.headers["ETag"] for a in answers}) == 1
    assert [a.headers.get("Idempotency-Replayed") for a in answers] == [None, "true", "true"]
    api.problem(422, "idempotency_mismatch", "POST", JOBS, json={**first, "name": "Another"}, headers=headers)
    assert len(api.all(JOBS, "jobs")) == 1
    assert api("POST", JOBS, json=api.definition(), headers={"Idempotency-Key": "create 2"}).status_code == 201


def test_concurrent_repeats_of_a_creation_make_one_job(api):
    first, headers = api.definition(), {"Idempotency-Key": "at once"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api("POST", JOBS, json=first, headers=headers), range(8)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["job"]["id"] for a in answers}) == 1


def test_a_refused_creation_does_not_spend_the_key(api):
    headers = {"Idempotency-Key": "try again"}
    wrong = api.definition(agent={"slug": "no-such-agent"})
    api.problem(422, "invalid", "POST", JOBS, json=wrong, headers=headers)
    assert api("POST", JOBS, json=api.definition(), headers=headers).status_code == 201


def test_an_idempotency_key_belongs_to_one_organisation(api, found):
    definition, headers = api.definition(), {"Idempotency-Key": "shared"}
    one = api.ok("POST", JOBS, json=definition, headers=headers)
    other = found().ok("POST", JOBS, json=definition, headers=headers)
    assert one["job"]["id"] != other["job"]["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "tab\there"])
def test_a_strange_idempotency_key_is_refused(api, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    api.problem(422, "invalid", "POST", JOBS, json=api.definition(), headers=headers)
    job = api.create()
    api.problem(422, "invalid", "POST", f"{JOBS}/{job['id']}/trigger", headers=headers)


def test_a_deleted_job_leaves_a_tombstone_and_its_chats(api):
    job = api.create(managedBy="acme", appliedHash=HASH)
    chat = api.run(job)
    headers = {"If-Match": job["etag"]}
    assert api("DELETE", f"{JOBS}/{job['id']}", headers=headers).status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/trigger"), ("POST", "/pause"), ("POST", "/resume")):
        api.problem(404, "not_found", method, f"{JOBS}/{job['id']}{path}", headers=headers)
    assert api.all(JOBS, "jobs") == []
    (stone,) = api.all(JOBS, "jobs", deleted="true")
    assert api.description.component("Tombstone", stone) == []
    expected = {name: job[name] for name in ("id", "key", "name", "managedBy", "appliedHash")}
    expected["agent"] = {"id": job["agent"]["id"]}
    assert {**stone, "deletedAt": None} == {**expected, "deletedAt": None}
    assert api.chat(chat["id"]) == chat
    assert [c["id"] for c in api.all("/api/agents/chats", "chats", jobId=job["id"])] == [chat["id"]]
    again = api.create(key=job["key"])
    assert again["id"] != job["id"]
    assert api.all(JOBS, "jobs", deleted="false") == [again]


def test_a_protected_job_is_not_deleted_until_it_says_so(api):
    job = api.create(protect=True)
    api.problem(409, "protected", "DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": job["etag"]})
    free = put(api, job, protect=False)
    assert api("DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": free["etag"]}).status_code == 204


def test_tombstones_are_filtered_and_paged_too(api):
    for number in range(5):
        job = api.create(managedBy="a" if number % 2 else "b")
        api("DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": job["etag"]})
    pages = list(api.pages(JOBS, "jobs", deleted="true", limit=2))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({stone["id"] for page in pages for stone in page}) == 5
    assert len(api.all(JOBS, "jobs", deleted="true", managedBy="a")) == 2


def test_a_pause_is_kept_apart_from_the_definition(api):
    job = api.create(schedule={"cron": "0 8 1 1 *"})
    paused = api("POST", f"{JOBS}/{job['id']}/pause", json={"reason": "budget freeze"})
    assert paused.headers["ETag"] == job["etag"]
    found = paused.json()["job"]
    assert found["paused"]["reason"] == "budget freeze"
    assert {**found, "paused": None} == job
    assert api.job(job["id"]) == found
    assert api.all(JOBS, "jobs") == [found]
    changed = put(api, job, name="Renamed while paused")
    assert changed["paused"] == found["paused"]
    assert api.run(changed)["status"] == "completed"
    resumed = api.ok("POST", f"{JOBS}/{job['id']}/resume", json={"reason": "it is over"})["job"]
    assert resumed == {**changed, "paused": None}


def test_pausing_and_resuming_twice(api):
    job = api.create()
    path = f"{JOBS}/{job['id']}"
    assert api.ok("POST", f"{path}/resume")["job"] == job
    api.ok("POST", f"{path}/pause", json={"reason": "first"})
    second = api.ok("POST", f"{path}/pause", json={"reason": "second"})["job"]
    assert second["paused"]["reason"] == "second"
    assert api.job(job["id"]) == second
    assert api.ok("POST", f"{path}/resume", json={})["job"] == job
    assert api.ok("POST", f"{path}/resume", json={"reason": "again"})["job"] == job


@pytest.mark.parametrize("sent", [None, {}, {"reason": ""}])
def test_a_pause_may_go_without_a_reason(api, sent):
    job = api.create()
    more = {} if sent is None else {"json": sent}
    assert api.ok("POST", f"{JOBS}/{job['id']}/pause", **more)["job"]["paused"]["reason"] == ""


@pytest.mark.parametrize(("sent", "pointer"), [({"why": "x"}, "/why"), ({"reason": 3}, "/reason")])
def test_a_pause_is_read_strictly(api, sent, pointer):
    job = api.create()
    for verb in ("pause", "resume"):
        problem = api.problem(422, "invalid", "POST", f"{JOBS}/{job['id']}/{verb}", json=sent)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert api.job(job["id"]) == job


def test_listing_is_filtered(api):
    mine, other = api.create(managedBy="acme/jobs"), api.create(managedBy="someone/else")
    nobody = api.create(agent={"slug": "ecommerce-analyst"}, prompts=[{"text": "How?", "query": "channel_mix"}])
    assert api.all(JOBS, "jobs", managedBy="acme/jobs") == [mine]
    assert api.all(JOBS, "jobs", managedBy="nobody/at-all") == []
    assert api.all(JOBS, "jobs", agentId=nobody["agent"]["id"]) == [nobody]
    assert api.all(JOBS, "jobs", agentId=mine["agent"]["id"], managedBy="someone/else") == [other]
    assert api.all(JOBS, "jobs", agentId="agt_none") == []


def test_pages_have_every_job_once_while_others_come_and_change(api):
    jobs = [api.create() for _ in range(23)]
    seen = []
    for number, page in enumerate(api.pages(JOBS, "jobs", limit=5)):
        assert len(page) <= 5
        seen += [job["id"] for job in page]
        if number < 3:
            api.create()
            put(api, jobs[number], name=f"changed {number}")
            api("POST", f"{JOBS}/{jobs[20]['id']}/pause")
    assert len(seen) == len(set(seen))
    assert {job["id"] for job in jobs} <= set(seen)
    assert api.ok("GET", JOBS, params={"limit": 500})["nextCursor"] is None


def test_agents_are_listed(api):
    agents = {agent["slug"]: agent for agent in api.ok("GET", "/api/agents")["agents"]}
    assert {"paid-search-analyst", "ecommerce-analyst", "retired-analyst", "tester"} == set(agents)
    assert [slug for slug, agent in agents.items() if not agent["active"]] == ["retired-analyst"]
    job = api.create()
    assert job["agent"] == {"id": agents["tester"]["id"], "slug": "tester"}


def test_health_and_metrics_need_no_key(home):
    assert home.http.get("/healthz").json() == {"status": "ok"}
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = home.http.get(path)
        home.description.check(answer)
        assert answer.status_code == 200
    assert "# HELP" in home.http.get("/metrics").text
