"""What a reader's eye needs: text of other scripts in its own direction, and a sign that a table goes on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .conftest import Api

pytestmark = pytest.mark.xdist_group("browser")

# Where the number stands that follows a word of Arabic: on its left, as that is read.
NUMBER_IS_LEFT = """element => {
  const text = element.firstChild, at = (from) => {
    const range = document.createRange(); range.setStart(text, from); range.setEnd(text, from + 1);
    return range.getBoundingClientRect().left;
  };
  return at(text.data.indexOf('X')) < at(0);
}"""


def test_arabic_is_read_from_the_right(page: Page, api: Api) -> None:
    name = "تقرير X"
    job = api.create(name=name, prompts=[{"text": name, "query": "quick"}])
    page.goto(f"/jobs/{job['id']}")
    for selector in ("h1", ".questions .said"):
        assert page.locator(selector).evaluate(NUMBER_IS_LEFT), selector
    page.goto(f"/?q={job['key']}")
    assert page.locator(".jobs .name").evaluate(NUMBER_IS_LEFT)


def test_a_table_that_goes_on_is_shaded_at_its_edge(page: Page, api: Api) -> None:
    job = api.create(
        prompts=[{"text": "Campaigns", "query": "campaign_performance"}], agent={"slug": "paid-search-analyst"}
    )
    chat = api.run(job)[0]
    page.goto(f"/chats/{chat['id']}")
    rows = page.locator(".rows:visible").last
    assert rows.evaluate("table => table.scrollWidth > table.clientWidth")
    assert (
        rows.evaluate("table => getComputedStyle(table).backgroundAttachment") == "local, local, scroll, scroll, scroll"
    )
