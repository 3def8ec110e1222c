"""Chats: listed, filtered and paged, read whole, cancelled; their documents as JSON and CSV."""

from __future__ import annotations

import csv
import io
import threading
from datetime import UTC, datetime, timedelta

import pytest

from interact_gitops.server.agents.connectors.collecting import digest
from interact_gitops.server.agents.connectors.connector import Column

CHATS = "/api/agents/chats"
NUMBER = {"n": {"type": "integer", "default": 1}}


def finished(api, job, body=None):
    started = api.trigger(job, body)
    return [api.until(chat["id"], "completed") for chat in started.get("chats", [started["chat"]])]


def when(text):
    return datetime.fromisoformat(text)


def test_the_public_calls_shape(api):
    job = api.create()
    chat = api.run(job)
    (listed,) = api.ok("GET", CHATS)["chats"]
    public = {"id", "status", "initiator", "createdAt", "job", "agent"}
    assert public <= set(listed)
    assert listed["job"] == {"id": job["id"], "name": job["name"], "key": job["key"]}
    assert listed["agent"] == {"id": job["agent"]["id"], "slug": "tester", "name": "Tester"}
    assert {name: chat[name] for name in listed} == listed


def test_newest_first_and_filters_add_up(api):
    one, two = api.create(parameters=NUMBER), api.create(prompts=[{"text": "xyzzy plugh"}])
    done = [finished(api, one)[0]["id"] for _ in range(3)]
    failed = api.run(two)["id"]
    assert [chat["id"] for chat in api.all(CHATS, "chats")] == [failed, *reversed(done)]
    ids = lambda **query: [chat["id"] for chat in api.all(CHATS, "chats", **query)]  # noqa: E731
    assert ids(jobId=one["id"]) == list(reversed(done))
    assert ids(status="failed") == [failed]
    assert ids(status="failed", jobId=one["id"]) == []
    assert ids(agentId=one["agent"]["id"], status="completed") == list(reversed(done))
    assert ids(agentId="agt_none") == []
    (initiator,) = {chat["initiator"] for chat in api.all(CHATS, "chats")}
    assert len(ids(initiator=initiator)) == 4
    assert ids(initiator="nobody") == []


def test_created_after_takes_any_offset(api):
    job = api.create()
    chats = [finished(api, job)[0] for _ in range(3)]
    ids = lambda moment: {c["id"] for c in api.all(CHATS, "chats", createdAfter=moment)}  # noqa: E731
    middle = when(chats[1]["createdAt"])
    assert chats[0]["id"] not in ids(chats[1]["createdAt"])
    assert chats[2]["id"] in ids(chats[1]["createdAt"])
    assert ids((middle - timedelta(hours=1)).isoformat()) == {chat["id"] for chat in chats}
    far = (middle + timedelta(hours=1)).astimezone(UTC)
    assert ids(far.isoformat().replace("+00:00", "Z")) == set()
    assert ids("1999-12-31T23:59:59+14:00") == {chat["id"] for chat in chats}


def test_pages_have_no_duplicates_and_no_gaps_while_others_insert(api, home):
    job = api.create(parameters=NUMBER, overlap="allow")
    wanted = {c["id"] for c in api.trigger(job, {"combinations": [{"n": n} for n in range(40)]})["chats"]}
    stop, inserted, failures = threading.Event(), threading.Event(), []

    def insert():
        try:
            while not stop.is_set():
                api.trigger(job, {"combinations": [{"n": n} for n in range(5)]})
                inserted.set()
        except BaseException as failure:
            failures.append(failure)
            raise

    thread = threading.Thread(target=insert)
    thread.start()
    try:
        assert inserted.wait(20)
        for limit in (3, 7):
            seen = [chat["id"] for page in api.pages(CHATS, "chats", limit=limit, jobId=job["id"]) for chat in page]
            assert len(seen) == len(set(seen))
            assert wanted <= set(seen)
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_pages_are_as_long_as_asked(api):
    job = api.create(parameters=NUMBER)
    finished(api, job, {"combinations": [{"n": n} for n in range(7)]})
    whole = api.all(CHATS, "chats")
    for limit, sizes in ((3, [3, 3, 1]), (7, [7]), (8, [7]), (1, [1] * 7), (500, [7])):
        pages = list(api.pages(CHATS, "chats", limit=limit))
        assert [len(page) for page in pages] == sizes
        assert [chat for page in pages for chat in page] == whole


def test_a_record_is_whole(api):
    parameters = {
        "days": {"type": "integer", "default": 7},
        "campaign_id": {"type": "string", "default": "CMP-2026-002"},
    }
    prompts = [
        {"text": "{{ campaign_id }} in {{ days }} days?", "query": "campaign_performance"},
        {"text": "Which campaigns are active or paused?"},
    ]
    job = api.create(
        agent={"slug": "paid-search-analyst"},
        prompts=prompts,
        parameters=parameters,
        commit="c0ffee",
        timeoutSeconds=99,
    )
    started = api.trigger(job, {"trigger": "manual"}, key="the run")
    chat = api.until(started["chat"]["id"], "completed")
    assert chat["runKey"] == "the run"
    assert chat["trigger"] == "manual"
    assert chat["definitionHash"] == job["definitionHash"]
    assert chat["commit"] == "c0ffee"
    assert chat["parameters"] == {"days": 7, "campaign_id": "CMP-2026-002"}
    assert chat["timeoutSeconds"] == 99
    assert chat["attempt"] == 1
    assert chat["interrupted"] is False
    assert chat["error"] is None
    assert chat["model"] is None
    assert chat["usage"] is None
    created, began, ended = (when(chat[name]) for name in ("createdAt", "startedAt", "finishedAt"))
    assert created <= began <= ended
    assert chat["queueSeconds"] == pytest.approx((began - created).total_seconds(), abs=0.01)
    assert chat["runSeconds"] == pytest.approx((ended - began).total_seconds(), abs=0.05)

    assert [m["role"] for m in chat["messages"]] == ["user", "agent"] * 2
    times = [when(message["time"]) for message in chat["messages"]]
    assert times == sorted(times)
    assert began <= times[0] <= times[-1] <= ended
    assert chat["messages"][0]["blocks"][0]["text"] == "CMP-2026-002 in 7 days?"
    named = {block["document"] for message in chat["messages"] for block in message["blocks"] if "document" in block}
    documents = {document["id"]: document for document in chat["documents"]}
    assert named == set(documents)
    for document in documents.values():
        assert document["rowCount"] == len(document["rows"]) > 0
        assert {len(row) for row in document["rows"]} == {len(document["columns"])}
        assert document["truncated"] is False
        columns = [Column(**column) for column in document["columns"]]
        assert document["sha256"] == digest(columns, document["rows"])
        if document["kind"] == "chart":
            drawn = {document["chart"]["x"], *document["chart"]["y"]}
            assert drawn <= {column["name"] for column in document["columns"]}
        answer = api.ok("GET", f"{CHATS}/{chat['id']}/documents/{document['id']}")
        assert answer["document"] == document
        assert api.ok("GET", document["href"], params={"format": "json"}) == answer


def test_a_chat_keeps_the_names_its_job_had(api):
    job = api.create()
    chat = api.run(job)
    changed = {**api.definition(), "key": "renamed", "name": "Renamed"}
    api.ok("PUT", f"/api/agents/jobs/{job['id']}", json=changed, headers={"If-Match": job["etag"]})
    assert api.chat(chat["id"]) == chat


def test_csv_quotes_what_needs_it_and_disarms_formulas(api):
    chat = api.run(api.create(prompts=[{"text": "x", "query": "awkward"}]))
    (document,) = chat["documents"]
    address = f"{CHATS}/{chat['id']}/documents/{document['id']}"
    answer = api("GET", address, params={"format": "csv"})
    assert answer.headers["Content-Type"].replace(" ", "").lower() == "text/csv;charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    text = answer.content.decode("utf-8")
    assert text.startswith('id,"a ""name"", quoted",whole,fraction,flag\r\n')
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == [column["name"] for column in document["columns"]]
    assert rows == [
        ["1", 'a,"b"\nc', "", "0.5", "true"],
        ["2", "'=1+1", "9007199254740993", "-1.5", "false"],
        ["3", "Zoë 🥾", "3", "", ""],
    ]
    assert document["rows"][1] == [2, "=1+1", "9007199254740993", -1.5, False]


def test_csv_of_the_sample_is_its_rows(api):
    chat = api.run(
        api.create(agent={"slug": "paid-search-analyst"}, prompts=[{"text": "x", "query": "market_summary"}])
    )
    for document in chat["documents"]:
        text = api("GET", document["href"], params={"format": "csv"}).text
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert header == [column["name"] for column in document["columns"]]
        assert rows == [["" if cell is None else str(cell) for cell in row] for row in document["rows"]]


def test_csv_without_rows_is_its_header(api):
    chat = api.run(api.create(prompts=[{"text": "x", "query": "nothing"}]))
    assert chat["status"] == "completed"
    (document,) = chat["documents"]
    assert api("GET", document["href"], params={"format": "csv"}).text == "n\r\n"


def test_a_document_is_found_in_its_own_chat_only(api):
    job = api.create()
    one, two = api.run(job), api.run(job)
    api.problem(404, "not_found", "GET", f"{CHATS}/{two['id']}/documents/{one['documents'][0]['id']}")
    api.problem(404, "not_found", "GET", f"{CHATS}/{one['id']}/documents/doc_none")


def test_cancelling_works_in_any_state(api, endless):
    job = endless(parameters=NUMBER)
    running, waiting = (
        chat["id"] for chat in api.trigger(job, {"combinations": [{"n": 1}, {"n": 2}], "maxParallel": 1})["chats"]
    )
    api.until(running, "running")
    assert api.chat(waiting)["status"] == "queued"
    stopped = api.ok("POST", f"{CHATS}/{waiting}/cancel", json={})["chat"]
    assert stopped["status"] == "cancelled"
    assert stopped["startedAt"] is stopped["queueSeconds"] is stopped["runSeconds"] is None
    assert api("POST", f"{CHATS}/{running}/cancel").status_code in {200, 202}
    ended = api.until(running, "cancelled", seconds=5)
    assert ended["error"]["kind"] == "cancelled"
    assert ended["finishedAt"] >= ended["startedAt"]
    assert api.ok("POST", f"{CHATS}/{running}/cancel")["chat"] == ended
    completed = api.run(api.create())
    problem = api.problem(409, "already_finished", "POST", f"{CHATS}/{completed['id']}/cancel")
    assert problem["chatStatus"] == "completed"
    assert api.chat(completed["id"]) == completed
