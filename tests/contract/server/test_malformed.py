"""Requests that nobody should send: each is told so, none is a fault of the server's."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

JOBS, CHATS = "/api/agents/jobs", "/api/agents/chats"
JSON = {"Content-Type": "application/json"}
GOOD = b'{"key": "k", "name": "n", "agent": {"slug": "tester"}, "prompts": [{"text": "x", "query": "quick"}]'


@pytest.fixture(scope="module")
def job(home):
    return home.create()


UNREADABLE = {
    "truncated": b"{",
    "a word": b"nul",
    "two values": b"{} {}",
    "a comment": b"{} // x",
    "single quotes": b"{'key': 'x'}",
    "trailing comma": GOOD + b",}",
    "NaN": GOOD + b', "timeoutSeconds": NaN}',
    "Infinity": GOOD + b', "timeoutSeconds": Infinity}',
    "minus Infinity": GOOD + b', "timeoutSeconds": -Infinity}',
    "beyond floats": GOOD + b', "timeoutSeconds": 1e999}',
    "invalid UTF-8": GOOD + b', "description": "\xff"}',
    "overlong UTF-8": GOOD + b', "description": "\xc0\xaf"}',
    "encoded surrogate": GOOD + b', "description": "\xed\xa0\x80"}',
    "escaped surrogate": GOOD + b', "description": "\\ud800"}',
    "surrogate name": GOOD + b', "\\udfff": 1}',
    "UTF-16": (GOOD + b"}").decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD + b"}",
    "control character": GOOD + b', "description": "a\nb"}',
    "deep lists": b'{"key": ' + b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep, but whole": GOOD + b', "labels": ' + b"[" * 500 + b"]" * 500 + b"}",
    "a huge integer": GOOD + b', "timeoutSeconds": 1' + b"0" * 5_000 + b"}",
    "more than 64 bits": GOOD + b', "timeoutSeconds": 9223372036854775808}',
    "a name twice": GOOD + b', "key": "other"}',
    "NUL bytes": b"\0" * 100,
}  # fmt: skip


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_json_is_malformed(home, job, raw):
    for path in (JOBS, f"{JOBS}/{job['id']}/trigger", f"{JOBS}/{job['id']}/pause", "/api/notifications/channels"):
        home.problem(400, "malformed", "POST", path, content=raw, headers=JSON)
    headers = {**JSON, "If-Match": job["etag"]}
    home.problem(400, "malformed", "PUT", f"{JOBS}/{job['id']}", content=raw, headers=headers)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"true", b'"text"', b"5", b"1.5e3", b"[{}]", b"[" * 60 + b"]" * 60])
def test_json_that_is_no_object_is_invalid(home, job, raw):
    for path in (JOBS, f"{JOBS}/{job['id']}/trigger", f"{JOBS}/{job['id']}/pause", "/api/notifications/channels"):
        problem = home.problem(422, "invalid", "POST", path, content=raw, headers=JSON)
        assert [error["pointer"] for error in problem["errors"]] == [""]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_a_body_says_that_it_is_json(home, job, kind):
    body = json.dumps(home.definition()).encode()
    home.problem(415, "unsupported_media_type", "POST", JOBS, content=body, headers={"Content-Type": kind})
    home.problem(
        415,
        "unsupported_media_type",
        "POST",
        f"{JOBS}/{job['id']}/trigger",
        content=b"{}",
        headers={"Content-Type": kind},
    )


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"]
)
def test_json_may_say_its_charset(api, kind):
    body = json.dumps(api.definition()).encode()
    assert api("POST", JOBS, content=body, headers={"Content-Type": kind}).status_code == 201


def test_a_body_over_the_limit_is_too_large(home, job):
    large = b'{"key": "' + b"x" * (1024 * 1024) + b'"}'
    for method, path in (("POST", JOBS), ("PUT", f"{JOBS}/{job['id']}"), ("POST", f"{JOBS}/{job['id']}/trigger")):
        home.problem(413, "too_large", method, path, content=large, headers=JSON)
    chunked = (b" " * 65_536 for _ in range(40))
    home.problem(413, "too_large", "POST", JOBS, content=chunked, headers=JSON)
    fits = home.definition(description="ü" * 2000)
    padded = json.dumps(fits).encode() + b" " * (1024 * 1024 - 20_000)
    assert home("POST", JOBS, content=padded, headers=JSON).status_code == 201


def test_a_body_without_end_is_cut_off(home):
    def endless():
        for _ in range(1_000):
            yield b" " * 1_048_576

    try:
        answer = home("POST", JOBS, content=endless(), headers=JSON)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the server hung up on it
    assert home.http.get("/healthz").status_code == 200


BAD_QUERIES = [
    *((path, "limit", value) for path in (JOBS, CHATS, "/api/notifications/channels")
      for value in ("0", "501", "-1", "+5", "1.0", "1e2", "abc", "", " 5", "５", "9" * 400, "0x10", "١")),
    *((path, "cursor", value) for path in (JOBS, CHATS, "/api/notifications/channels")
      for value in ("", "x", "0", "====", "é", "\0", "A" * 999, "Y2hhdHM6LTE", "Y2hhdHM6OTk5OTk5OTk5OTk5OTk5OTk5OTk")),
    *((CHATS, "status", value) for value in ("", "Running", "done", "completed,failed")),
    *((CHATS, "createdAfter", value) for value in (
        "", "yesterday", "2026-11-23", "2026-11-23T08:00:00", "2026-02-30T08:00:00Z", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00", "2026-11-23T08:00:00+99:00", "1763884800", "0000-01-01T00:00:00Z")),
    *((JOBS, "deleted", value) for value in ("", "1", "yes", "True")),
    (JOBS, "managedby", "x"), (CHATS, "jobid", "x"), (CHATS, "page", "2"), ("/api/agents", "limit", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "name", "value"), BAD_QUERIES, ids=lambda value: str(value)[:30].replace("\0", "NUL"))
def test_a_bad_query_value_is_invalid_and_named(home, path, name, value):
    problem = home.problem(422, "invalid", "GET", path, params={name: value})
    assert [error["parameter"] for error in problem["errors"]] == [name]


def test_a_query_parameter_is_given_once(home):
    home.problem(422, "invalid", "GET", f"{CHATS}?limit=5&limit=6")
    home.problem(422, "invalid", "GET", f"{CHATS}?status=failed&status=completed")


@pytest.mark.parametrize("value", ["\0", "é", "%", "'; drop table chats; --", "x" * 499, "\ud7ff", "\U0010ffff"])
def test_any_other_text_is_a_filter_that_finds_nothing(home, value):
    for path, name in (
        (CHATS, "jobId"),
        (CHATS, "agentId"),
        (CHATS, "initiator"),
        (JOBS, "managedBy"),
        (JOBS, "agentId"),
    ):
        answer = home("GET", path, params={name: value})
        assert answer.status_code in {200, 422}
        assert answer.status_code == 422 or not answer.json()[path.rpartition("/")[2]]


@pytest.mark.parametrize("query", ["%ff=1", "limit=%ff", "jobId=%c0%af", "&&&", "=", "limit", "a" * 7_000])
def test_a_strange_query_string_is_no_fault_of_the_servers(home, query):
    assert home("GET", f"{CHATS}?{query}").status_code in {200, 400, 422}


def test_a_cursor_belongs_to_its_list(api):
    for _ in range(3):
        api.run(api.create())
    cursors = {path: api.ok("GET", path, params={"limit": 1})["nextCursor"] for path in (JOBS, CHATS)}
    api.problem(422, "invalid", "GET", JOBS, params={"cursor": cursors[CHATS]})
    api.problem(422, "invalid", "GET", CHATS, params={"cursor": cursors[JOBS]})
    api.problem(422, "invalid", "GET", JOBS, params={"cursor": cursors[JOBS], "deleted": "true"})


@pytest.mark.parametrize(
    "name", ["%00", "%ff", "%2e%2e", "..%2f..%2fetc", "x" * 3_000, "%f0%9f%a5%be", "'", "%20", "%7Bjob_id%7D"]
)
def test_a_strange_id_is_not_there(home, job, name):
    for method, path in [
        ("GET", f"{JOBS}/{name}"), ("DELETE", f"{JOBS}/{name}"), ("POST", f"{JOBS}/{name}/trigger"),
        ("POST", f"{JOBS}/{name}/resume"), ("GET", f"{CHATS}/{name}"), ("POST", f"{CHATS}/{name}/cancel"),
        ("GET", f"{CHATS}/{name}/documents/{name}"), ("GET", f"/api/notifications/channels/{name}"),
    ]:  # fmt: skip
        answer = home.http.request(
            method, path, headers={"X-API-Key": home.key, "X-Organization-Id": home.organization, "If-Match": '"1"'}
        )
        assert answer.status_code in {400, 404}, (method, path, answer.text)
        assert home.description.component("Problem", answer.json()) == []


@pytest.mark.parametrize("tag", ["", "*x", '"', '"\\"', "W/", "é", ",", '"1"' + "x" * 5_000, '"-1"', '"1.0"', "１"])
def test_a_strange_etag_never_matches(home, job, tag):
    headers = {"If-Match": tag.encode("utf-8")}
    home.problem(412, "stale", "DELETE", f"{JOBS}/{job['id']}", headers=headers)


@pytest.mark.parametrize("value", ["", "xml", "CSV", "json,csv"])
def test_a_document_has_two_formats(home, job, value):
    chat = home.run(job)
    problem = home.problem(422, "invalid", "GET", chat["documents"][0]["href"], params={"format": value})
    assert [error["parameter"] for error in problem["errors"]] == ["format"]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/agents/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /api/agents/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
    ],
    ids=["version", "TLS", "no host", "negative length", "two lengths", "long line", "half a body"],
)
def test_what_is_not_http_does_not_hurt(server, home, raw):
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        answer = b""
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                answer += chunk
        except TimeoutError:
            pytest.fail("the server neither answered nor hung up")
        except OSError:
            pass  # it hung up
    assert b" 500 " not in answer.split(b"\r\n")[0]
    assert home.http.get("/healthz").status_code == 200
