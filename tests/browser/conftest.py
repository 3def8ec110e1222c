"""A real browser before a real server: the system's Chromium, driven by playwright.

Where there is no Chromium and this is root on a Debian (a CI container), it is installed; anywhere else the tests are
skipped, and say so. Pages of every test are watched: a console error or a broken content policy fails it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from ..contract.server.conftest import TEST_AGENTS

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = "INTERACT_SCREENSHOTS"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 15_000  # milliseconds

# Beside the sample's agents and those of the API's tests: a query that fails for one of its parameters.
AGENTS = (
    TEST_AGENTS.rstrip()
    + r"""
      - name: moody
        title: Moody
        parameters: {market: {type: string}}
        sql: select case when $market = 'DE' then error('the warehouse closed the door') else 'fine' end as mood
"""
)

Json = dict[str, Any]


def _chromium() -> str | None:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = ["chromium", "fonts-dejavu-core"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, check=False)
        found = shutil.which("chromium")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = _chromium()
    if path is None:
        pytest.skip("NO BROWSER: the web UI is not tested here. Install chromium, or run as root where apt-get is.")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    folder: Path = tmp_path_factory.mktemp("embedded")
    agents = folder / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
    expect.set_options(timeout=PATIENCE)
    with EmbeddedServer(folder / "data", port=0, agents=agents, sample_folder=sample) as server:
        server.instance.crew.warm()
        yield server


class Api:
    """The server's API: what there is for the pages to show is made through it."""

    def __init__(self, server: EmbeddedServer) -> None:
        headers = {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}
        self.http = httpx.Client(base_url=server.url, headers=headers, timeout=30)
        self.count = 0

    def ok(self, method: str, path: str, **more: Any) -> Json:
        answer = self.http.request(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def create(self, **changes: Any) -> Json:
        self.count += 1
        base = {
            "key": f"job-{self.count}",
            "name": f"Job {self.count}",
            "agent": {"slug": "tester"},
            "prompts": [{"text": "Quick, please", "query": "quick"}],
        }
        return self.ok("POST", "/api/agents/jobs", json={**base, **changes})["job"]

    def trigger(self, job: Json, body: Json | None = None) -> list[str]:
        started = self.ok("POST", f"/api/agents/jobs/{job['id']}/trigger", json=body or {})
        return [chat["id"] for chat in started.get("chats", [started["chat"]])]

    def chat(self, chat_id: str) -> Json:
        return self.ok("GET", f"/api/agents/chats/{chat_id}")["chat"]

    def run(self, job: Json, body: Json | None = None) -> list[Json]:
        """A run, once all its chats have ended."""
        started = self.trigger(job, body)
        return [self.until(chat_id, "completed", "failed", "cancelled") for chat_id in started]

    def until(self, chat_id: str, *statuses: str) -> Json:
        deadline = time.monotonic() + 60
        while (chat := self.chat(chat_id))["status"] not in statuses:
            assert time.monotonic() < deadline, f"the chat is {chat['status']}"
            time.sleep(0.02)
        return chat

    def cancel(self, chat_id: str) -> None:
        self.http.post(f"/api/agents/chats/{chat_id}/cancel")


@pytest.fixture(scope="session")
def api(server: EmbeddedServer) -> Iterator[Api]:
    found = Api(server)
    with found.http:
        yield found


@dataclass
class Look:
    """A browser's window, watched. `expected` are console errors that the test provokes; Chromium also reports forms
    that are answered with what is wrong about them."""

    page: Page
    context: BrowserContext
    expected: list[str] = field(default_factory=lambda: ["a status of 409", "a status of 422"])
    complaints: list[str] = field(default_factory=list)

    def check(self) -> None:
        left = [said for said in self.complaints if not any(one in said for one in self.expected)]
        assert not left, left


Open = Callable[..., Look]


@pytest.fixture
def open_window(browser: Browser, server: EmbeddedServer) -> Iterator[Open]:
    """Opens windows of their own: `open_window(scheme=…, scripts=…, width=…)`."""
    windows: list[Look] = []

    def one(*, scheme: str = "light", scripts: bool = True, width: int = 1280, height: int = 900) -> Look:
        context = browser.new_context(
            base_url=server.url, color_scheme=scheme, java_script_enabled=scripts,
            viewport={"width": width, "height": height}, reduced_motion="reduce", accept_downloads=True,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        look = Look(page=context.new_page(), context=context)
        look.page.on("console", lambda m: look.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        look.page.on("pageerror", lambda error: look.complaints.append(str(error)))
        windows.append(look)
        return look

    yield one
    for look in windows:
        look.context.close()
    for look in windows:
        look.check()


@pytest.fixture
def page(open_window: Open) -> Page:
    """A window with scripts, light."""
    return open_window().page


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture(scope="session")
def keep() -> Callable[[Page, str], None]:
    """Keeps a screenshot under the name."""
    folder = Path(os.environ.get(SCREENSHOTS) or ROOT / ".screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def shot(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9-]+', '-', name)}.png", full_page=True)

    return shot
