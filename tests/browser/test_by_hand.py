"""What people do, in a browser: with the keyboard, with the pointer, with no script at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

CAMPAIGN = {
    "agent": {"slug": "paid-search-analyst"},
    "prompts": [{"text": "How did {{ campaign_id }} do in {{ days }} days?", "query": "campaign_performance"}],
    "parameters": {
        "campaign_id": {"type": "string", "pattern": r"^CMP-\d{4}-\d{3}$", "description": "Campaign to look at"},
        "days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7},
    },
}


def tab_to(page, locator, most=60):
    """Presses Tab until the element has the focus."""
    for _ in range(most):
        if locator.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached with the keyboard")


def test_a_job_is_run_by_keyboard_alone_and_followed_to_its_chart(page, api):
    api.create(name="Campaign by keyboard", **CAMPAIGN)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, page.get_by_label("Name or key"))
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=by+keyboard*")
    tab_to(page, page.get_by_role("link", name="Campaign by keyboard"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Campaign by keyboard")).to_be_visible()

    # A form that cannot be taken: the fault is at the field, and what was typed is there.
    field = page.get_by_label("campaign_id")
    tab_to(page, field)
    page.keyboard.type("CMP-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not match")
    expect(field).to_have_value("CMP-1")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#faults")).to_be_focused()
    link = page.locator("#faults").get_by_role("link", name="campaign_id")
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("CMP-2026-002")
    tab_to(page, page.get_by_role("button", name="Run"))
    page.keyboard.press("Enter")

    page.wait_for_url("**/chats/*")
    expect(page.locator("#status")).to_contain_text("Completed")
    expect(page.get_by_role("img", name="ROAS per day")).to_be_visible()
    expect(page.get_by_role("region", name="Campaign performance, rows").get_by_role("row")).to_have_count(2)
    sql = page.locator("summary", has_text="SQL:")
    tab_to(page, sql)
    page.keyboard.press("Enter")
    expect(page.locator("details.sql pre").first).to_contain_text("from daily_performance")
    tab_to(page, page.get_by_role("link", name="CSV of Campaign performance"), 80)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    rows = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
    assert download.value.suggested_filename.endswith(".csv")
    assert rows[0][0] == "campaign_id"
    assert rows[1][0] == "CMP-2026-002"


def test_a_chat_is_followed_live_and_says_so(page, api):
    job = api.create(prompts=[{"text": "For ever", "query": "endless"}])
    chat = api.trigger(job)[0]
    page.goto(f"/chats/{chat}")
    expect(page.locator("#status")).to_contain_text("Running")
    page.locator("summary", has_text="Keys").click()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    api.cancel(chat)
    expect(page.locator("#status")).to_contain_text("Cancelled")
    expect(page.get_by_role("status")).to_have_text("Cancelled")
    expect(page.locator("details#keys")).to_have_attribute("open", "")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def look_now(page):
    """As when somebody comes back to the tab."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def hide(page, hidden):
    page.evaluate(f"Object.defineProperty(document, 'hidden', {{value: {str(hidden).lower()}, configurable: true}})")
    look_now(page)


def test_looking_again_costs_little_and_keeps_the_focus(page, api):
    job = api.create(overlap="allow")
    api.run(job)
    page.goto(f"/jobs/{job['id']}")
    with page.expect_response(lambda answer: answer.status == 200):
        look_now(page)
    for _ in range(3):  # the minute may end in between
        with page.expect_response("**/jobs/*") as answer:
            look_now(page)
        if answer.value.status == 304:
            break
    assert answer.value.status == 304
    link = page.locator("table.history tbody a").first
    address = link.get_attribute("href")
    link.focus()
    api.run(job)
    look_now(page)
    expect(page.locator("table.history tbody tr")).to_have_count(2)
    assert page.evaluate("document.activeElement.getAttribute('href')") == address


def test_a_hidden_tab_rests(page, api):
    chat = api.trigger(api.create(prompts=[{"text": "For ever", "query": "endless"}]))[0]
    page.goto(f"/chats/{chat}")
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    hide(page, True)
    page.wait_for_timeout(1_500)  # a running chat is looked at every second
    assert len(seen) <= 1  # one that was under way
    api.cancel(chat)
    hide(page, False)
    expect(page.locator("#status")).to_contain_text("Cancelled")


def test_a_server_that_is_gone_is_asked_less_often_and_it_is_said(open_window, api):
    look = open_window()
    look.expected.append("Failed to load resource")
    page = look.page
    job = api.create()
    page.goto(f"/jobs/{job['id']}")
    asked: list[str] = []
    page.route("**/jobs/*", lambda route: (asked.append(route.request.url), route.abort()))
    page.evaluate("document.body.dataset.pace = '0.05'")
    look_now(page)
    expect(page.get_by_role("status")).to_contain_text("does not answer")
    count = len(asked)
    page.wait_for_timeout(400)
    assert len(asked) <= count + 2
    page.unroute("**/jobs/*")
    expect(page.locator("html:not([data-stale])")).to_have_count(1)


def test_a_fan_out_its_conflict_and_what_failed_of_it_again(page, api):
    slow = api.create(
        name="Slow one",
        prompts=[{"text": "For ever", "query": "endless"}],
        parameters={"n": {"type": "integer", "default": 1}},
        fanOut={"matrix": {"n": [1, 2]}},
    )
    page.goto(f"/jobs/{slow['id']}")
    expect(page.get_by_label("All 2 combinations")).to_be_checked()
    expect(page.get_by_label("n", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("table.grid tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Run", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("A run of this job is in progress")
    alert.get_by_role("link", name="See the run in progress").click()
    page.wait_for_url("**/chats/*")
    page.get_by_role("link", name="Slow one").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("table.history")).to_contain_text("2 cancelled")

    moody = api.create(
        name="Moody one",
        prompts=[{"text": "Mood?", "query": "moody"}],
        parameters={"market": {"type": "string"}},
        fanOut={"matrix": {"market": ["NL", "DE"]}},
    )
    page.goto(f"/jobs/{moody['id']}")
    page.get_by_role("button", name="Run", exact=True).click()
    history = page.locator("table.history tbody")
    expect(history).to_contain_text("1 completed, 1 failed")
    expect(history).to_contain_text("the warehouse closed the door")
    history.get_by_role("button", name="Run failed again").click()
    expect(history.locator("tr")).to_have_count(2)
    expect(history.locator("tr").first).to_contain_text("1 failed")
    expect(history.locator("tr").first).to_contain_text("Run again")


def test_everything_works_without_scripts(open_window, api):
    page = open_window(scripts=False).page
    parameters = {**CAMPAIGN["parameters"], "campaign_id": {**CAMPAIGN["parameters"]["campaign_id"],
                                                            "default": "CMP-2026-001"}}  # fmt: skip
    api.create(name="No script here", schedule={"cron": "0 8 * * 1"}, **{**CAMPAIGN, "parameters": parameters})
    page.goto("/")
    page.get_by_label("Name or key").fill("no script")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="No script here").first.click()
    page.get_by_label("campaign_id").fill("nope")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("does not match")
    page.get_by_label("campaign_id").fill("CMP-2026-003")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/chats/*")
    api.until(page.url.rpartition("/")[2], "completed")
    page.reload()
    expect(page.locator("#status")).to_contain_text("Completed")
    page.locator("summary", has_text="SQL:").click()
    expect(page.locator("details.sql pre").first).to_be_visible()
    page.get_by_role("link", name="No script here").click()
    page.locator("summary", has_text="Pause its schedule").click()
    page.get_by_label("Reason").fill("Because")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#reasons")).to_contain_text("Because.")
    page.get_by_role("button", name="Resume its schedule").click()
    expect(page.locator("#reasons")).not_to_contain_text("Because.")

    endless = api.create(prompts=[{"text": "For ever", "query": "endless"}])
    chat = api.trigger(endless)[0]
    page.goto(f"/jobs/{endless['id']}")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("alert")).to_contain_text("in progress")
    page.get_by_role("link", name="See the run in progress").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    assert page.url.endswith(chat)


def test_a_link_from_elsewhere_leads_in(page, api, server):
    """SameSite=Strict: a browser that comes from a chat message sends no cookie with its first request; the session
    that it has must not be lost by that."""
    job = api.create(name="Linked")
    page.goto(f"/jobs/{job['id']}")
    cookie = page.context.cookies()[0]["value"]
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    page.route("**/elsewhere", lambda route: route.fulfill(
        content_type="text/html", body=f"<a href='{server.url}/jobs/{job['id']}'>see</a>"))  # fmt: skip
    page.goto(f"{elsewhere}/elsewhere")
    page.get_by_role("link", name="see").click()
    expect(page.get_by_role("heading", name="Linked")).to_be_visible()
    assert {one["value"] for one in page.context.cookies(server.url)} == {cookie}
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/chats/*")
