"""A chat's page: question, answer, evidence, and what became of it."""

from __future__ import annotations

import csv
import io
import json

from .conftest import form_to


def test_a_chat_shows_question_answer_sql_table_and_chart(owner, visitor):
    job = owner.create(
        agent={"slug": "paid-search-analyst"},
        prompts=[{"text": "Spend?", "query": "campaign_overview"}],
        commit="3f2a8c1d5e",
        sourcePath="jobs.d/a.yaml",
        managedBy="acme/jobs",
    )
    chat = owner.run(job)
    page = visitor.get(f"/chats/{chat['id']}")
    assert page.one("section", class_="question").one("div", class_="said").text == "Spend?"
    answer = page.one("section", class_="answer")
    assert "active, with €" in answer.one("div", class_="prose").text
    assert "<strong>" in visitor.last.text
    table = answer.all("div", class_="rows")[-1].one("table")
    documents = {document["kind"]: document for document in chat["documents"]}
    assert len(table.one("tbody").all("tr")) == documents["query"]["rowCount"] == 12
    assert "select campaigns.campaign_id" in answer.one("details", class_="sql").one("pre").text
    drawing = answer.one("div", class_="chart-frame").one("svg")
    assert drawing.attributes["role"] == "img"
    titles = drawing.attributes["aria-labelledby"].split()
    assert [drawing.one(id=name).tag for name in titles] == ["title", "desc"]
    assert drawing.one("desc").text.startswith("Bar chart of cost by campaign, from ")
    assert len(drawing.all("rect", class_="bar")) == 12
    about = page.one("section", id="about").text
    for said in ("Asked for", "Waited", "Ran", "Ended", "API, key initial", "3f2a8c1d5e", "jobs.d/a.yaml"):
        assert said in about


def test_a_line_chart_has_a_line_for_each_series(owner, visitor):
    job = owner.create(agent={"slug": "paid-search-analyst"},
                       prompts=[{"text": "How?", "query": "campaign_performance"}])  # fmt: skip
    page = visitor.get(f"/chats/{owner.run(job)['id']}")
    drawing = page.one("div", class_="chart-frame").one("svg")
    legend = page.one("ul", class_="legend").all("li")
    assert len(drawing.all("path", class_="line")) == len(legend) == 6
    assert "anomal" in page.one("section", class_="notice").one("h2").text


def test_rows_are_downloaded_as_csv_and_json(owner, visitor):
    job = owner.create(prompts=[{"text": "Awkward", "query": "awkward"}])
    chat = owner.run(job)
    page = visitor.get(f"/chats/{chat['id']}")
    links = {link.text.split()[0]: link.attributes["href"] for link in page.one("span", class_="saves").all("a")}
    as_csv = visitor.http.get(links["CSV"])
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert as_csv.headers["Content-Disposition"] == f'attachment; filename="{chat["documents"][0]["id"]}.csv"'
    assert as_csv.headers["X-Row-Count"] == "3"
    lines = list(csv.reader(io.StringIO(as_csv.text)))
    assert lines[2][1] == "'=1+1"
    as_json = visitor.http.get(links["JSON"])
    assert as_json.headers["Content-Disposition"].endswith('.json"')
    assert json.loads(as_json.text)["document"]["rows"] == chat["documents"][0]["rows"]
    assert visitor.http.get(links["CSV"].replace(".csv", ".exe")).status_code == 404


def test_a_failure_is_said_in_plain_words_and_can_be_run_again(owner, visitor):
    job = owner.create(prompts=[{"text": "Tell me something of which nobody has heard"}])
    chat = owner.run(job)
    page = visitor.get(f"/chats/{chat['id']}")
    said = page.one("div", class_="faults")
    assert said.one("h3").text == "The question could not be answered"
    assert "What helps:" in said.text
    visitor.send(form_to(page, "/again"))
    page = visitor.follow()
    again = visitor.last.url.path.removeprefix("/chats/")
    assert owner.until(again, "failed")["trigger"] == "retry"
    assert page.one("a", rel="prev").attributes["href"] == f"/chats/{chat['id']}"
    first = visitor.get(f"/chats/{chat['id']}")
    assert first.one("a", rel="next").attributes["href"] == f"/chats/{again}"


def test_a_failed_query_is_said_to_have_failed_once(owner, visitor):
    job = owner.create(prompts=[{"text": "Broken", "query": "broken"}])
    said = visitor.get(f"/chats/{owner.run(job)['id']}").one("div", class_="faults")
    assert said.one("h3").text == "The query failed"
    assert "failed" not in said.one("p").text


def test_earlier_attempts_are_there(owner, visitor):
    job = owner.create(prompts=[{"text": "Nobody has heard of it"}], retries={"maxAttempts": 2, "backoffSeconds": 0})
    chat = owner.run(job)
    page = visitor.get(f"/chats/{chat['id']}")
    assert "Attempt 1: no verified query" in page.one("details", id="earlier").text
    assert "2 of 2" in page.one("section", id="about").text
    assert len(page.all("section", class_="answer")) == 1


def test_a_chat_in_progress_is_followed_and_cancelled(owner, visitor, busy):
    job = busy()
    chat_id = owner.trigger(job)["chat"]["id"]
    owner.until(chat_id, "running")
    page = visitor.get(f"/chats/{chat_id}")
    assert page.one("body").attributes["data-pace"] == "1"
    assert "Working on the answer" in page.text
    assert "Reload the page" in page.one("noscript").text
    visitor.send(form_to(page, "/cancel"))
    owner.until(chat_id, "cancelled")
    page = visitor.get(f"/chats/{chat_id}")
    assert page.one("p", id="status").attributes["data-announce"] == "Cancelled"
    assert page.one("div", class_="faults").text == "It was cancelled"


def test_what_was_cancelled_is_not_called_failed(owner, visitor, busy):
    job = busy(parameters={"n": {"type": "integer", "default": 1}}, fanOut={"matrix": {"n": [1, 2]}})
    begun = [chat["id"] for chat in owner.trigger(job)["chats"]]
    visitor.send(form_to(visitor.get(f"/jobs/{job['id']}"), "/cancel"))
    for chat_id in begun:
        owner.until(chat_id, "cancelled")
    for path in (f"/jobs/{job['id']}", f"/chats/{begun[0]}"):
        assert form_to(visitor.get(path), "/again").text == "Run the rest again"
    visitor.send(form_to(visitor.get(f"/jobs/{job['id']}"), "/again"))
    assert len(owner.all("/api/agents/chats", "chats", jobId=job["id"])) == 4


def test_neighbours_are_of_the_same_combination(owner, visitor):
    job = owner.create(parameters={"n": {"type": "integer", "default": 1}}, fanOut={"matrix": {"n": [1, 2]}})
    runs = [owner.trigger(job)["chats"] for _ in range(1)]
    for chat in runs[0]:
        owner.until(chat["id"], "completed")
    runs.append(owner.trigger(job)["chats"])
    page = visitor.get(f"/chats/{runs[1][1]['id']}")
    assert page.one("a", rel="prev").attributes["href"] == f"/chats/{runs[0][1]['id']}"
    assert page.all("a", rel="next") == []
    assert page.one("h1").text == "n 2"


def test_a_chat_outlives_its_job(owner, visitor):
    job = owner.create(name="Gone soon")
    chat = owner.run(job)
    owner("DELETE", f"/api/agents/jobs/{job['id']}", headers={"If-Match": job["etag"]})
    page = visitor.get(f"/chats/{chat['id']}")
    assert "Gone soon (deleted)" in page.text
    assert visitor.http.get(f"/jobs/{job['id']}").status_code == 404


def test_no_rows_are_no_trouble(owner, visitor):
    job = owner.create(prompts=[{"text": "Nothing", "query": "nothing"}])
    page = visitor.get(f"/chats/{owner.run(job)['id']}")
    assert "0 rows" in page.one("section", class_="answer").text
