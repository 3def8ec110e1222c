"""A job's page and its forms: what they say, and that they do what the API's calls do."""

from __future__ import annotations

import re

from .conftest import form_to, parse, run_form

PARAMETERS = {
    "campaign_id": {
        "type": "string",
        "pattern": r"^CMP-\d{3}$",
        "description": "Campaign to look at",
        "title": "Campaign",
    },
    "n": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7, "description": "Days"},
    "floor": {"type": "number", "exclusiveMinimum": 0, "default": 0.5},
    "market": {"type": "string", "enum": ["NL", "DE"], "default": "DE"},
    "level": {"type": "integer", "enum": [1, 2, 3]},
    "loud": {"type": "boolean", "default": True},
    "day": {"type": "string", "format": "date", "default": "2026-01-02"},
    "note": {"type": "string", "default": "two\nlines"},
}


def test_the_form_is_made_of_the_schemas(owner, visitor):
    job = owner.create(parameters=PARAMETERS)
    form = run_form(visitor.get(f"/jobs/{job['id']}"))

    def field(name: str):
        return next(one for one in form.all() if one.attributes.get("name") == f"p.{name}")

    campaign = field("campaign_id")
    assert campaign.attributes["type"] == "text"
    assert "required" in campaign.attributes
    helped = form.one("p", id=campaign.attributes["aria-describedby"])
    assert helped.text == r"Campaign to look at; matches ^CMP-\d{3}$"
    assert form.one("label", **{"for": "p-campaign_id"}).text == "Campaign required"
    n = field("n").attributes
    assert (n["type"], n["min"], n["max"], n["step"], n["value"]) == ("number", "1", "90", "1", "7")
    assert field("floor").attributes["step"] == "any"
    assert [one.attributes["value"] for one in field("market").all("option")] == ["NL", "DE"]
    assert field("market").one("option", value="DE").attributes["selected"] == ""
    assert [one.attributes["value"] for one in field("level").all("option")] == ["", "1", "2", "3"]
    assert "checked" in field("loud").attributes
    assert field("day").attributes["type"] == "date"
    assert field("note").tag == "textarea"
    assert visitor.fields(form)["p.note"] == "two\nlines"


def test_what_is_typed_in_runs_as_through_the_api(owner, visitor):
    job = owner.create(parameters=PARAMETERS)
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    answer = visitor.send(form, campaign_id="CMP-001", n="3", floor="0.25", market="NL", level="2", loud=None,
                          day="2026-03-04", note="a\r\nb")  # fmt: skip
    chat_id = re.fullmatch(r"/chats/(chat_\w+)", answer.headers["Location"])[1]
    chat = owner.until(chat_id, "completed")
    assert chat["parameters"] == {
        "campaign_id": "CMP-001", "n": 3, "floor": 0.25, "market": "NL", "level": 2, "loud": False,
        "day": "2026-03-04", "note": "a\nb",
    }  # fmt: skip
    assert (chat["trigger"], chat["initiator"]) == ("manual", "ui:local")
    assert chat["runKey"].startswith(job["key"] + "!")


def test_each_fault_stands_beside_its_field_and_what_was_typed_is_kept(owner, visitor):
    job = owner.create(parameters=PARAMETERS)
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    visitor.send(form, 422, campaign_id="nope", n="91", level="", market="FR", day="2026-02-30", loud=None)
    again = run_form(parse(visitor.last.text))
    summary = again.one("div", id="faults")
    assert summary.attributes["role"] == "alert"
    links = {link.attributes["href"]: link.text for link in summary.all("a")}
    assert links == {
        "#p-campaign_id": "Campaign", "#p-n": "n", "#p-level": "level", "#p-market": "market", "#p-day": "day",
    }  # fmt: skip
    for name, typed in (("campaign_id", "nope"), ("n", "91"), ("day", "2026-02-30")):
        field = again.one("input", id=f"p-{name}")
        assert field.attributes["value"] == typed
        assert field.attributes["aria-invalid"] == "true"
        assert f"p-{name}-fault" in field.attributes["aria-describedby"].split()
        assert again.one("p", id=f"p-{name}-fault").text
    assert "91 is above 90" in again.one("p", id="p-n-fault").text
    assert "checked" not in again.one("input", id="p-loud").attributes
    assert owner.all("/api/agents/chats", "chats", jobId=job["id"]) == []
    # What was wrong is put right in the form as it came back.
    visitor.send(again, campaign_id="CMP-001", n="90", level="1", market="NL", day="2026-02-28")
    assert len(owner.all("/api/agents/chats", "chats", jobId=job["id"])) == 1


def test_numbers_that_are_none_are_faults_not_bugs(owner, visitor):
    job = owner.create(parameters={"n": {"type": "integer", "default": 1}, "x": {"type": "number", "default": 1}})
    for bad in ("1e999", "NaN", ".nan", ".inf", "1_000", "9" * 400, "one", "１"):
        form = run_form(visitor.get(f"/jobs/{job['id']}"))
        visitor.send(form, 422, n=bad)
        assert run_form(parse(visitor.last.text)).one("p", id="p-n-fault").text
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    visitor.send(form, n="", x="")  # nothing typed: the defaults
    chat = owner.all("/api/agents/chats", "chats", jobId=job["id"])[0]
    assert chat["parameters"] == {"n": 1, "x": 1}


def test_a_parameter_may_have_any_name_that_a_form_has(owner, visitor):
    text = {"type": "string", "default": "x"}
    job = owner.create(parameters={"token": text, "once": text, "what": text, "definition": text})
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    data = visitor.fields(form) | {"p.token": "mine"}
    assert visitor.post(form.attributes["action"], data).status_code == 303
    assert owner.all("/api/agents/chats", "chats", jobId=job["id"])[0]["parameters"]["token"] == "mine"


def test_a_fan_out_is_offered_whole_or_as_one_chat(owner, visitor):
    fan_out = {"matrix": {"n": [1, 2, 3]}, "maxParallel": 2}
    job = owner.create(parameters={"n": {"type": "integer", "default": 9}}, fanOut=fan_out)
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    assert "All 3 combinations" in form.text
    answer = visitor.send(form)
    assert answer.headers["Location"] == f"/jobs/{job['id']}#runs"
    chats = owner.all("/api/agents/chats", "chats", jobId=job["id"])
    assert sorted(chat["combination"]["n"] for chat in chats) == [1, 2, 3]
    for chat in chats:
        owner.until(chat["id"], "completed")
    page = visitor.get(f"/jobs/{job['id']}")
    grid = page.one("table", class_="grid")
    assert [row.one("th").text for row in grid.one("tbody").all("tr")] == ["n 1", "n 2", "n 3"]
    links = {link.attributes["href"] for link in grid.one("tbody").all("a")}
    assert links == {f"/chats/{chat['id']}" for chat in chats}
    visitor.send(run_form(page), what="one", n="5")
    one = owner.all("/api/agents/chats", "chats", jobId=job["id"])[0]
    assert (one["combination"], one["parameters"]) == (None, {"n": 5})
    owner.until(one["id"], "completed")
    grid = visitor.get(f"/jobs/{job['id']}").one("table", class_="grid")
    assert [row.one("th").text for row in grid.one("tbody").all("tr")] == ["n 1", "n 2", "n 3", "One chat"]


def test_a_double_click_is_one_run_and_a_later_form_another(owner, visitor):
    job = owner.create(overlap="allow")
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    first = visitor.send(form).headers["Location"]
    assert visitor.send(form).headers["Location"] == first
    assert visitor.send(run_form(visitor.get(f"/jobs/{job['id']}"))).headers["Location"] != first
    assert len(owner.all("/api/agents/chats", "chats", jobId=job["id"])) == 2


def test_a_form_that_a_browser_kept_says_that_it_was_sent(owner, visitor, house):
    job = owner.create()
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    chat_id = visitor.send(form).headers["Location"].removeprefix("/chats/")
    owner.until(chat_id, "completed")
    with house.instance.database.write() as db:
        db.execute("UPDATE run_groups SET created_at = '2026-01-01T00:00:00.000Z' WHERE job_id = ?", (job["id"],))
    visitor.send(form, 409)
    page = parse(visitor.last.text)
    assert "sent from this page before" in page.one("div", class_="is-warning", role="alert").text
    visitor.send(run_form(page))
    assert len(owner.all("/api/agents/chats", "chats", jobId=job["id"])) == 2


def test_a_run_in_progress_is_explained_and_led_to(owner, visitor, busy):
    job = busy(parameters={"n": {"type": "integer", "default": 1}})
    chat_id = owner.trigger(job)["chat"]["id"]
    visitor.send(run_form(visitor.get(f"/jobs/{job['id']}")), 409, n="4")
    page = parse(visitor.last.text)
    notice = page.one("div", role="alert")
    assert "in progress" in notice.text
    assert notice.one("a").attributes["href"] == f"/chats/{chat_id}"
    assert run_form(page).one("input", id="p-n").attributes["value"] == "4"


def test_a_job_that_changed_meanwhile_is_not_run(owner, visitor):
    job = owner.create()
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    definition = owner.definition(key=job["key"], name="Other", prompts=[{"text": "Other", "query": "quick"}])
    owner("PUT", f"/api/agents/jobs/{job['id']}", json=definition, headers={"If-Match": job["etag"]})
    visitor.send(form, 409)
    assert "changed while this form was open" in parse(visitor.last.text).one("div", role="alert").text
    visitor.send(run_form(parse(visitor.last.text)))


def test_a_drifted_job_leads_to_what_differs(owner, visitor):
    job = owner.create(managedBy="acme/jobs", appliedHash="0" * 64)
    reasons = visitor.get(f"/jobs/{job['id']}").one("div", id="reasons")
    assert reasons.one("a").attributes["href"] == "/sync"
    same = visitor.get(f"/jobs/{owner.create()['id']}").one("div", id="reasons")
    assert not same.all("a")


def test_what_failed_runs_again_with_the_same_parameters_and_date(owner, visitor):
    parameters = {"campaign_id": {"type": "string", "default": "x"}}
    job = owner.create(prompts=[{"text": "No such thing in the world"}], parameters=parameters,
                       fanOut={"matrix": {"campaign_id": ["a", "b"]}})  # fmt: skip
    begun = owner.trigger(job, {"scheduledAt": "2026-01-05T08:00:00Z", "trigger": "schedule"})
    for chat in begun["chats"]:
        owner.until(chat["id"], "failed")
    page = visitor.get(f"/jobs/{job['id']}")
    assert "Failing" in page.one(id="job-state").text
    visitor.send(form_to(page, "/again"))
    again = owner.all("/api/agents/chats", "chats", jobId=job["id"])[:2]
    assert {chat["trigger"] for chat in again} == {"retry"}
    assert {chat["scheduledAt"] for chat in again} == {"2026-01-05T08:00:00.000Z"}
    assert sorted(chat["parameters"]["campaign_id"] for chat in again) == ["a", "b"]


def test_a_run_is_cancelled_and_a_schedule_paused_and_resumed(owner, visitor, busy):
    job = busy(schedule={"cron": "0 8 * * 1", "timezone": "Europe/Amsterdam"})
    chat_id = owner.trigger(job)["chat"]["id"]
    page = visitor.get(f"/jobs/{job['id']}")
    visitor.send(form_to(page, "/cancel"))
    assert owner.until(chat_id, "cancelled")["status"] == "cancelled"
    visitor.send(form_to(page, "/cancel"))  # it has ended by now: nothing to do, nothing to complain of
    visitor.send(form_to(page, "/pause"), reason="The vendor\nmigrates")
    assert owner.job(job["id"])["paused"]["reason"] == "The vendor migrates"
    page = visitor.follow()
    assert "The vendor migrates." in page.one(id="reasons").text
    visitor.send(form_to(page, "/resume"))
    assert owner.job(job["id"])["paused"] is None


def test_the_schedule_is_said_in_words_with_what_clock_changes_do(owner, visitor):
    job = owner.create(schedule={"cron": "30 2 * * *", "timezone": "Europe/Amsterdam"})
    page = visitor.get(f"/jobs/{job['id']}")
    schedule = page.one("section", id="schedule")
    assert "At 02:30 every day, Europe/Amsterdam" in schedule.text
    assert len(schedule.one("ol").all("time")) == 10


def test_old_runs_are_on_further_pages(owner, visitor):
    job = owner.create()
    for _ in range(23):
        owner.run(job)
    page = visitor.get(f"/jobs/{job['id']}")
    history = page.one("table", class_="history").one("tbody").all("tr")
    assert len(history) == 20
    older = next(link for link in page.all("a") if link.text == "Older runs").attributes["href"].partition("#")[0]
    rest = visitor.get(older).one("table", class_="history").one("tbody").all("tr")
    assert len(rest) == 3
    assert not {row.attributes["id"] for row in rest} & {row.attributes["id"] for row in history}


def test_the_definition_leads_to_its_file_and_commit(owner, visitor, house):
    commit = "3f2a8c1d5e6f708192a3b4c5d6e7f8091a2b3c4d"
    job = owner.create(managedBy="acme/jobs/marketing", commit=commit, sourcePath="jobs.d/weekly report.yaml")
    standing = {
        "managedBy": "acme/jobs/marketing", "repository": "https://github.com/acme/jobs.git", "branch": "main",
        "sync": "Synced", "syncReason": "", "health": "Healthy", "healthReason": "", "jobs": 1, "differing": 0,
        "items": [], "problems": [],
    }  # fmt: skip
    owner("PUT", "/api/sync", json=standing)
    page = visitor.get(f"/jobs/{job['id']}")
    links = {link.text: link.attributes["href"] for link in page.one("dl").all("a")}
    assert links == {
        "jobs.d/weekly report.yaml": f"https://github.com/acme/jobs/blob/{commit}/marketing/jobs.d/weekly%20report.yaml",
        commit[:10]: f"https://github.com/acme/jobs/commit/{commit}",
    }
    assert "Drifted" in page.one(id="job-state").text  # the mark, and no applied hash
    assert f"key: {job['key']}" in page.one("details", id="yaml").text


def test_a_channel_that_is_not_there_is_said(owner, visitor):
    """Nobody would hear of a failure, and nobody would know."""
    owner("POST", "/api/notifications/channels", json={"name": "there", "type": "email", "to": ["a@example.com"]})
    job = owner.create(notifications=[{"channel": name, "topics": ["failed_run"]} for name in ("there", "gone")])
    shown = visitor.get(f"/jobs/{job['id']}").text
    assert "there: failed run (there" not in shown
    assert "gone: failed run (there is no such channel: nobody hears of it)" in shown


def test_a_large_fan_out_shows_what_failed_first(owner, visitor, house):
    combinations = [{"n": number} for number in range(400)]
    job = owner.create(
        parameters={"n": {"type": "integer", "default": 0}}, fanOut={"combinations": combinations, "maxParallel": 100}
    )
    for chat in owner.trigger(job)["chats"]:
        owner.until(chat["id"], "completed")
    with house.instance.database.write() as db:
        db.execute("UPDATE chats SET status = 'failed' WHERE job_id = ? AND combination = '{\"n\":390}'", (job["id"],))
    page = visitor.get(f"/jobs/{job['id']}")
    rows = page.one("table", class_="grid").one("tbody").all("tr")
    assert len(rows) == 100
    assert rows[0].one("th").text == "n 390"
    assert rows[0].one("a").text.startswith("failed")
    assert "300 more combinations" in page.one("section", id="runs").text
    assert "399 completed, 1 failed" in page.one("table", class_="history").text
