"""When a request is sent again, when it is given up, and what is said then."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time as real_time

import pytest

from interact_gitops.errors import Failure
from interact_gitops.interact import transport as transport_module
from interact_gitops.interact.errors import (
    ApiRefusal,
    Forbidden,
    GarbledAnswer,
    NotFound,
    RateLimited,
    ServerFault,
    TargetFailure,
    Unauthenticated,
    UnexpectedAnswer,
    Unreachable,
)
from interact_gitops.interact.transport import MAX_ATTEMPTS, PATIENCE, Transport

from .conftest import KEY, Script, Time, http

OK = http(200, {"ok": True})
HTML = "<html><body>Bad gateway</body></html>"


def get(transport: Transport, **more: object) -> object:
    return transport.send("GET", "/x", what="read x", **more).body


def post(transport: Transport, **more: object) -> object:
    return transport.send("POST", "/x", what="do x", body={"a": "ü"}, **more).body


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def truncated(connection: socket.socket) -> None:
    connection.sendall(OK[:-4])


def silent(_connection: socket.socket) -> None:
    real_time.sleep(0.7)


def test_a_request_carries_key_organisation_and_body(transport: Transport, script: Script) -> None:
    script.steps = [OK]
    answer = transport.send("POST", "/x", what="x", query={"a": 1, "none": None}, body={"a": "ü"})
    assert (answer.status, answer.body, answer.attempts) == (200, {"ok": True}, 1)
    ((method, path, headers, body),) = script.requests
    assert (method, path) == ("POST", "/x?a=1")
    assert json.loads(body) == {"a": "ü"}
    assert (headers["x-api-key"], headers["x-organization-id"]) == (KEY, "org")
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "trouble",
    [
        http(429), http(500), http(503), http(504), http(500, "{broken"), http(200, '{"ok": tr'),
        *(http(status, HTML, kind="text/html") for status in (408, 429, 500, 502)),
        b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", reset, truncated, silent,
    ],
    ids=lambda trouble: trouble.__name__ if callable(trouble) else repr(trouble[9:24]),
)  # fmt: skip
def test_a_repeatable_request_is_sent_again(transport: Transport, script: Script, time: Time, trouble: object) -> None:
    script.steps = [trouble, trouble, OK]
    assert get(transport) == {"ok": True}
    assert len(script.requests) == 3
    first, second = time.slept
    assert 0.1 <= first <= 0.2 <= second * 1.0001
    assert second <= 0.4


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(http(500), ServerFault), (http(200, "{"), GarbledAnswer), (reset, Unreachable), (silent, Unreachable)],
)  # fmt: skip
def test_a_request_that_may_have_been_carried_out_is_not(
    transport: Transport, script: Script, trouble: object, kind: type[TargetFailure]
) -> None:
    script.steps = [trouble]
    with pytest.raises(kind) as caught:
        post(transport)
    assert caught.value.maybe_done
    assert len(script.requests) == 1


def test_a_request_that_was_turned_away_is(transport: Transport, script: Script) -> None:
    script.steps = [http(429), OK]
    assert post(transport) == {"ok": True}


def test_nobody_listens(script: Script, time: Time) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lonely = Transport(f"http://127.0.0.1:{port}", {}, timeout_seconds=0.5, sleep=time.sleep, clock=time.clock)
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        post(lonely)
    lonely.close()
    assert not caught.value.maybe_done
    assert time.slept == []  # on this machine, who does not listen now is not there
    assert "interact-gitops serve" in str(caught.value)


def test_attempts_come_to_an_end(transport: Transport, script: Script, time: Time) -> None:
    script.steps = [http(503, {"detail": "closed"})] * MAX_ATTEMPTS
    with pytest.raises(ServerFault, match="failed with 503: closed"):
        get(transport)
    assert len(script.requests) == MAX_ATTEMPTS
    assert sum(time.slept) < PATIENCE


def test_retry_after_is_honoured_within_the_patience(transport: Transport, script: Script, time: Time) -> None:
    script.steps = [http(429, Retry_After="7"), OK]
    get(transport)
    assert time.slept == [7.0]


@pytest.mark.parametrize("asked", ["121", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_who_asks_for_too_much_is_given_up(transport: Transport, script: Script, time: Time, asked: str) -> None:
    script.steps = [http(429, Retry_After=asked)]
    with pytest.raises(RateLimited):
        get(transport)
    assert not time.slept


@pytest.mark.parametrize("asked", ["²", "soon", "-5", "", "Mon, 99 Foo 2026"])
def test_a_strange_retry_after_is_left_aside(transport: Transport, script: Script, time: Time, asked: str) -> None:
    script.steps = [
        http(503).replace(b"Connection", b"Retry-After: " + asked.encode() + b"\r\nConnection"),
        OK,
    ]
    get(transport)
    assert time.slept[0] <= 0.2


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthenticated), (403, Forbidden), (404, NotFound), (405, ApiRefusal), (400, ApiRefusal)],
)
@pytest.mark.parametrize("body", [None, HTML, "{broken", "[1]", '{"errors": 5, "code": [1], "detail": {}}'])
def test_no_body_hides_a_status(
    transport: Transport, script: Script, status: int, kind: type[ApiRefusal], body: str | None
) -> None:
    script.steps = [http(status, body, kind="text/html" if body == HTML else "application/problem+json")]
    with pytest.raises(kind) as caught:
        get(transport)
    assert caught.value.status == status
    assert len(script.requests) == 1
    assert ("Bad gateway" in str(caught.value)) == (body == HTML)


@pytest.mark.parametrize("body", [HTML, "OK"])
def test_a_success_that_is_not_the_apis(transport: Transport, script: Script, body: str) -> None:
    script.steps = [http(200, body, kind="text/html")]
    with pytest.raises(UnexpectedAnswer, match="is not the Interact API's"):
        get(transport)
    assert len(script.requests) == 1


@pytest.mark.parametrize("body", ['{"a": NaN}', "[" * 200_000, "1" * 5000, ""])
def test_json_that_is_none(transport: Transport, script: Script, body: str) -> None:
    script.steps = [http(200, body)] * MAX_ATTEMPTS
    with pytest.raises(GarbledAnswer, match="is not valid JSON"):
        get(transport)
    assert len(script.requests) == MAX_ATTEMPTS


@pytest.mark.parametrize(
    "answer", [http(204), http(204).replace(b"Content-Length: 0", b"Content-Type: application/json")]
)
def test_an_empty_success(transport: Transport, script: Script, answer: bytes) -> None:
    script.steps = [answer]
    assert get(transport) is None


def test_csv_is_text_and_its_charset_is_utf8_whatever_is_said(transport: Transport, script: Script) -> None:
    script.steps = [http(200, "a\nZoë\n", kind="text/csv; charset=utf-99")]
    assert transport.send("GET", "/x", what="x").text == "a\nZoë\n"


def test_redirects_are_not_followed(transport: Transport, script: Script) -> None:
    script.steps = [http(302, Location="https://elsewhere.example/x")]
    with pytest.raises(UnexpectedAnswer, match="the key must not travel") as caught:
        get(transport)
    assert "elsewhere.example" in str(caught.value)
    assert len(script.requests) == 1


def test_an_answer_without_end_is_cut_off(
    transport: Transport, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "LARGEST_ANSWER", 1 << 20)
    script.steps = [http(200, b"[" + b" " * (2 << 20) + b"]")]
    with pytest.raises(UnexpectedAnswer, match="is over 1 MiB"):
        get(transport)


def test_an_answer_that_dribbles_ends_with_the_patience(transport: Transport, script: Script, time: Time) -> None:
    def dribble(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            real_time.sleep(0.005)

    time.tick = 30.0  # each look at the clock finds half a minute gone
    script.steps = [dribble]
    with pytest.raises(Unreachable, match="within 120 seconds"):
        get(transport)
    assert len(script.requests) == 1
    assert time.now - 1000 <= PATIENCE + 3 * time.tick


def test_a_key_that_a_server_repeats_is_not_shown(transport: Transport, script: Script) -> None:
    script.steps = [http(401, {"detail": f"no such key: {KEY}"}), http(500, f"<p>{KEY}", kind="text/html")]
    with pytest.raises(Unauthenticated) as caught:
        get(transport)
    assert KEY not in str(caught.value) + repr(caught.value.members)


@pytest.mark.parametrize("url", ["", "ftp://h", "https://", "http://[::1", "https://h:port", "interact.example"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(Failure, match="is not one"):
        Transport(url, {}, timeout_seconds=1)


@pytest.mark.parametrize("url", ["http://interact.example", "http://10.0.0.1", "http://localhost.example"])
def test_a_key_is_not_sent_in_the_clear(url: str) -> None:
    with pytest.raises(Failure, match="unencrypted"):
        Transport(url, {}, timeout_seconds=1)


@pytest.mark.parametrize(
    "url", ["https://interact.example", "http://localhost:1", "http://[::1]:1", "http://127.1.2.3"]
)
def test_urls_that_do(url: str) -> None:
    Transport(url, {}, timeout_seconds=1).close()


@pytest.mark.parametrize("value", ["", "ключ", "a\nb", " a", "a\x00"])
def test_header_values_that_cannot_be_sent(value: str) -> None:
    with pytest.raises(Failure, match="X-API-Key"):
        Transport("https://interact.example", {"X-API-Key": value}, timeout_seconds=1)


def test_a_remote_target_that_does_not_answer_is_no_case_for_serve(time: Time) -> None:
    found = Transport("https://interact.invalid", {}, timeout_seconds=1, sleep=time.sleep)
    assert "check the URL" in str(found._unreachable("x", "is away", sent=True))
    found.close()


def test_giving_up_sends_nothing_again(transport: Transport, script: Script, time: Time) -> None:
    script.steps = [http(503), OK]
    transport.give_up()
    with pytest.raises(ServerFault):
        get(transport)
    assert len(script.requests) == 1
    assert not time.slept


def test_giving_up_wakes_who_waits(script: Script) -> None:
    real = Transport(script.url, {}, timeout_seconds=1)
    script.steps = [http(503, Retry_After="60"), OK]
    timer = threading.Timer(0.1, real.give_up)
    timer.start()
    began = real_time.monotonic()
    with pytest.raises(ServerFault):
        get(real)
    assert real_time.monotonic() - began < 10
    timer.join()
    real.close()
