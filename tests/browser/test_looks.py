"""Every page in light and dark, wide and narrow: nothing keeps people from using it, the content policy had nothing to
stop, nothing runs over. What it looked like is kept (INTERACT_SCREENSHOTS, default .screenshots/)."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.xdist_group("browser")

NARROW, WIDE = 400, 1440
PAID_SEARCH = {"slug": "paid-search-analyst"}
WEEKLY = {"cron": "0 8 * * 1", "timezone": "Europe/Amsterdam"}
PAGES = ("jobs", "jobs-none", "job", "job-failing", "job-invalid", "job-conflict", "chat-lines",
         "chat-bars", "chat-failed", "chat-running", "not-found")  # fmt: skip
LAID_OUT_ANEW = ("jobs", "job", "chat-failed")


@pytest.fixture(scope="module")
def places(api):
    """A little of everything; the path of each page."""
    fan_out = {"matrix": {"campaign_id": ["CMP-2026-001", "CMP-2026-002"], "days": [7, 28]}}
    weekly = api.create(
        key="weekly-campaign-performance",
        name="Weekly campaign performance report",
        description="Monday briefing for the paid search team, one chat per campaign and window.",
        agent=PAID_SEARCH,
        prompts=[{"text": "How did {{ campaign_id }} do in {{ days }} days?", "query": "campaign_performance"}],
        parameters={
            "campaign_id": {"type": "string", "description": "Campaign to analyse", "default": "CMP-2026-001"},
            "days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7, "description": "Days to look back"},
            "market": {"type": "string", "enum": ["NL", "DE", "FR"], "default": "NL"},
            "highlight": {"type": "boolean", "default": True, "description": "Put the worst ones in bold"},
        },
        fanOut=fan_out,
        schedule=WEEKLY,
        managedBy="acme/marketing-jobs",
        commit="3f2a8c1d5e6f708192a3b4c5d6e7f8091a2b3c4d",
        sourcePath="jobs.d/paid-search/03-weekly-campaign-performance.yaml",
    )
    for _ in range(5):
        api.run(weekly)
    overview = api.create(name="Account overview", agent=PAID_SEARCH, schedule=WEEKLY, managedBy="acme/marketing-jobs",
                          prompts=[{"text": "Overview?", "query": "campaign_overview"}])  # fmt: skip
    lines = api.run(api.create(name="All campaigns", agent=PAID_SEARCH,
                               prompts=[{"text": "How are they?", "query": "campaign_performance"}]))[0]  # fmt: skip
    bars = api.run(overview)[0]
    failing = api.create(name="Margin watch", prompts=[{"text": "Something of which nobody has heard"}],
                         schedule={"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"})  # fmt: skip
    failed = [api.run(failing)[0] for _ in range(3)][-1]
    paused = api.create(name="Vendor export check", schedule=WEEKLY)
    api.ok("POST", f"/api/agents/jobs/{paused['id']}/pause", json={"reason": "The vendor migrates until Friday"})
    strict = api.create(name="Strict one", parameters={"n": {"type": "string", "pattern": "^x$", "title": "Letter"}})
    busy = api.create(name="Full history rebuild", prompts=[{"text": "All of it", "query": "endless"}])
    running = api.trigger(busy)[0]
    api.until(running, "running")
    yield {
        "jobs": "/", "jobs-none": "/?q=nothing-like-it",
        "job": f"/jobs/{weekly['id']}", "job-failing": f"/jobs/{failing['id']}", "job-invalid": f"/jobs/{strict['id']}",
        "job-conflict": f"/jobs/{busy['id']}", "chat-lines": f"/chats/{lines['id']}",
        "chat-bars": f"/chats/{bars['id']}", "chat-failed": f"/chats/{failed['id']}",
        "chat-running": f"/chats/{running}", "not-found": "/nothing/here",
    }  # fmt: skip
    api.cancel(running)


def open_page(page, name, places):
    page.goto(places[name])
    if name == "job-invalid":
        page.get_by_label("Letter").fill("y")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#faults").wait_for()
    if name == "job-conflict":
        page.get_by_role("button", name="Run now").click()
        page.get_by_role("alert").wait_for()
    for details in page.locator("details.sql, details#yaml").all():
        details.evaluate("one => { one.open = true }")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everybody(name, places, open_window, axe, keep):
    look = open_window(width=WIDE)
    if name == "not-found":
        look.expected.append("a status of 404")
    open_page(look.page, name, places)
    assert_fits(look.page, WIDE)
    for scheme in ("light", "dark"):
        look.page.emulate_media(color_scheme=scheme)
        found = axe.run(look.page)
        assert found.violations_count == 0, found.generate_report()
        keep(look.page, f"{name}-{scheme}")
    look.page.set_viewport_size({"width": NARROW, "height": 800})
    assert_fits(look.page, NARROW)
    if name in LAID_OUT_ANEW:
        assert axe.run(look.page).violations_count == 0
        keep(look.page, f"{name}-narrow")


def assert_fits(page, width):
    """Wide things scroll by themselves; the page does not."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_before_the_first_job(tmp_path, open_window, axe, keep):
    from interact_gitops.server.serving import EmbeddedServer

    with EmbeddedServer(tmp_path / "data", scheduler=False) as server:
        for scheme in ("light", "dark"):
            look = open_window(scheme=scheme, width=WIDE)
            look.page.goto(server.url)
            found = axe.run(look.page)
            assert found.violations_count == 0, found.generate_report()
            keep(look.page, f"empty-{scheme}")


def test_the_menu_and_every_link_on_the_pages_lead_somewhere(places, open_window, api):
    look = open_window()
    links: set[str] = set()
    for name in ("jobs", "job", "chat-lines", "chat-failed"):
        look.page.goto(places[name])
        links |= set(look.page.eval_on_selector_all("a[href^='/']", "all => all.map(one => one.getAttribute('href'))"))
    later = {"/sync", "/settings"}
    answers = {link: api.http.get(link).status_code for link in sorted(links - later)}
    assert set(answers.values()) == {200}, answers


def test_reduced_motion_and_print(places, open_window):
    page = open_window().page
    page.goto(places["chat-running"])
    assert page.locator(".icon.is-running").first.evaluate("one => getComputedStyle(one).animationName") == "none"
    page.emulate_media(media="print")
    assert page.locator("header.top").evaluate("one => getComputedStyle(one).display") == "none"
    assert page.locator(".question").first.is_visible()
