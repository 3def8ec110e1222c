"""Pages: what strangers can make the server keep, and what signing out, another password and many at once do."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from interact_gitops.server.pages.routes import TABLE
from interact_gitops.server.serving import EmbeddedServer

from .wires import answers_in, connect, exchange

PASSWORD = "correct horse battery"
FORM = "Content-Type: application/x-www-form-urlencoded"
STRANGER = "interact_session=" + "0" * 64


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("locked")
    with EmbeddedServer(data=folder, port=0, scheduler=False, ui_password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def open_house(tmp_path_factory):
    with EmbeddedServer(data=tmp_path_factory.mktemp("open"), port=0, scheduler=False) as server:
        yield server


def own(server):
    return {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}


def token(client, path="/sign-in"):
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get(path).text)
    assert found is not None
    return found[1]


@contextmanager
def signed_in(server):
    with httpx.Client(base_url=server.url, timeout=30) as client:
        data = {"token": token(client), "password": PASSWORD}
        assert client.post("/sign-in", data=data, headers=own(server)).status_code == 303
        yield client


@contextmanager
def visiting(server):
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def resident_kilobytes():
    with open("/proc/self/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def test_forms_of_strangers_are_not_kept(locked):
    """Megabytes that arrive and never end, of many at once, from nobody who is signed in."""
    before = resident_kilobytes()
    host = locked.url.removeprefix("http://")
    wires: list[socket.socket] = []
    try:
        for path in ("/jobs/job_0/run", "/sign-in", "/settings/keys", "/settings/channels") * 20:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {locked.url}\r\nCookie: {STRANGER}\r\n{FORM}\r\n"
                "Content-Length: 1048000\r\n\r\n"
            )
            wires.append(connect(locked.url))
            wires[-1].sendall(head.encode() + b"a" * 1_000_000)
        assert httpx.get(f"{locked.url}/sign-in").status_code == 200
        # A connection is read in pieces of 256 KiB, so half a megabyte each is the least that can be seen here.
        assert resident_kilobytes() - before < 60 * 1024
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("place", [place for place in TABLE if place.method == "POST"], ids=lambda place: place.id)
def test_a_large_form_of_a_stranger_is_declined_for_who_sends_it(locked, place):
    path = re.sub(r"\{\w+\}", "x_0", place.path)
    with httpx.Client(base_url=locked.url, timeout=30) as client:
        headers = {**own(locked), "Cookie": STRANGER, "Content-Type": "application/x-www-form-urlencoded"}
        answer = client.post(path, content=b"a=" + b"x" * 200_000, headers=headers)
        assert answer.status_code == (413 if place.open else 401)
        answer = client.post(
            path, content=b"a=" + b"x" * 200_000, headers={**headers, "Origin": "https://evil.example"}
        )
        assert answer.status_code == (413 if place.open else 403)


def test_large_forms_of_those_who_may_send_them_are_taken(locked, open_house):
    for server in (locked, open_house):
        with signed_in(server) if server is locked else visiting(server) as client:
            client.get("/")
            data = {"token": token(client, "/settings"), "name": "n" * 300_000}
            answer = client.post("/settings/keys", data=data, headers=own(server))
            assert answer.status_code == 422, answer.text[:500]
            data["name"] = "n" * 1_100_000
            assert client.post("/settings/keys", data=data, headers=own(server)).status_code == 413


def test_a_page_that_is_looked_at_takes_no_large_body(open_house):
    said = exchange(
        open_house.url,
        f"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {STRANGER}\r\nContent-Length: 100000\r\n\r\n".encode()
        + b"x" * 100_000,
    )
    assert said.statuses == [413]


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(locked):
    with signed_in(locked) as client:
        cookie, etag = client.cookies["interact_session"], client.get("/").headers["etag"]
        with httpx.Client(base_url=locked.url, cookies={"interact_session": cookie}) as thief:
            assert thief.get("/", headers={"If-None-Match": etag}).status_code == 304
            form = token(client, "/settings")
            assert client.post("/sign-out", data={"token": form}, headers=own(locked)).status_code == 303
            for more in ({}, {"If-None-Match": etag}):
                assert thief.get("/", headers=more).headers["location"].startswith("/sign-in")
            assert thief.post("/settings/keys", data={"token": form, "name": "x", "permission": "agent_jobs_read"},
                              headers=own(locked)).status_code == 401  # fmt: skip
        assert client.cookies["interact_session"] != cookie


def test_signing_in_makes_a_new_cookie_and_the_one_before_it_stays_nobodys(locked):
    """Whoever put a cookie into somebody's browser is not signed in with them."""
    with httpx.Client(base_url=locked.url, headers={"Cookie": STRANGER}) as planted:
        form = token(planted)
        answer = planted.post("/sign-in", data={"token": form, "password": PASSWORD}, headers=own(locked))
        assert answer.status_code == 303
        assert "0" * 64 not in answer.headers["set-cookie"]
    assert httpx.get(f"{locked.url}/", headers={"Cookie": STRANGER}).status_code == 303


def test_another_password_ends_sessions_and_a_forgotten_one_shows_nothing_to_others(tmp_path):
    with EmbeddedServer(data=tmp_path, port=0, scheduler=False, ui_password=PASSWORD) as server:
        with signed_in(server) as client:
            cookie, form = client.cookies["interact_session"], token(client, "/settings")
    with EmbeddedServer(data=tmp_path, port=0, scheduler=False, ui_password=PASSWORD + "2") as server:
        with httpx.Client(base_url=server.url, cookies={"interact_session": cookie}) as client:
            for place in TABLE:
                if not place.open:
                    path = re.sub(r"\{\w+\}", "x_0", place.path)
                    more = {"data": {"token": form}} if place.method == "POST" else {}
                    answer = client.request(place.method, path, headers=own(server), **more)
                    assert answer.status_code == (303 if place.method == "GET" else 401), place.id
    with EmbeddedServer(data=tmp_path, port=0, scheduler=False, allow_remote=True) as server:
        with httpx.Client(base_url=server.url, cookies={"interact_session": cookie}) as client:
            assert client.get("/").status_code == 403


def test_wrong_passwords_at_once_are_ten_and_pages_and_calls_go_on(tmp_path):
    with EmbeddedServer(data=tmp_path, port=0, scheduler=False, ui_password=PASSWORD) as server:
        with signed_in(server) as inside, httpx.Client(base_url=server.url, timeout=30) as client:
            data = {"token": token(client), "password": "wrong"}
            cookies = dict(client.cookies)
            slowest, stop = [0.0], threading.Event()

            def look():
                while not stop.is_set():
                    answer = inside.get("/settings")
                    assert answer.status_code == 200
                    slowest[0] = max(slowest[0], answer.elapsed.total_seconds())

            looking = threading.Thread(target=look)
            looking.start()

            def guess(_number):
                with httpx.Client(base_url=server.url, cookies=cookies, timeout=30) as one:
                    return one.post("/sign-in", data=data, headers=own(server)).status_code

            with ThreadPoolExecutor(40) as pool:
                codes = Counter(pool.map(guess, range(120)))
            stop.set()
            looking.join()
            assert set(codes) == {403, 429}
            assert codes[403] <= 11
            assert slowest[0] < 5
            # The right one is not told from a wrong one meanwhile.
            answer = client.post("/sign-in", data={**data, "password": PASSWORD}, headers=own(server))
            assert answer.status_code == 429
            assert "set-cookie" not in answer.headers


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/%0d%0aSet-Cookie:x",
    "javascript:alert(1)", "\\\\evil.example", "/é", "?next=/",
]  # fmt: skip


@pytest.mark.parametrize("following", ELSEWHERE)
def test_signing_in_leads_to_pages_of_this_server(locked, following):
    with httpx.Client(base_url=locked.url, timeout=30) as client:
        data = {"token": token(client), "password": PASSWORD, "next": following}
        answer = client.post("/sign-in", data=data, headers=own(locked))
        assert answer.status_code == 303
        assert answer.headers["location"] in {"/", following if following.startswith("/%") else "/"}
        page = client.get("/sign-in", params={"next": following}).text
        assert "evil.example" not in page
        assert "javascript:" not in page


@pytest.mark.parametrize(
    "target", ["//evil.example/", "//evil.example/jobs/x", "/jobs/%0d%0aX:1/run", "/jobs/..%2f/run"]
)
def test_no_redirect_leads_elsewhere(locked, open_house, target):
    for server in (locked, open_house):
        raw = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
        with connect(server.url) as wire:
            wire.settimeout(2)
            wire.sendall(f"{raw}Connection: close\r\n\r\n".encode())
            came = b""
            while piece := wire.recv(1 << 16):
                came += piece
        head = came.partition(b"\r\n\r\n")[0].lower()
        assert answers_in(came)[0][0] in {200, 303, 404}
        assert b"\r\nx:1" not in head
        for name in (b"location: ", b"refresh: 0; url="):
            for line in head.split(b"\r\n"):
                if line.startswith(name):
                    assert line.removeprefix(name).startswith(b"/"), line
                    assert not line.removeprefix(name).startswith(b"//"), line
