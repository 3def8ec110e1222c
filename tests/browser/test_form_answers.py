"""Pages that are the answer to a form: reloading them, going back to them, leaving them open. And a tab's title."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Api, Open

pytestmark = pytest.mark.xdist_group("browser")


def _keys_named(page: Page, name: str) -> int:
    return page.get_by_role("rowheader", name=name, exact=True).count()


def test_a_reload_after_making_a_key_makes_no_second_one(page: Page) -> None:
    page.goto("/settings")
    page.get_by_label("Name").fill("reloaded")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#new-key")).to_be_visible()
    page.reload()
    expect(page.locator("#new-key")).to_have_count(0)
    assert _keys_named(page, "reloaded") == 1


def test_a_new_key_s_page_goes_on_looking(page: Page) -> None:
    """At the page's address: asked where the form was sent to, the server says 405, which the page takes for an
    outage."""
    page.clock.install()
    page.goto("/settings")
    page.get_by_label("Name").fill("kept open")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#new-key")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch") as looked:
        page.clock.run_for(20_000)
    assert looked.value.status == 200
    expect(page.locator("#new-key")).to_be_visible()


def test_a_refused_channel_s_page_goes_on_looking(page: Page) -> None:
    page.clock.install()
    page.goto("/settings/channels/new")
    page.get_by_label("Name").fill("local")
    page.get_by_label("Address, for all others").fill("http://localhost/hook")
    page.get_by_role("button", name="Create channel").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch") as looked:
        page.clock.run_for(20_000)
    assert looked.value.status == 200
    expect(page.get_by_label("Name")).to_have_value("local")


def test_the_way_back_to_a_refused_form_leads_to_its_job(page: Page, api: Api) -> None:
    job = api.create(parameters={"n": {"type": "string", "pattern": "^x$"}})
    page.goto(f"/jobs/{job['id']}")
    page.locator("#p-n").fill("wrong")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("The run was not started")
    expect(page.locator("#p-n")).to_have_value("wrong")
    page.locator("#p-n").fill("x")
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/chats/*")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(job["name"])


def test_the_title_follows_what_ran(page: Page, api: Api) -> None:
    job = api.create(name="Long one", prompts=[{"text": "All of it", "query": "endless"}])
    chat = api.trigger(job)[0]
    api.until(chat, "running")
    page.goto(f"/chats/{chat}")
    expect(page).to_have_title("Running: Long one · Interact")
    api.cancel(chat)
    expect(page).to_have_title("Cancelled: Long one · Interact")


def test_a_page_that_is_not_there_is_not_asked_for_again(open_window: Open) -> None:
    look = open_window()
    look.expected.append("a status of 404")
    look.page.clock.install()
    asked: list[str] = []
    look.page.goto("/jobs/job_0")
    look.page.on("request", lambda request: asked.append(request.resource_type))
    look.page.clock.run_for(120_000)
    assert "fetch" not in asked
