"""Raw bytes: other hosts, requests of two meanings, heads and bodies that lie. None is taken for what it is not,
none is a fault of the server's, and the next client is answered."""

from __future__ import annotations

import json
import time

import pytest

from .wires import exchange

JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def send(server, home):
    """Sends a request whose head has the key of the first organisation."""

    def one(line: str, *more: str, body: bytes = b"", host: str | None = "Host: 127.0.0.1", **options):
        own = [f"X-API-Key: {home.key}", f"X-Organization-Id: {home.organization}"]
        head = "\r\n".join([line, *([host] if host else []), *own, *more, "", ""]).encode("latin-1")
        said = exchange(server.url, head + body, **options)
        assert not {status for status in said.statuses if status >= 500}, said
        assert home.http.get("/healthz").status_code == 200
        return said

    return one


def jobs(home):
    return home.ok("GET", "/api/agents/jobs", params={"limit": 500})["jobs"]


OTHER_HOSTS = [
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:127.0.0.1",
    "127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.1/evil.example", "127.0.0.1:80:evil", "localhost:evil",
    "localhost:", "127.0.0.1:123456", "[::1].evil.example", "[::1]evil", "[::1", "::1", "[::1]:", "[::1]:x",
    "[evil.example]", "[::ffff:8.8.8.8]", "[::2]", "[fe80::1%25eth0]", "[127.0.0.1", "0.0.0.0", "0", "0x7f.1",
    "[::]", "8.8.8.8", "2130706433", "127.1", "017700000001", "localhost..", "xn--lcalhost-54a",
    "127.0.0.1, evil.example",
    "127.0.0.1 evil.example", "127.0.0.1\tevil", "*", "-", "localhost\x7f",
]  # fmt: skip


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_another_host_is_turned_away(send, host):
    said = send("GET /api/agents HTTP/1.1", host=f"Host: {host}")
    assert said.statuses == [400]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST:8642", "[::1]", "[::1]:8642", "127.8.9.10"]
)
def test_loopback_by_any_of_its_names_is_answered(send, host):
    assert send("GET /api/agents HTTP/1.1", host=f"Host: {host}").statuses == [200]


@pytest.mark.parametrize(
    ("line", "more", "host"),
    [
        ("GET /api/agents HTTP/1.1", [], None),
        ("GET /api/agents HTTP/1.1", ["Host: evil.example"], "Host: 127.0.0.1"),
        ("GET /api/agents HTTP/1.1", ["Host: 127.0.0.1"], "Host: 127.0.0.1"),
        ("GET /api/agents HTTP/1.1", ["host: 127.0.0.1"], "HOST: evil.example"),
        ("GET /api/agents HTTP/1.1", [], "Host : 127.0.0.1"),
        ("GET /api/agents HTTP/1.1", [], " Host: 127.0.0.1"),
        ("GET /api/agents HTTP/1.1", [], "Host: 127.0.0.1\x00.evil.example"),
        ("GET /api/agents HTTP/1.0", [], "Host: evil.example"),
        ("GET /api/agents HTTP/1.0", [], None),
    ],
)
def test_no_host_or_two_are_turned_away(send, line, more, host):
    assert send(line, *more, host=host).statuses == [400]


@pytest.mark.parametrize("path", ["/api/agents", "/healthz", "/metrics", "/api/openapi.json", "/readyz"])
def test_the_hosts_that_proxies_name_count_for_nothing(send, path):
    for name in ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL"):
        assert send(f"GET {path} HTTP/1.1", f"{name}: localhost", host="Host: evil.example").statuses == [400]
        assert send(f"GET {path} HTTP/1.1", f"{name}: evil.example").statuses == [200]


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/api/agents", "http://127.0.0.1/api/agents", "https://127.0.0.1/api/agents",
        "//evil.example/",
        "evil.example:80", "*", "api/agents", "/api/agents#x", "/api\\agents", "/api/./agents", "/api/x/../agents",
        "/api/%2e/agents", "/api//agents", "/API/agents", "/api/agents/", "/api/agents;x", "/api/agents%00",
        "/api/agents%20",
        "/api/agents%0d%0aX: y", "/api/agents\x0b", "/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/api/agents\xff",
    ],
)  # fmt: skip
def test_a_path_is_that_path_or_none(send, target):
    said = send(f"GET {target} HTTP/1.1")
    assert said.statuses in ([400], [404]), "and not the agents"
    assert b"root:" not in said.answers[0][1]


@pytest.mark.parametrize("method", ["OPTIONS", "CONNECT", "TRACE", "PROPFIND", "get", "GET\x00", "G ET", "", "POST"])
def test_only_known_methods(send, method):
    said = send(f"{method} /api/agents HTTP/1.1", "X-HTTP-Method-Override: GET", "Access-Control-Request-Method: GET")
    assert set(said.statuses) <= {400, 405}


SMUGGLED = (
    b"DELETE /api/agents/jobs/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-Match: *\r\n"
    b"X-API-Key: %s\r\nX-Organization-Id: %s\r\n\r\n"
)
TWO_MEANINGS = {
    "two lengths": ["Content-Length: 5", "Content-Length: {size}"],
    "two lengths in one": ["Content-Length: 5, {size}"],
    "a signed length": ["Content-Length: +5"],
    "a negative length": ["Content-Length: -1"],
    "a hexadecimal length": ["Content-Length: 0x5"],
    "a length with a point": ["Content-Length: 5.0"],
    "a length with a gap": ["Content-Length: 5 5"],
    "an underscore": ["Content-Length: 1_0"],
    "a length of other digits": ["Content-Length: \xb2"],
    "an endless length": ["Content-Length: " + "9" * 500],
    "length and chunks": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "chunks and length": ["Transfer-Encoding: chunked", "Content-Length: {size}"],
    "chunks twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "chunks in one twice": ["Transfer-Encoding: chunked, chunked"],
    "chunks and another": ["Transfer-Encoding: chunked, identity"],
    "another encoding": ["Transfer-Encoding: gzip, chunked"],
    "identity": ["Transfer-Encoding: identity"],
    "a misspelt encoding": ["Transfer-Encoding: xchunked"],
    "a quoted encoding": ['Transfer-Encoding: "chunked"'],
    "a hidden encoding": ["Transfer-Encoding: chunked\x0b"],
    "a gap before the colon": ["Transfer-Encoding : chunked"],
    "an underscore for a dash": ["Transfer_Encoding: chunked", "Content-Length: +5"],
    "no colon": ["Transfer-Encoding chunked"],
    "no name": [": chunked"],
    "NUL in a value": ["X: a\x00b"],
    "a bare CR": ["X: a\rTransfer-Encoding: chunked"],
    "two keys": ["X-API-Key: other"],
    "two organisations": ["X-Organization-Id: other"],
    "two types": [JSON, "Content-Type: text/plain"],
}


@pytest.mark.parametrize("headers", TWO_MEANINGS.values(), ids=TWO_MEANINGS.keys())
def test_a_request_of_two_meanings_is_refused_and_nothing_after_it_is_read(send, home, headers):
    job = home.create()
    smuggled = SMUGGLED % (job["id"].encode(), home.key.encode(), home.organization.encode())
    body = b"0\r\n\r\n" + smuggled
    more = [header.replace("{size}", str(len(body))) for header in headers]
    said = send("POST /api/agents/jobs HTTP/1.1", *more, body=body)
    assert said.statuses == [400]
    assert said.closed
    assert json.loads(said.answers[0][1])["code"] == "malformed"
    assert home.job(job["id"]) == job


def test_http_1_0_has_no_chunks(send, home):
    job = home.create()
    smuggled = SMUGGLED % (job["id"].encode(), home.key.encode(), home.organization.encode())
    said = send("POST /api/agents/jobs HTTP/1.0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + smuggled)
    assert said.statuses == [400]
    assert home.job(job["id"]) == job


@pytest.mark.parametrize(
    "chunks",
    [b"x\r\n", b"-1\r\n\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5 \thello\r\n", b"5\rhello\r\n",
     b"5\nhello\n0\n\n",
     b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"FFFFFFFFFFFFFFFFFFFFF\r\n", b"1" * 30 + b"\r\n", b"\r\n\r\n",
     b"5;" + b"x" * 70_000, b"0\r\nX" + b"x" * 70_000, b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
def test_bad_chunks_are_refused_and_nothing_after_them_is_read(send, home, chunks):
    job = home.create()
    smuggled = SMUGGLED % (job["id"].encode(), home.key.encode(), home.organization.encode())
    said = send("POST /api/agents/jobs HTTP/1.1", JSON, "Transfer-Encoding: chunked", body=chunks + smuggled)
    assert said.statuses == [400]
    assert said.closed
    assert home.job(job["id"]) == job


def test_bodies_of_calls_that_take_none_are_not_requests(send, home):
    """The body of a GET, as a smuggler of another kind wants it read."""
    job = home.create()
    smuggled = SMUGGLED % (job["id"].encode(), home.key.encode(), home.organization.encode())
    for line in (
        "GET /api/agents HTTP/1.1",
        "GET /healthz HTTP/1.1",
        "GET /nowhere HTTP/1.1",
        "HEAD /healthz HTTP/1.1",
    ):
        said = send(line, f"Content-Length: {len(smuggled)}", body=smuggled)
        assert len(said.answers) == 1, said
        assert home.job(job["id"]) == job


def test_requests_behind_one_another_are_answered_in_order(send, home):
    """Pipelining is HTTP; each request has its own key and its own answer."""
    next_one = f"GET /api/agents/jobs/none HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {home.key}\r\n\r\n".encode()
    said = send("GET /api/agents HTTP/1.1", body=next_one + next_one.replace(b"localhost", b"evil.example"))
    assert said.statuses == [200, 401, 400]


@pytest.mark.parametrize(
    "raw",
    [
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X: y\r\n" * 5_000 + "\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(f"X-{n}: y\r\n" for n in range(101)) + "\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "y" * 40_000 + "\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "y" * 5_000_000 + "\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X" * 300_000 + ": y\r\n\r\n",
        "GET /" + "x" * 300_000 + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + " folded\r\n" * 50_000 + "\r\n",
        "\r\n" * 200_000,
        "\x00" * 200_000,
        "GET /healthz HTTP/1." + "1" * 100_000 + "\r\n\r\n",
        "GET" + " " * 100_000 + "/healthz HTTP/1.1\r\n\r\n",
    ],
    ids=["5,000", "101", "40 kB", "5 MB", "a name", "a path", "folds", "lines", "NULs", "a version", "blanks"],
)
def test_large_heads_are_refused_and_cost_little(server, home, raw):
    cpu = time.process_time()
    said = exchange(server.url, raw.encode("latin-1"), seconds=3, shut=True)
    assert set(said.statuses) <= {400}
    assert time.process_time() - cpu < 3
    assert home.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("said", ["10", "1000", "1000000000000"])
def test_a_length_that_lies_waits_for_no_answer(send, said):
    """More is announced than comes, and then nothing: the request is not taken for a whole one."""
    found = send("POST /api/agents/jobs HTTP/1.1", JSON, f"Content-Length: {said}", body=b"{}", shut=True, seconds=2)
    assert [status for status in found.statuses if status != 400] == []


def test_less_is_announced_than_comes(send, home):
    before = jobs(home)
    found = send("POST /api/agents/jobs HTTP/1.1", JSON, "Content-Length: 2", body=b"{}{}garbage\r\n\r\n")
    assert found.statuses[0] == 422
    assert set(found.statuses[1:]) <= {400}
    assert jobs(home) == before


def test_a_client_that_waits_for_leave_to_send(send):
    found = send("POST /api/agents/jobs HTTP/1.1", JSON, "Expect: 100-continue", "Content-Length: 2", body=b"{}")
    assert found.statuses == [422]


def test_an_upgrade_is_not_taken_up(send):
    for upgrade in ("websocket", "h2c", "TLS/1.3"):
        found = send(
            "GET /api/agents HTTP/1.1", f"Upgrade: {upgrade}", "Connection: Upgrade", "HTTP2-Settings: AAMAAABk"
        )
        assert found.statuses == [200]
    found = send("PRI * HTTP/2.0", body=b"SM\r\n\r\n")
    assert set(found.statuses) <= {400, 404}


def test_strangers_bodies_are_not_kept(server, home):
    """Without a key more than a little is not kept, and with a wrong one neither; the answer is why."""
    body = b" " * 900_000
    for path, headers, status in [
        ("/api/agents/jobs", "", 401),
        ("/api/agents/jobs", f"X-API-Key: {'int_' + 'x' * 48}\r\nX-Organization-Id: {home.organization}\r\n", 401),
        ("/healthz", "", 405),
    ]:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
        assert exchange(server.url, head.encode() + body).statuses == [status]
    head = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    assert exchange(server.url, head.encode() + body).statuses == [200]


def test_no_answer_lets_other_origins_read_it(home):
    for path in ("/api/agents", "/healthz", "/nowhere"):
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            answer = home.http.get(path, headers={"Origin": origin, "X-API-Key": home.key})
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Server" not in answer.headers
