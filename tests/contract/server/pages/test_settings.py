"""Keys, channels and messages as a person works with them, and as one who attacks them does."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.server.serving import EmbeddedServer

from .browsing import Browser, said

HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}<img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder: Path = tmp_path_factory.mktemp("settings")
    with EmbeddedServer(folder, port=0, scheduler=False, allow_private=("127.0.0.1",)) as found:
        yield found


@pytest.fixture
def browser(server: EmbeddedServer) -> Iterator[Browser]:
    found = Browser(server)
    yield found
    found.close()


@pytest.fixture
def api(server: EmbeddedServer) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """A webhook's receiver: (address, what it heard, its next answers)."""
    heard: list[dict[str, Any]] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/CanaryPath8", heard, answers
        http.shutdown()


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def channel_id(browser: Browser, name: str) -> str:
    found = re.search(
        rf'href="/settings/channels/(chan[a-z]*_[0-9a-f]+)">{re.escape(name)}</a>', browser.get("/settings").text
    )
    assert found is not None
    return found[1]


def test_a_key_is_shown_once_works_and_is_revoked(browser: Browser, server: EmbeddedServer) -> None:
    answer = browser.post("/settings/keys", {"name": "ci", "permission": ["agent_jobs_read", "agent_jobs_trigger"]})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    key = re.search(r"int_[A-Za-z0-9]{48}", answer.text)
    assert key is not None
    assert key[0] not in browser.get("/settings").text
    headers = {"X-API-Key": key[0], "X-Organization-Id": server.organization_id}
    assert httpx.get(f"{server.url}/api/agents/jobs", headers=headers).status_code == 200
    assert httpx.delete(f"{server.url}/api/agents/jobs/job_1", headers=headers).status_code == 403
    page = said(browser.get("/settings"))
    assert "read, trigger" in page
    for place in ("/settings/keys", "/settings/channels"):  # where somebody stands who sent a form
        assert browser.get(place, follow_redirects=False).headers["location"] == "/settings"
    row = re.search(
        r'action="(/settings/keys/key_[0-9a-f]+/revoke)">(?:(?!</form>).)*Revoke ci',
        browser.get("/settings").text,
        re.S,
    )
    assert row is not None
    assert browser.post(row[1]).headers["location"] == "/settings?said=revoked#keys"
    assert httpx.get(f"{server.url}/api/agents/jobs", headers=headers).status_code == 401
    assert browser.post(row[1]).status_code == 404


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"permission": "agent_jobs_read"}, "Give the key a name"),
        ({"name": "  ", "permission": "agent_jobs_read"}, "Give the key a name"),
        ({"name": "x" * 101, "permission": "agent_jobs_read"}, "at most 100 characters"),
        ({"name": "a\x00b", "permission": "agent_jobs_read"}, "all of them printable"),
        ({"name": "x"}, "at least one permission"),
        ({"name": "x", "permission": "everything"}, "at least one permission"),
    ],
)
def test_a_key_form_says_what_is_wrong(browser: Browser, fields: dict[str, str], fault: str) -> None:
    answer = browser.post("/settings/keys", fields)
    assert answer.status_code == 422
    assert fault in said(answer)
    assert "key-fault" in answer.text
    assert "int_" not in answer.text.split('id="keys-title"')[0]


def test_a_channel_from_its_form_to_a_message(
    browser: Browser, receiver: tuple[str, list[dict[str, Any]], list[int]]
) -> None:
    address, heard, answers = receiver
    form = {"name": "hook", "type": "webhook", "url": address, "secret": "CanarySigning77", "level": "info",
            "topic": ["failed_run", "anomaly"]}  # fmt: skip
    assert browser.post("/settings/channels", form).headers["location"] == "/settings?said=made#channels"
    at = f"/settings/channels/{channel_id(browser, 'hook')}"
    for page in (browser.get("/settings").text, browser.get(at).text):
        assert "CanaryPath8" not in page
        assert "CanarySigning77" not in page
    answers.append(410)
    browser.post(f"{at}/test")
    until(lambda: "Not sent (1)" in said(browser.get("/settings")))
    assert "410" in said(browser.get("/settings"))
    resend = re.search(r'action="(/settings/messages/dlv_[0-9a-f]+/resend)"', browser.get("/settings").text)
    assert resend is not None
    assert browser.post(resend[1]).headers["location"] == "/settings?said=resent#messages"
    until(lambda: len(heard) == 2)
    until(lambda: "Not sent" not in said(browser.get("/settings")))
    assert browser.post(resend[1]).status_code == 409  # nobody is told twice
    etag = re.search(r'name="etag" value="([^"]+)"', browser.get(at).text)
    assert etag is not None
    saved = {**form, "etag": etag[1].replace("&#34;", '"'), "name": "renamed", "url": "", "secret": ""}
    assert browser.post(at, saved).headers["location"] == "/settings?said=saved#channels"
    again = browser.post(at, {**saved, "name": "too late"})  # from a page that is out of date
    assert again.status_code == 412
    assert "decide again" in said(again)
    browser.post(f"{at}/test")
    until(lambda: len(heard) == 3)  # the address was kept
    assert browser.post(f"{at}/delete", {"etag": saved["etag"]}).status_code == 412
    etag = re.search(r'name="etag" value="([^"]+)"', browser.get(at).text)
    assert etag is not None
    gone = browser.post(f"{at}/delete", {"etag": etag[1].replace("&#34;", '"')})
    assert gone.headers["location"] == "/settings?said=deleted#channels"
    assert browser.get(at).status_code == 404


@pytest.mark.parametrize(
    ("fields", "at", "fault"),
    [
        ({"type": "slack"}, "url", "Give the webhook's address."),
        ({"type": "email"}, "to", "Give at least one receiver."),
        ({"type": "email", "to": "nobody"}, "to", "not an email address"),
        ({"type": "slack", "url": "ftp://x"}, "url", "not an http or https address"),
        ({"type": "slack", "url": "https://10.0.0.1/x"}, "url", ""),
        ({"type": "slack", "url": "https://x.example/", "to": ""}, "topics", ""),
        ({"type": "pigeon", "url": "https://x.example/"}, "type", ""),
        ({"type": "slack", "url": "https://x.example/", "name": "n" * 101, "topic": "anomaly"}, "name", ""),
    ],
)
def test_a_channel_form_says_what_is_wrong(browser: Browser, fields: dict[str, str], at: str, fault: str) -> None:
    answer = browser.post(
        "/settings/channels", {"name": "faulty", **({"topic": "anomaly"} if at != "topics" else {}), **fields}
    )
    assert answer.status_code == 422, answer.text
    assert f'id="{at}-fault"' in answer.text
    assert fault in said(answer)
    assert "x.example" not in answer.text  # an address is a secret, also in a form that comes back
    assert "faulty</a>" not in browser.get("/settings").text


def test_a_channel_of_git_is_changed_there(browser: Browser, api: httpx.Client) -> None:
    body = {"name": "managed", "type": "slack", "url": "https://hooks.slack.com/services/x", "managedBy": "acme/jobs"}
    assert api.post("/api/notifications/channels", json=body).status_code == 201
    at = f"/settings/channels/{channel_id(browser, 'managed')}"
    assert "kept in git by acme/jobs" in said(browser.get(at))
    assert "disabled" in browser.get(at).text
    for path in (at, f"{at}/delete"):
        answer = browser.post(path, {"name": "mine", "type": "slack", "etag": '"1"'})
        assert answer.status_code == 403
        assert "put back" in said(answer)


def test_hostile_names_are_words(browser: Browser, api: httpx.Client) -> None:
    name = HOSTILE[:100]
    browser.post("/settings/keys", {"name": name, "permission": "agent_jobs_read"})
    made = api.post(
        "/api/notifications/channels",
        json={"name": name, "type": "email", "to": ["a@example.com"], "managedBy": HOSTILE},
    )
    assert made.status_code == 201
    page = browser.get("/settings")
    words = said(page)
    assert words.count("<script>alert(1)</script>{{ 7*7 }}") >= 2
    assert "49" not in words.replace(name, "")
    said(browser.get(f"/settings/channels/{made.json()['channel']['id']}"))


def test_another_organisations_things_are_not_there(browser: Browser, server: EmbeddedServer) -> None:
    other, key = server.create_organization("other")
    headers = {"X-API-Key": key, "X-Organization-Id": other}
    body = {"name": "theirs", "type": "email", "to": ["a@example.com"]}
    made = httpx.post(f"{server.url}/api/notifications/channels", json=body, headers=headers).json()["channel"]
    test = httpx.post(f"{server.url}/api/notifications/channels/{made['id']}/test", headers=headers).json()["delivery"]
    with server.instance.database.read() as db:
        key_id = db.execute("SELECT id FROM api_keys WHERE organisation_id = ?", (other,)).fetchone()["id"]
    assert "theirs" not in browser.get("/settings").text
    assert browser.get(f"/settings/channels/{made['id']}").status_code == 404
    for path in (
        f"/settings/channels/{made['id']}", f"/settings/channels/{made['id']}/delete",
        f"/settings/channels/{made['id']}/test", f"/settings/messages/{test['id']}/resend",
        f"/settings/keys/{key_id}/revoke",
    ):  # fmt: skip
        assert browser.post(path, {"etag": '"1"', "name": "mine", "type": "email"}).status_code == 404, path
    assert httpx.get(f"{server.url}/api/agents/jobs", headers=headers).status_code == 200


def test_no_form_works_without_its_token(browser: Browser, server: EmbeddedServer) -> None:
    browser.token()
    own = {"Origin": server.url}
    for path in ("/settings/keys", "/settings/keys/x/revoke", "/settings/channels", "/settings/channels/x",
                 "/settings/channels/x/delete", "/settings/channels/x/test", "/settings/messages/x/resend",
                 "/sign-out"):  # fmt: skip
        assert browser.http.post(path, data={"name": "x"}, headers=own).status_code == 403, path
        assert browser.http.post(path, data={"token": browser.token()}).status_code == 403, path
