"""The list of jobs in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")


def test_jobs_are_found_by_name(page, api):
    api.create(name="Margin by market")
    api.create(name="Returns by product")
    page.goto("/")
    page.get_by_label("Name or key").fill("margin")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Margin by market")).to_be_visible()
    expect(page.get_by_role("link", name="Returns by product")).to_have_count(0)
