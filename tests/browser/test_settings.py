"""Signing in, keys, channels and the Sync page in a browser, by keyboard where people would."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.syncing import loop_of
from interact_gitops.server.serving import EmbeddedServer

from ..contract.gitops.conftest import OPTIONS, Repository, git
from ..contract.gitops.conftest import job as definition
from .conftest import Open

pytestmark = pytest.mark.xdist_group("browser")

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server with a password, whose webhooks may lead to this machine."""
    folder: Path = tmp_path_factory.mktemp("settings")
    with EmbeddedServer(folder, port=0, scheduler=False, allow_private=("127.0.0.1",), ui_password=PASSWORD) as found:
        yield found


@pytest.fixture
def heard() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's receiver: its address, and what it heard."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/hook", got
        http.shutdown()


def sign_in(page: Page, at: str = "/settings") -> None:
    page.goto(at)
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{at}")


def test_a_key_by_keyboard(open_window: Open, server: EmbeddedServer) -> None:
    page = open_window().page
    sign_in(page)
    page.get_by_label("Name").focus()
    page.keyboard.type("ci")
    page.keyboard.press("Tab")  # Read is chosen
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The key ci")).to_be_visible()
    key = page.locator("#new-key").inner_text()
    headers = {"X-API-Key": key, "X-Organization-Id": server.organization_id}
    assert httpx.get(f"{server.url}/api/agents/jobs", headers=headers).status_code == 200
    page.goto("/settings")
    assert key not in page.content()
    page.get_by_text("Revoke the key ci").click()
    page.get_by_role("button", name="Revoke ci").click()
    expect(page.get_by_role("status").first).to_contain_text("revoked")
    assert httpx.get(f"{server.url}/api/agents/jobs", headers=headers).status_code == 401


@pytest.mark.parametrize("scripts", [True, False])
def test_a_channel_and_its_test_message(
    open_window: Open, heard: tuple[str, list[dict[str, Any]]], scripts: bool
) -> None:
    address, got = heard
    page = open_window(scripts=scripts).page
    name = f"hook-{scripts}"
    sign_in(page)
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Kind").select_option("webhook")
    page.get_by_label("Address, for all others").fill(address)
    page.get_by_role("button", name="Create channel").click()
    page.get_by_role("button", name=f"Send a test to {name}").click()
    row = page.locator("#message-list").get_by_role("row", name=f"Test message to {name}")
    if not scripts:
        expect(row).to_contain_text(re.compile("Waiting|Sent"))
        while "Waiting" in row.inner_text():
            page.reload()
    expect(row).to_contain_text("Sent")  # with scripts, without another click
    assert [one["title"] for one in got] == [f"Test message to {name}"]


def test_a_drifted_job_and_the_commit_that_mends_it(open_window: Open, server: EmbeddedServer, tmp_path: Path) -> None:
    remote, work = tmp_path / "jobs.git", tmp_path / "work"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    subprocess.run(["git", "clone", "-q", str(remote), str(work)], check=True, capture_output=True)
    repository = Repository(remote=remote, work=work)
    git(work, "checkout", "-q", "-B", "main")
    repository.write("interact-gitops.yaml", "managed_by: acme/mended\n")
    repository.commit(mended=definition("mended"))
    environ = {
        "INTERACT_URL": server.url, "INTERACT_API_KEY": server.api_key, "INTERACT_ORG_ID": server.organization_id
    }  # fmt: skip
    workspace = Workspace(folder=tmp_path, environ=environ)
    page = open_window().page
    with workspace.client() as client:
        options = {**OPTIONS, "repo": str(remote), "state": str(tmp_path / "state"), "compare": 0}
        loop = loop_of(workspace, client, options)
        assert loop.once().sync == "Synced"
        sign_in(page, "/sync")
        section = page.get_by_role("region", name="acme/mended")
        expect(section).to_contain_text("In sync", timeout=15_000)
        (there,) = client.jobs()
        client.replace_job(there.id, {**_body(there.raw), "name": "By hand"}, etag=there.etag or "")
        loop.once()
        expect(section).to_contain_text("Drifted", timeout=15_000)  # without a reload
        section.get_by_text("1 field").click()
        expect(section.get_by_role("table", name="Fields of mended")).to_contain_text("By hand")
        section.get_by_role("link", name="mended", exact=True).click()
        page.wait_for_url(f"**/jobs/{there.id}")
        page.go_back()
        sha = repository.commit(message="Agree on the name", mended=definition("mended", name="Agreed"))
        loop.once()
        expect(section).to_contain_text("Agree on the name", timeout=15_000)
        expect(section).to_contain_text(sha[:7], timeout=15_000)
        expect(section).to_contain_text("In sync", timeout=15_000)
        assert [one.name for one in client.jobs()] == ["Agreed"]


def _body(raw: Any) -> dict[str, Any]:
    from interact_gitops.jobs.wire import job_from_wire, job_to_wire

    return {**job_to_wire(replace(job_from_wire(raw))), "managedBy": raw["managedBy"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_these_pages(
    open_window: Open, axe: Axe, keep: Callable[[Page, str], None], server: EmbeddedServer, scheme: str
) -> None:
    _told(server)
    look = open_window(scheme=scheme)
    look.expected.append("403 (Forbidden)")  # of the wrong password
    page = look.page

    def see(name: str) -> None:
        keep(page, f"{name}-{scheme}")
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()

    page.goto("/settings")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    see("sign-in")
    sign_in(page)
    see("settings")
    page.get_by_role("link", name="New channel").click()
    see("channel")
    page.goto("/sync")
    for details in page.locator("#loops details").all():
        details.click()
    see("sync")
    narrow = open_window(scheme=scheme, width=400)
    sign_in(narrow.page, "/sync")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert narrow.page.evaluate(wide) is False
    keep(narrow.page, f"sync-narrow-{scheme}")
    narrow.page.goto("/settings")
    assert narrow.page.evaluate(wide) is False
    keep(narrow.page, f"settings-narrow-{scheme}")


def _told(server: EmbeddedServer) -> None:
    """A loop with something of everything, a channel of git's, and a message that was not sent."""
    headers = {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}
    sha = "3f2a8c1d5e6f708192a3b4c5d6e7f8091a2b3c4d"
    commit = {"sha": sha, "author": "Ada", "subject": "Ask for the cost, too", "at": "2026-11-23T07:00:00+00:00"}
    item = {"kind": "job", "fields": []}
    fields = [{"field": "name", "target": "Weekly (old)", "git": "Weekly campaign performance"}]
    standing = {
        "managedBy": "acme/marketing-jobs", "repository": "https://github.com/acme/marketing-jobs.git",
        "branch": "main", "sync": "OutOfSync", "syncReason": "3 differ, and are left so", "health": "Healthy",
        "healthReason": "it waits for somebody", "head": commit, "good": commit, "applied": sha,
        "signature": "good, by ada@example.com", "jobs": 42, "differing": 3,
        "items": [
            {**item, "key": "shared", "state": "refused", "reason": "another repository's job has this key"},
            {**item, "key": "budget-pacing", "state": "pending", "reason": "to be deleted"},
            {**item, "key": "weekly-campaign-performance", "state": "drifted", "fields": fields,
             "reason": "it was changed on the target by hand"},
        ],
        "hold": {"reason": "this would delete 12 of the 42 jobs managed from here; the limit is 5",
                 "release": f"interact-gitops sync approve {'39387070' * 8}", "digest": None,
                 "since": "2026-11-23T07:00:00+00:00"},
        "problems": ["jobs.d/two.yaml:4:1: unknown field 'promt'"], "passedAt": "2026-11-23T08:00:00+00:00",
        "nextAt": "2026-11-23T08:01:00+00:00", "succeededAt": None, "wroteAt": "2026-11-23T07:00:00+00:00",
    }  # fmt: skip
    with httpx.Client(base_url=server.url, headers=headers) as api:
        assert api.put("/api/sync", json=standing).status_code == 204
        body = {"name": "marketing-slack", "type": "slack", "url": "https://hooks.slack.com/services/x",
                "level": "warning", "managedBy": "acme/marketing-jobs"}  # fmt: skip
        if api.post("/api/notifications/channels", json=body).status_code == 201:
            mail = {"name": "shop-email", "type": "email", "to": ["shop@example.com"]}
            channel = api.post("/api/notifications/channels", json=mail).json()["channel"]
            api.post(f"/api/notifications/channels/{channel['id']}/test")
