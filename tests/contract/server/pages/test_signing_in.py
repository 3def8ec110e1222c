"""The password of the pages: asked for where it is set, guessed slowly, and gone from every place it could leak to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from interact_gitops.errors import Refused
from interact_gitops.server.options import RateLimit
from interact_gitops.server.pages.routes import TABLE
from interact_gitops.server.pages.signing_in import inside
from interact_gitops.server.password import Password
from interact_gitops.server.serving import EmbeddedServer

from .browsing import Browser, said

PASSWORD = "correct horse battery staple"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "data", port=0, ui_password=PASSWORD, scheduler=False) as server:
        yield server


@pytest.fixture
def browser(locked: EmbeddedServer) -> Iterator[Browser]:
    found = Browser(locked)
    yield found
    found.close()


def sign_in(browser: Browser, password: str = PASSWORD, following: str = "/settings") -> int:
    return browser.post("/sign-in", {"password": password, "next": following}, on="/sign-in").status_code


def test_every_page_asks_for_it(browser: Browser) -> None:
    asking = [place for place in TABLE if not place.open]
    assert len(asking) > 10
    for place in asking:
        path = re.sub(r"\{[^}]+\}", "x_1", place.path)
        if place.method == "GET":
            answer = browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in"), path
        else:
            assert browser.post(path, on="/sign-in").status_code == 401, path
    assert browser.get("/api/openapi.json").status_code == 200  # the API has keys of its own
    assert browser.get("/healthz").status_code == 200


def test_in_and_out(browser: Browser, locked: EmbeddedServer) -> None:
    assert "This is not the password." in said(
        browser.post("/sign-in", {"password": "wrong"}, on="/sign-in", follow_redirects=False)
    )
    before = browser.http.cookies["interact_session"]
    answer = browser.post("/sign-in", {"password": PASSWORD, "next": "/settings?said=made"}, on="/sign-in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings?said=made")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    mine = browser.http.cookies["interact_session"]
    assert mine != before  # who planted the first one is not signed in with it
    assert browser.get("/settings").status_code == 200
    planted = Browser(locked)
    planted.http.cookies.set("interact_session", before)
    assert planted.get("/settings").status_code == 303
    assert browser.post("/sign-out").headers["location"] == "/sign-in?out=1"
    assert browser.get("/settings").status_code == 303
    planted.http.cookies.set("interact_session", mine)
    assert planted.get("/settings").status_code == 303  # a copy of the cookie is of no use any more
    planted.close()


def test_a_restart_signs_nobody_out_and_another_password_everybody(tmp_path: Path) -> None:
    data = tmp_path / "data"
    cookie = ""
    for password, status in ((PASSWORD, 303), (PASSWORD, 200), ("another long password", 303), (PASSWORD, 200)):
        with EmbeddedServer(data, port=0, ui_password=password, scheduler=False) as server:
            browser = Browser(server)
            if cookie:
                browser.http.cookies.set("interact_session", cookie)
            assert browser.get("/settings").status_code == status
            if not cookie:
                sign_in(browser)
                cookie = browser.http.cookies["interact_session"]
            browser.close()
        stored = b"".join(path.read_bytes() for path in data.glob("interact.db*"))
        assert cookie.encode() not in stored
        assert PASSWORD.encode() not in stored


def test_guessing_is_slow_also_by_many_at_once(browser: Browser, locked: EmbeddedServer) -> None:
    token = browser.token("/sign-in")
    headers = {"Origin": locked.url}

    def guess(number: int) -> int:
        data = {"token": token, "password": f"guess number {number}"}
        return browser.http.post("/sign-in", data=data, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(40)))
    assert answers.count(403) == 10
    assert answers.count(429) == 30
    answer = browser.post("/sign-in", {"password": PASSWORD}, on="/sign-in")  # nor does the right one say that it is
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert "too many wrong passwords" in said(answer).lower()


def test_a_password_is_compared_whole() -> None:
    password = Password("p" * 1_024, under=b"key")
    assert password.matches("p" * 1_024)
    assert not password.matches("p" * 1_025)
    assert not password.matches("p" * 1_023)
    assert not password.matches("")
    assert not Password("päss wörd long", under=b"key").matches("pass word long")
    assert Password("\udcff long enough", under=b"key").matches("\udcff long enough")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("/jobs/job_1?q=a%20b", "/jobs/job_1?q=a%20b"),
        ("", "/"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/\nSet-Cookie: a=b", "/"), ("/é", "/"),
        ("jobs", "/"), ("//[", "/"), ("/" + "a" * 3_000, "/"),
    ],
)  # fmt: skip
def test_after_signing_in_nobody_is_led_elsewhere(address: str, safe: str) -> None:
    assert inside(address) == safe


def test_a_server_that_others_reach_shows_no_page_without_one(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data", port=0, allow_remote=True, scheduler=False) as server:
        browser = Browser(server)
        answer = browser.get("/")
        assert answer.status_code == 403
        assert "INTERACT_UI_PASSWORD" in answer.text
        assert browser.get("/sign-in").status_code == 404
        browser.close()


def test_behind_tls_the_cookie_stays_there(tmp_path: Path) -> None:
    with EmbeddedServer(
        tmp_path / "data", port=0, ui_password=PASSWORD, allow_remote=True, public_url="https://interact.example.com"
    ) as server:
        browser = Browser(server)
        assert "Secure" in browser.get("/sign-in", headers={"Host": "interact.example.com"}).headers["set-cookie"]
        browser.http.cookies.clear()
        assert "Secure" not in browser.get("/sign-in").headers["set-cookie"]
        browser.close()


def test_pages_have_a_rate(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data", port=0, rate_limit=RateLimit(per_second=0.1, burst=5)) as server:
        browser = Browser(server)
        answers = [browser.get("/settings") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert 0 < int(answers[-1].headers["retry-after"]) <= 10
        assert "may ask for 0.1 pages a second" in said(answers[-1])
        browser.close()


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="shorter than 12 characters") as caught:
        EmbeddedServer(tmp_path / "data", port=0, ui_password="hunter2")
    assert "hunter2" not in str(caught.value)


def test_the_form_needs_its_token_and_origin(browser: Browser, locked: EmbeddedServer) -> None:
    token = browser.token("/sign-in")
    right = {"token": token, "password": PASSWORD}
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.http.post("/sign-in", data=right, headers=headers).status_code == 403, headers
    own = {"Origin": locked.url}
    for wrong in ("", "0" * 64, token[:-1] + ("0" if token[-1] != "0" else "1")):
        assert browser.http.post("/sign-in", data={**right, "token": wrong}, headers=own).status_code == 403
    assert re.search("sign-in", browser.get("/").headers["location"])
