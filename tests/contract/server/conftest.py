"""A real embedded server on loopback, and a client that holds every answer against the API's description."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer
from interact_gitops.shapes import build_fit, schema

from ..senders.conftest import hooks

__all__ = ["hooks"]  # a fixture

ALL = ("agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write")
ENDED = {"completed", "failed", "cancelled"}

# Beside the sample's agents: one that is quick, and one that would be busy for hours.
TEST_AGENTS = r"""
  - slug: tester
    name: Tester
    connector: {type: sample}
    queries:
      - name: quick
        title: Quick
        parameters: {n: {type: integer, default: 1}}
        sql: select $n as n, $run_date::varchar as run_date
        answer: 'n is {{ row.n }}.'
      - name: endless
        title: Endless
        sql: select count(*) as n from range(10000000) a, range(10000000) b where (a.range + b.range) % 3 = 1
      - name: awkward
        title: Awkward, "text"
        sql: |
          select * from (values
            (1, 'a,"b"' || chr(10) || 'c', null::integer, 0.5, true),
            (2, '=1+1', 9007199254740993::bigint, -1.5, false),
            (3, 'Zoë 🥾', 3, null, null)
          ) t (id, "a ""name"", quoted", whole, fraction, flag) order by id
      - name: nothing
        title: Nothing
        sql: select 1 as n where false
"""

Json = dict[str, Any]


class Description:
    """The API's description, and what it says of one answer."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.operations = {
            (method, path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self._patterns = {
            path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in document["paths"]
        }

    def resolve(self, part: Json) -> Json:
        """`part`, or what it refers to."""
        while "$ref" in part:
            part = functools.reduce(lambda at, name: at[name], part["$ref"][2:].split("/"), self.document)
        return part

    def operation(self, method: str, path: str) -> Json:
        """The operation of a request. Fixed paths come before those with parts to fill in."""
        fits = [p for p in sorted(self._patterns, key=lambda p: p.count("{")) if self._patterns[p].fullmatch(path)]
        assert fits, f"{path} is not described"
        return self.operations[method.lower(), fits[0]]

    def component(self, name: str, value: object) -> list[str]:
        """What is wrong with `value` as the schema `name`."""
        return self._faults(json.dumps({"$ref": f"#/components/schemas/{name}"}), value)

    def check(self, answer: httpx.Response) -> None:
        """Fails unless the answer is one that the description admits."""
        request = answer.request
        raw_path = request.url.raw_path.decode().partition("?")[0]
        operation = self.operation(request.method, raw_path)
        said = f"{request.method} {request.url} → {answer.status_code} {answer.text[:1500]!r}"
        assert answer.status_code < 500, said
        declared = operation["responses"].get(str(answer.status_code))
        assert declared is not None, f"status not described: {said}"
        declared = self.resolve(declared)
        for name, header in declared.get("headers", {}).items():
            self._check_header(name, self.resolve(header), answer.headers.get(name), said)
        if "content" not in declared:
            assert answer.content == b"", f"a body where none is described: {said}"
            return
        media = answer.headers.get("content-type", "").partition(";")[0]
        assert media in declared["content"], f"content type {media} not described: {said}"
        if media.endswith("json"):
            faults = self._faults(json.dumps(declared["content"][media]["schema"]), answer.json())
            assert not faults, f"{faults[:5]} in {said}"

    def _check_header(self, name: str, header: Json, value: str | None, said: str) -> None:
        if value is None:
            assert not header["required"], f"header {name} is missing: {said}"
            return
        typed = int(value) if header["schema"]["type"] == "integer" else value
        assert not self._faults(json.dumps(header["schema"]), typed), f"header {name}: {value} in {said}"

    def _faults(self, schema_text: str, value: object) -> list[str]:
        fit, words = self._validators(schema_text)
        if fit.is_valid(value):
            return []
        return [f"{error.json_path}: {error.message[:300]}" for error in words.iter_errors(value)] or ["does not fit"]

    @functools.cache  # noqa: B019 - one description for the session
    def _validators(self, schema_text: str) -> Any:
        whole = {"components": self.document["components"], **json.loads(schema_text)}
        return build_fit(whole), Draft202012Validator(whole)


class Api:
    """A key of an organisation at work. Every answer is checked against the description."""

    counter = itertools.count(1)

    def __init__(self, description: Description, http: httpx.Client, key: str, organization: str) -> None:
        self.description = description
        self.http = http
        self.key = key
        self.organization = organization

    def __call__(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Sends one request; any answer that is described is returned."""
        own = {"X-API-Key": self.key, "X-Organization-Id": self.organization}
        answer = self.http.request(method, path, headers={**own, **(headers or {})}, **more)
        self.description.check(answer)
        return answer

    def ok(self, method: str, path: str, **more: Any) -> Json:
        """The body of an answer that says yes."""
        answer = self(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def problem(self, status: int, code: str, method: str, path: str, **more: Any) -> Json:
        """The body of an answer that says no, for this reason."""
        answer = self(method, path, **more)
        assert answer.status_code == status, f"{answer.status_code} {answer.text[:1000]}"
        body = answer.json()
        assert body["code"] == code, body
        return body

    def definition(self, **changes: Any) -> Json:
        """A small definition with a key of its own."""
        number = next(self.counter)
        base = {
            "key": f"job-{number}",
            "name": f"Job {number}",
            "agent": {"slug": "tester"},
            "prompts": [{"text": "Quick, please", "query": "quick"}],
        }
        return {**base, **copy.deepcopy(changes)}

    def create(self, **changes: Any) -> Json:
        """A new job."""
        answer = self("POST", "/api/agents/jobs", json=self.definition(**changes))
        assert answer.status_code == 201, answer.text
        assert answer.headers["ETag"] == answer.json()["job"]["etag"]
        return answer.json()["job"]

    def job(self, job_id: str) -> Json:
        """A job as it is now."""
        return self.ok("GET", f"/api/agents/jobs/{job_id}")["job"]

    def trigger(self, job: Json, body: Json | None = None, *, key: str | None = None) -> Json:
        """Starts a run."""
        headers = {"Idempotency-Key": key} if key else {}
        more = {} if body is None else {"json": body}
        return self.ok("POST", f"/api/agents/jobs/{job['id']}/trigger", headers=headers, **more)

    def chat(self, chat_id: str) -> Json:
        """A chat's record as it is now."""
        return self.ok("GET", f"/api/agents/chats/{chat_id}")["chat"]

    def until(self, chat_id: str, *statuses: str, seconds: float = 30) -> Json:
        """The chat, once it is in one of these states."""
        found: list[Json] = []

        def there() -> bool:
            found.append(self.chat(chat_id))
            return found[-1]["status"] in statuses

        eventually(there, seconds=seconds, said=lambda: f"chat is {found[-1]['status']}: {found[-1]['error']}")
        return found[-1]

    def run(self, job: Json, body: Json | None = None) -> Json:
        """Starts one run and gives its record at the end."""
        return self.until(self.trigger(job, body)["chat"]["id"], *ENDED)

    def cancel(self, chat_id: str) -> Json:
        """Stops a run and waits for its end."""
        self("POST", f"/api/agents/chats/{chat_id}/cancel")
        return self.until(chat_id, *ENDED)

    def pages(self, path: str, name: str, **query: Any) -> Iterator[list[Json]]:
        """A listing's pages, to the end."""
        while True:
            body = self.ok("GET", path, params=query)
            yield body[name]
            if body["nextCursor"] is None:
                return
            query["cursor"] = body["nextCursor"]

    def all(self, path: str, name: str, **query: Any) -> list[Json]:
        """A whole listing."""
        return [entry for page in self.pages(path, name, **query) for entry in page]


def eventually(there: Callable[[], bool], *, seconds: float, said: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, f"not within {seconds} s: {said()}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def description() -> Description:
    return Description(schema("interact-api.openapi.json"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    folder: Path = tmp_path_factory.mktemp("embedded")
    agents = folder / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + TEST_AGENTS, encoding="utf-8")
    # Tests of this server try very many wrong keys; security/ has servers that count them.
    with EmbeddedServer(folder / "data", port=0, agents=agents, sample_folder=sample, wrong_keys=None) as server:
        yield server


@pytest.fixture(scope="session")
def http(server: EmbeddedServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def home(server: EmbeddedServer, description: Description, http: httpx.Client) -> Api:
    """The server's first organisation, with its first key."""
    return Api(description, http, server.api_key, server.organization_id)


@pytest.fixture(scope="session")
def found(server: EmbeddedServer, description: Description, http: httpx.Client) -> Callable[[], Api]:
    """Founds a new organisation: an empty room, with a key that may do everything."""

    def one() -> Api:
        organization, key = server.create_organization(f"Org {next(Api.counter)}")
        return Api(description, http, key, organization)

    return one


@pytest.fixture
def api(found: Callable[[], Api]) -> Api:
    """An organisation of this test's own."""
    return found()


@pytest.fixture
def endless(api: Api) -> Iterator[Callable[..., Json]]:
    """Makes jobs whose runs do not end by themselves; they are stopped after the test."""
    made: list[Json] = []

    def job(**changes: Any) -> Json:
        made.append(api.create(prompts=[{"text": "For ever", "query": "endless"}], **changes))
        return made[-1]

    yield job
    for one in made:
        for status in ("queued", "running"):
            for chat in api.all("/api/agents/chats", "chats", jobId=one["id"], status=status):
                api("POST", f"/api/agents/chats/{chat['id']}/cancel")
