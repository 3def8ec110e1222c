"""What an attacker's page, another host's name or another organisation gets: nothing."""

from __future__ import annotations

import re

import httpx
import pytest

from interact_gitops.server.pages.routes import TABLE
from interact_gitops.server.serving import EmbeddedServer

from .conftest import Visitor, parse, run_form

POSTS = [place for place in TABLE if place.method == "POST"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def filled(path: str) -> str:
    return re.sub(r"\{(\w+?)_id\}", lambda part: f"{part[1]}_0", path).replace("{file}", "doc_0.csv")


def test_every_answer_has_the_headers(owner, visitor):
    job = owner.create()
    paths = ["/", f"/jobs/{job['id']}", f"/chats/{owner.run(job)['id']}", "/jobs/job_0", "/nothing", "/jobs/x/run"]
    for path in paths:
        headers = visitor.http.get(path).headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "no-" in headers["Cache-Control"]
        assert "public" not in headers["Cache-Control"]


def test_pages_have_no_inline_script_or_style(owner, visitor):
    job = owner.create()
    for path in ("/", f"/jobs/{job['id']}", f"/chats/{owner.run(job)['id']}", "/nothing"):
        for element in parse(visitor.http.get(path).text).all():
            assert element.tag not in {"style", "iframe", "object", "embed", "base"}
            assert element.tag != "script" or (
                element.inside == [] and element.attributes["src"].startswith("/static/")
            )
            assert not [name for name in element.attributes if name == "style" or name.startswith("on")]


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(house):
    with Visitor(house).http as http:
        cookie = http.get("/").headers["Set-Cookie"]
        assert re.fullmatch(r"interact_session=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict", cookie)
        assert "Set-Cookie" not in http.get("/").headers
        http.cookies.clear()
        http.cookies.set("interact_session", "chosen-by-somebody-else")
        assert "Set-Cookie" in http.get("/").headers


def test_a_form_needs_this_sessions_token(owner, visitor, house):
    job = owner.create()
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    data, action = visitor.fields(form), form.attributes["action"]
    with Visitor(house).http as other:
        theirs = run_form(parse(other.get(f"/jobs/{job['id']}").text))
    for token in ("", "0" * 64, visitor.fields(theirs)["token"], "é", data["token"] + "0"):
        assert visitor.post(action, {**data, "token": token}).status_code == 403
    visitor.http.cookies.clear()
    assert visitor.post(action, data).status_code == 403
    assert owner.all("/api/agents/chats", "chats", jobId=job["id"]) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:1"},
        {},
    ],
)
def test_a_form_is_sent_from_here(owner, visitor, headers):
    job = owner.create()
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    answer = visitor.http.post(form.attributes["action"], data=visitor.fields(form), headers=headers)
    assert answer.status_code == 403
    assert owner.all("/api/agents/chats", "chats", jobId=job["id"]) == []


@pytest.mark.parametrize("place", POSTS, ids=lambda place: place.id)
def test_every_form_is_guarded(visitor, place):
    visitor.get("/")
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": visitor.url}):
        assert visitor.http.post(filled(place.path), data={"token": "x"}, headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_hosts_name_is_turned_away(visitor, host):
    for path in ("/", "/jobs/job_0", "/chats/chat_0"):
        answer = visitor.http.get(path, headers={"Host": host})
        assert answer.status_code == 400
        assert "Set-Cookie" not in answer.headers
    etag = [visitor.http.get("/").headers.get("ETag"), visitor.http.get("/").headers["ETag"]][1]
    assert visitor.http.get("/", headers={"If-None-Match": etag}).status_code == 304
    assert visitor.http.get("/", headers={"If-None-Match": etag, "Host": host}).status_code == 400


def test_what_another_organisation_has_is_not_there(owner, visitor, house, description):
    from ..conftest import Api

    organization, key = house.create_organization("Others")
    with httpx.Client(base_url=house.url, timeout=30) as http:
        theirs = Api(description, http, key, organization)
        job = theirs.create(name="Their secret job")
        chat = theirs.run(job)
        document = chat["documents"][0]["id"]
    page = visitor.get("/")
    assert "Their secret job" not in page.text
    own = owner.create()
    token = visitor.fields(run_form(visitor.get(f"/jobs/{own['id']}")))["token"]
    mine = owner.run(own)
    for path in (f"/jobs/{job['id']}", f"/chats/{chat['id']}", f"/chats/{chat['id']}/documents/{document}.csv",
                 f"/chats/{mine['id']}/documents/{document}.csv"):  # fmt: skip
        absent = visitor.http.get(path)
        assert absent.status_code == 404
        assert "Their secret job" not in absent.text
    for path in (f"/jobs/{job['id']}/run", f"/jobs/{job['id']}/pause", f"/jobs/{job['id']}/resume",
                 f"/jobs/{job['id']}/runs/{chat['groupId']}/again", f"/jobs/{own['id']}/runs/{chat['groupId']}/again",
                 f"/jobs/{job['id']}/runs/{chat['groupId']}/cancel", f"/chats/{chat['id']}/cancel"):  # fmt: skip
        assert visitor.post(path, {"token": token}).status_code == 404, path


def test_methods_and_paths(visitor):
    for method, path, status in [
        ("POST", "/", 405), ("PUT", "/jobs/job_0", 405), ("GET", "/jobs/job_0/pause", 405), ("DELETE", "/chats/c", 405),
        ("GET", "/nothing", 404), ("GET", "/jobs/", 404), ("GET", "/static/../serving.py", 404),
        ("GET", "/static/app.py", 404), ("GET", "/static/%2e%2e%2fserving.py", 404), ("GET", "/jobs/job_0", 404),
        ("GET", "/chats/chat_0/documents/x", 404),
    ]:  # fmt: skip
        answer = visitor.http.request(method, path)
        assert answer.status_code == status, (method, path)
        assert answer.headers["Content-Type"].startswith("text/html"), (method, path)
        assert parse(answer.text).one("h1").text
        assert status != 405 or answer.headers["Allow"]
    assert visitor.http.head("/").status_code == 200
    assert visitor.http.head("/").content == b""


def test_forms_that_cannot_be_read(owner, visitor):
    job = owner.create()
    form = run_form(visitor.get(f"/jobs/{job['id']}"))
    action, data = form.attributes["action"], visitor.fields(form)
    own = {"Origin": visitor.url, "Sec-Fetch-Site": "same-origin"}

    def post(content: bytes, kind: str) -> int:
        return visitor.http.post(action, content=content, headers={**own, "Content-Type": kind}).status_code

    kind = "application/x-www-form-urlencoded"
    token = f"token={data['token']}".encode()
    assert post(b"{}", "application/json") == 415
    assert post(token, "text/plain") == 415
    assert post(token + b"&p.x=%ff", kind) == 400
    assert post(token + b"&p.x=\xff", kind) == 400
    assert post(token + b"&x=1" * 3_000, kind) == 400
    assert post(token + b"&x=" + b"y" * (1024 * 1024), kind) == 413
    assert post(b"", kind) == 403


def test_pages_are_not_shown_to_other_machines(tmp_path):
    with EmbeddedServer(tmp_path / "data", allow_remote=True) as server, httpx.Client(base_url=server.url) as http:
        for path in ("/", "/jobs/job_0", "/chats/chat_0"):
            assert http.get(path).status_code == 403
        assert http.get("/healthz").status_code == 200


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{ 7 * 7 }}", "javascript:alert(1)",
    "\u202egnp.exe", "a\x1b[31mb", "</textarea></title><svg onload=alert(1)>", "&lt;b&gt;", "${7*7}",
]  # fmt: skip


def test_hostile_text_is_text_everywhere(owner, visitor):
    """Every field of a definition that takes free text, what runs make of it, and what a search echoes."""
    for nasty in HOSTILE:
        text = {"type": "string", "default": nasty, "description": nasty, "title": nasty, "examples": [nasty]}
        job = owner.create(
            name=nasty, description=nasty, owner=nasty, labels={"team": nasty},
            prompts=[{"text": "{% raw %}" + nasty + "{% endraw %} {{ word }}", "query": "quick"}],
            parameters={"word": text, "one": {"type": "string", "enum": [nasty, "x"], "default": nasty}},
            fanOut={"combinations": [{"word": nasty}, {"word": nasty + "2"}]},
            managedBy=nasty, sourcePath=nasty, commit=None,
            notifications=[{"channel": nasty, "topics": ["failed_run"]}],
        )  # fmt: skip
        chats = owner.trigger(job)["chats"]
        owner("POST", f"/api/agents/jobs/{job['id']}/pause", json={"reason": nasty})
        for chat in chats:
            owner.until(chat["id"], "completed")
        pages = [visitor.http.get("/", params={"q": nasty, "agent": nasty, "state": nasty}), visitor.http.get("/"),
                 visitor.http.get(f"/jobs/{job['id']}"), visitor.http.get(f"/chats/{chats[0]['id']}")]  # fmt: skip
        for answer in pages:
            assert answer.status_code == 200
            check_inert(answer.text)
        assert parse(pages[2].text).one("h1").text == nasty.replace("\u202e", "").replace("\x1b", "")
        owner("POST", f"/api/agents/jobs/{job['id']}/resume", json={})
        page = parse(visitor.http.get(f"/jobs/{job['id']}").text)
        assert visitor.fields(run_form(page))["p.word"] == nasty
        owner("DELETE", f"/api/agents/jobs/{job['id']}", headers={"If-Match": owner.job(job["id"])["etag"]})


def check_inert(text: str) -> None:
    for element in parse(text).all():
        assert element.tag not in {"img", "style"}
        assert element.tag != "script" or element.attributes["src"].startswith("/static/")
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        for name in ("href", "action", "src"):
            address = element.attributes.get(name, "/")
            assert address.startswith(("/", "#", "https://", "http://")), address


def test_hostile_rows_are_text_and_only_web_addresses_are_links(owner, visitor):
    job = owner.create(prompts=[{"text": "Awkward", "query": "awkward"}])
    chat = owner.run(job)
    page = visitor.get(f"/chats/{chat['id']}")
    check_inert(visitor.last.text)
    table = page.one("div", class_="rows").one("table")
    assert [cell.text for cell in table.all("th")] == ["id", 'a "name", quoted', "whole", "fraction", "flag"]
    assert [cell.text for cell in table.one("tbody").all("tr")[1].all("td")][1:] == [
        "=1+1",
        "9007199254740993",
        "-1.5",
        "false",
    ]
