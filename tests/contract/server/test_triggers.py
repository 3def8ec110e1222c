"""Starting runs: of the real sample warehouse, with parameters, fanned out, once only, and in each other's way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

ENDED = ("completed", "failed", "cancelled")
DAYS = {"days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7}}
CAMPAIGN = {"campaign_id": {"type": "string", "pattern": r"^CMP-\d{4}-\d{3}$"}, **DAYS}
ONE = {"campaign_id": "CMP-2026-002"}
NUMBER = {"n": {"type": "integer", "minimum": 0, "maximum": 1000, "default": 1}}


def path(job):
    return f"/api/agents/jobs/{job['id']}/trigger"


def analyst(api, **changes):
    prompts = [{"text": "How did {{ campaign_id }} do in {{ days }} days?", "query": "campaign_performance"}]
    base = {"agent": {"slug": "paid-search-analyst"}, "prompts": prompts, "parameters": CAMPAIGN}
    return api.create(**{**base, **changes})


def chats(api, job):
    return api.all("/api/agents/chats", "chats", jobId=job["id"])


def test_a_plain_trigger_of_the_sample_answers_with_figures(api):
    job = analyst(api, prompts=[{"text": "Please", "query": "campaign_performance"}], parameters={})
    started = api.trigger(job)
    assert started["success"] is True
    assert started["job"] == {"id": job["id"]}
    chat = api.until(started["chat"]["id"], *ENDED)
    assert chat["status"] == "completed"
    query = next(document for document in chat["documents"] if document["kind"] == "query")
    assert query["rowCount"] > 5
    assert {"query", "chart"} == {document["kind"] for document in chat["documents"]}
    assert any(block["type"] == "report" for message in chat["messages"] for block in message["blocks"])


def test_parameters_reach_prompt_and_query(api):
    job = analyst(api, parameters={**CAMPAIGN, "roas_floor": {"type": "number", "default": 2}})
    chat = api.run(job, {"parameters": {"campaign_id": "CMP-2026-002", "roas_floor": 999}})
    assert chat["status"] == "completed"
    assert chat["parameters"] == {"campaign_id": "CMP-2026-002", "days": 7, "roas_floor": 999}
    assert chat["combination"] is None
    assert chat["messages"][0]["blocks"] == [{"type": "text", "text": "How did CMP-2026-002 do in 7 days?"}]
    query = next(document for document in chat["documents"] if document["kind"] == "query")
    assert [row[0] for row in query["rows"]] == ["CMP-2026-002"]
    assert query["parameters"]["days"] == 7
    (anomaly,) = chat["anomalies"]
    assert "CMP-2026-002" in anomaly["message"]
    assert anomaly["query"] == "campaign_performance"


def test_a_question_is_matched_by_its_wording(api):
    job = analyst(api, prompts=[{"text": "How do the markets compare?", "query": "market_summary"},
                                {"text": "Weekly campaign performance report"}], parameters={})  # fmt: skip
    chat = api.run(job)
    assert chat["status"] == "completed"
    assert {d["query"] for d in chat["documents"]} == {"market_summary", "campaign_performance"}
    assert [message["role"] for message in chat["messages"]] == ["user", "agent", "user", "agent"]


def test_no_match_fails_and_says_so(api):
    job = analyst(api, prompts=[{"text": "What is the airspeed of an unladen swallow?"}], parameters={})
    chat = api.run(job)
    assert chat["status"] == "failed"
    assert chat["error"]["kind"] == "no_match"
    assert chat["messages"][-1]["blocks"][-1]["type"] == "error"


def test_combinations_are_one_group_with_a_chat_each(api):
    job = analyst(api)
    asked = [{"campaign_id": "CMP-2026-001"}, {"campaign_id": "CMP-2026-002", "days": 28}]
    started = api.trigger(job, {"combinations": asked, "maxParallel": 1})
    assert [chat["parameters"] for chat in started["chats"]] == [{"days": 7, **asked[0]}, asked[1]]
    assert started["chat"]["id"] == started["chats"][0]["id"]
    records = [api.until(chat["id"], *ENDED) for chat in started["chats"]]
    assert [record["combination"] for record in records] == asked
    assert {record["status"] for record in records} == {"completed"}
    assert len({record["groupId"] for record in records}) == 1
    # One at a time.
    first, second = sorted(records, key=lambda record: record["startedAt"])
    assert second["startedAt"] >= first["finishedAt"]


def test_the_jobs_own_fan_out_is_what_a_plain_trigger_runs(api):
    fan_out = {"matrix": {"n": [1, 2, 3]}, "exclude": [{"n": 2}], "include": [{"n": 9}]}
    job = api.create(parameters=NUMBER, fanOut=fan_out)
    for body in (None, {}, {"trigger": "manual", "maxParallel": 2}):
        started = api.trigger(job, body)
        assert [chat["parameters"]["n"] for chat in started["chats"]] == [1, 3, 9]
        for chat in started["chats"]:
            api.until(chat["id"], "completed")
    single = api.run(job, {"parameters": {}})
    assert single["parameters"] == {"n": 1}
    assert single["combination"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"parameters": {}}, "/parameters"),
        ({"parameters": {"campaign_id": "CMP-1"}}, "/parameters/campaign_id"),
        ({"parameters": {"campaign_id": "CMP-2026-002", "days": 91}}, "/parameters/days"),
        ({"parameters": {"campaign_id": "CMP-2026-002", "days": "7"}}, "/parameters/days"),
        ({"parameters": {"campaign_id": "CMP-2026-002", "days": True}}, "/parameters/days"),
        ({"parameters": {"campaign_id": "CMP-2026-002", "weeks": 1}}, "/parameters/weeks"),
        ({"parameters": {"campaign_id": None}}, "/parameters/campaign_id"),
        ({"parameters": {"campaign_id": ["CMP-2026-002"]}}, "/parameters/campaign_id"),
        ({"parameters": []}, "/parameters"),
        ({"combinations": []}, "/combinations"),
        ({"combinations": [{"campaign_id": "CMP-2026-002"}, {"days": 3}]}, "/combinations/1"),
        ({"combinations": [{"campaign_id": "CMP-2026-002", "days": 0}]}, "/combinations/0/days"),
        ({"combinations": [ONE, {**ONE, "days": 7}]}, "/combinations/1"),
        ({"combinations": [{"campaign_id": "CMP-2026-002"}], "maxParallel": 0}, "/maxParallel"),
        ({"combinations": [{"campaign_id": "CMP-2026-002"}], "maxParallel": 101}, "/maxParallel"),
        ({"parameters": {"campaign_id": "CMP-2026-002"}, "maxParallel": 2}, "/maxParallel"),
        ({"parameters": {"campaign_id": "CMP-2026-002"}, "combinations": [{"days": 1}]}, "/combinations"),
        ({"parameter": {}}, "/parameter"),
        ({"trigger": "cron"}, "/trigger"),
        ({"expectedDefinitionHash": "abc"}, "/expectedDefinitionHash"),
        ({"scheduledAt": "yesterday"}, "/scheduledAt"),
        ({"scheduledAt": "2026-02-30T08:00:00Z"}, "/scheduledAt"),
        ({"scheduledAt": "2026-02-03T08:00:00"}, "/scheduledAt"),
        ({"scheduledAt": "0001-01-01T00:00:00+14:00"}, "/scheduledAt"),
        ({"scheduledAt": "9999-12-31T23:59:59-12:00"}, "/scheduledAt"),
        ({"scheduledAt": 1_700_000_000}, "/scheduledAt"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_run_is_refused_where_it_is(api, body, pointer):
    job = analyst(api)
    problem = api.problem(422, "invalid", "POST", path(job), json=body)
    assert {error["pointer"] for error in problem["errors"]} == {pointer}
    assert chats(api, job) == []


def test_a_trigger_carries_its_occurrence_and_reason(api):
    job = api.create(schedule={"cron": "0 8 * * *", "timezone": "Pacific/Auckland"}, commit="abc123",
                     prompts=[{"text": "{{ run.date }} {{ run.trigger }}", "query": "quick"}])  # fmt: skip
    body = {"scheduledAt": "2026-11-22T19:00:00+00:00", "trigger": "backfill"}
    chat = api.run(job, {**body, "expectedDefinitionHash": job["definitionHash"]})
    assert chat["scheduledAt"].startswith("2026-11-22T19:00:00")
    assert chat["trigger"] == "backfill"
    assert chat["messages"][0]["blocks"][0]["text"] == "2026-11-23 backfill"  # it is Monday in Auckland
    assert chat["documents"][0]["rows"] == [[1, "2026-11-23"]]
    assert chat["definitionHash"] == job["definitionHash"]
    assert chat["commit"] == "abc123"


def test_a_trigger_for_another_definition_starts_nothing(api):
    job = api.create()
    problem = api.problem(409, "definition_changed", "POST", path(job), json={"expectedDefinitionHash": "0" * 64})
    assert problem["definitionHash"] == job["definitionHash"]
    assert chats(api, job) == []


def test_an_inactive_agent_takes_no_runs(api):
    job = api.create(agent={"slug": "retired-analyst"}, prompts=[{"text": "Anybody there?"}])
    api.problem(409, "agent_inactive", "POST", path(job))
    assert chats(api, job) == []


def test_a_key_starts_its_run_once_and_answers_the_same_for_ever(api, endless):
    job = endless(parameters=NUMBER)
    body = {"parameters": {"n": 2}, "expectedDefinitionHash": job["definitionHash"]}
    first = api.trigger(job, body, key="run 1")
    assert api.trigger(job, body, key="run 1") == first  # while it runs, whatever the overlap rule
    assert api.chat(first["chat"]["id"])["runKey"] == "run 1"
    for other in ({"parameters": {"n": 3}}, {}, None):
        more = {} if other is None else {"json": other}
        api.problem(422, "idempotency_mismatch", "POST", path(job), headers={"Idempotency-Key": "run 1"}, **more)
    api.cancel(first["chat"]["id"])
    changed = {**api.definition(), "key": job["key"]}
    api.ok("PUT", f"/api/agents/jobs/{job['id']}", json=changed, headers={"If-Match": job["etag"]})
    assert api.trigger(job, body, key="run 1") == first
    assert len(chats(api, job)) == 1


def test_a_fan_out_is_repeated_whole(api):
    job = api.create(parameters=NUMBER)
    body = {"combinations": [{"n": 3}, {"n": 1}, {"n": 2}]}
    first = api.trigger(job, body, key="fan")
    assert api.trigger(job, body, key="fan") == first
    again = api("POST", path(job), json=body, headers={"Idempotency-Key": "fan"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(chats(api, job)) == 3


def test_a_key_belongs_to_its_job_and_no_body_is_an_empty_body(api):
    one, two = api.create(), api.create()
    first = api.trigger(one, key="same")
    assert api.trigger(one, {}, key="same") == first
    assert api.trigger(two, key="same")["chat"] != first["chat"]


def test_a_refused_trigger_does_not_spend_its_key(api, endless):
    job = endless()
    first = api.trigger(job)
    api.problem(409, "run_in_progress", "POST", path(job), headers={"Idempotency-Key": "later"})
    api.cancel(first["chat"]["id"])
    assert api.trigger(job, key="later")["chat"] != first["chat"]


def test_concurrent_repeats_start_one_run(api):
    job = api.create(overlap="allow")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.trigger(job, {}, key="at once"), range(16)))
    assert len({answer["chat"]["id"] for answer in answers}) == 1
    assert len(chats(api, job)) == 1


def test_skip_lets_no_second_run_start(api, endless):
    job = endless()
    first = api.trigger(job)["chat"]["id"]
    for _ in range(2):
        problem = api.problem(409, "run_in_progress", "POST", path(job))
        assert problem["chatId"] == first
    assert api.cancel(first)["status"] == "cancelled"
    second = api.trigger(job)["chat"]["id"]
    assert {chat["id"] for chat in chats(api, job)} == {first, second}


def test_of_concurrent_triggers_one_starts(api, endless):
    job = endless()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api("POST", path(job)), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    assert len(chats(api, job)) == 1


def test_a_fan_out_blocks_the_next_run_until_its_last_chat_ends(api, endless):
    job = endless(parameters=NUMBER)
    started = [chat["id"] for chat in api.trigger(job, {"combinations": [{"n": 1}, {"n": 2}]})["chats"]]
    api.cancel(started[0])
    assert api.problem(409, "run_in_progress", "POST", path(job))["chatId"] == started[1]
    api.cancel(started[1])
    assert api.trigger(job, {"parameters": {}})["success"]


def test_allow_runs_beside(api, endless):
    job = endless(overlap="allow")
    both = [api.trigger(job)["chat"]["id"] for _ in range(2)]
    for chat in both:
        api.until(chat, "running")
    for chat in both:
        assert api.cancel(chat)["status"] == "cancelled"


def test_queue_one_holds_the_newest_until_the_way_is_free(api, endless):
    job = endless(overlap="queue_one")
    first, second, third = (api.trigger(job)["chat"]["id"] for _ in range(3))
    api.until(first, "running")
    superseded = api.until(second, "cancelled")
    assert superseded["startedAt"] is None
    assert superseded["error"]["kind"] == "superseded"
    assert api.chat(third)["status"] == "queued"
    api.cancel(first)
    api.until(third, "running")


def test_a_run_that_takes_too_long_is_stopped(api, endless):
    job = endless(timeoutSeconds=1)
    chat = api.until(api.trigger(job)["chat"]["id"], *ENDED)
    assert chat["status"] == "failed"
    assert chat["error"]["kind"] == "timeout"
    assert 0.9 <= chat["runSeconds"] < 5


def test_failed_runs_are_tried_again(api):
    job = api.create(prompts=[{"text": "xyzzy plugh"}], retries={"maxAttempts": 3, "backoffSeconds": 0})
    chat = api.run(job)
    assert chat["status"] == "failed"
    assert chat["attempt"] == chat["maxAttempts"] == 3
    assert [attempt["status"] for attempt in chat["attempts"]] == ["failed"] * 3
