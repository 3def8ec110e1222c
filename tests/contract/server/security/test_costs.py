"""Small requests that would be dear: each is decided soon, and nobody else waits for it."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

JOBS = "/api/agents/jobs"
AT_MOST = 5.0  # seconds for a megabyte of anything, on a busy machine
N = 100_000


def body(**more) -> bytes:
    base = {"key": "k", "name": "n", "agent": {"slug": "tester"}, "prompts": [{"text": "x"}]}
    return json.dumps({**base, **more}).encode()


def named(names) -> bytes:
    return ("{" + ",".join(f'"{name}":1' for name in names) + "}").encode()


NUMBER = {"p": {"type": "integer", "default": 1}, "q": {"type": "integer", "default": 1}}
TEXTS = {
    "loops": "{% for a in 'x' %}" * 500,
    "brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "signs": "{{ " + "-" * 40_000 + "1 }}",
    "filters": "{{ run.date" + "|upper" * 8_000 + " }}",
    "comparisons": "{{ 1" + "<1" * 20_000 + " }}",
    "digits": "{{ " + "9" * 49_000 + " }}",
    "comments": "{#" * 24_000,
    "ifs": "{% if true %}" * 1_800 + "{% endif %}" * 1_800,
    "names": " ".join(f"{{{{ a{number} }}}}" for number in range(900)),
}
DEAR = {
    "one name twice, at the very end": named([*range(N), N - 1]),
    "names that hash alike": named(str(number * ((1 << 61) - 1)) for number in range(35_000)),
    "very many unknown names": named(f"nam{number:x}" for number in range(60_000)),
    "very many labels": body(labels={f"l{number:x}": "x" for number in range(60_000)}),
    "very many wrong labels": body(labels={f"L{number:x}": 1 for number in range(60_000)}),
    "very many empty prompts": body(prompts=[{}] * 300_000),
    "very many unique entries": body(ignoreChanges=[f"n{number}" for number in range(N)]),
    "unique entries within entries": body(ignoreChanges=[[[number]] for number in range(80_000)]),
    "digits of a fraction": b'{"a": ' + b"1" * 900_000 + b".5}",
    "digits of a whole number": b'{"a": ' + b"1" * 900_000 + b"}",
    "an exponent": b'{"a": 1e' + b"9" * 900_000 + b"}",
    "1e400": b'{"a": 1e400}',
    "fractions": b'{"a": [' + b"1e307," * 140_000 + b"1]}",
    "nested lists": b'{"a": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
    "nested objects": b'{"a":' * 200_000,
    "brackets within limits": b'{"a": [' + (b"[" * 60 + b"]" * 60 + b",") * 8_000 + b"1]}",
    "surrogates": b'{"a": "' + b"\\ud83d" * 150_000 + b'"}',
    "escapes": body(description="\x01" * 150_000),
    "a cron expression": body(schedule={"cron": ",".join(["1"] * 90_000) + " * * * *"}),
    "dimensions": body(
        parameters={f"p{n}": {"type": "integer", "default": 1} for n in range(100)},
        fanOut={"matrix": {f"p{n}": [1, 2] for n in range(100)}},
    ),
    "combinations": body(parameters=NUMBER, fanOut={"matrix": {"p": list(range(30_000)), "q": list(range(30_000))}}),
    "patterns": body(parameters={
        f"p{n}": {"type": "string", "pattern": "(((a{1,99}){1,99}){1,99})", "default": "a" * 1_000} for n in range(100)
    }),
    "a pattern that backtracks": body(parameters={
        f"p{n}": {"type": "string", "pattern": "^(a+)+$", "default": "a" * 1_000 + "!"} for n in range(100)
    }),
    **{f"prompts of {name}": body(prompts=[{"text": text}] * (900_000 // len(text) if len(text) > 45_000 else 18))
       for name, text in TEXTS.items()},
}  # fmt: skip


@pytest.fixture
def others(server, home):
    """The longest that somebody else waited."""
    slowest, stop = [0.0], threading.Event()

    def look() -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while not stop.wait(0.01):
                began = time.monotonic()
                client.get("/healthz")
                slowest[0] = max(slowest[0], time.monotonic() - began)

    thread = threading.Thread(target=look)
    thread.start()
    yield lambda: slowest[0]
    stop.set()
    thread.join()


@pytest.mark.parametrize("content", DEAR.values(), ids=DEAR.keys())
def test_a_dear_body_is_decided_soon(home, others, content):
    began = time.process_time()
    answer = home("POST", JOBS, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 413, 422}
    assert time.process_time() - began < AT_MOST
    assert others() < AT_MOST / 2


def test_a_dear_run_is_decided_soon(home, others):
    parameters = {"n": {"type": "integer", "default": 1}, "text": {"type": "string", "default": ""}}
    job = home.create(parameters=parameters, prompts=[{"text": "{{ text }}" * 400, "query": "quick"}] * 20)
    trigger = f"{JOBS}/{job['id']}/trigger"
    for combinations in (
        [{"n": number, "text": "x" * 60} for number in range(9_000)],  # 4 GB of prompts
        [{"n": "x"} for _ in range(10_000)],
        [{"n": 1} for _ in range(10_000)],
        [{f"n{number}": 1 for number in range(100)} for _ in range(400)],
    ):
        began = time.process_time()
        home.problem(422, "invalid", "POST", trigger, json={"combinations": combinations})
        assert time.process_time() - began < 2 * AT_MOST
    assert others() < AT_MOST


@pytest.mark.parametrize(
    "query", ["&" * 15_000, "a=1&" * 3_000, "limit=" + "9" * 14_000, "%00" * 4_000, "jobId=" + "%" * 9_000]
)
def test_a_dear_query_is_decided_soon(home, others, query):
    began = time.process_time()
    assert home("GET", f"/api/agents/chats?{query}").status_code in {200, 400, 422}
    assert time.process_time() - began < AT_MOST
    assert others() < AT_MOST / 2


def test_a_header_of_tags_is_decided_soon(home):
    job = home.create()
    for tag in ('"1x",' * 5_000, "," * 30_000, '"' + "x" * 30_000):
        began = time.process_time()
        home.problem(412, "stale", "DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": tag})
        assert time.process_time() - began < 1
