"""The API client over real sockets: against the embedded server, and against one that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from .scripted import Answer, Scripted

KEY = "int_" + "c4nary" * 8
ORGANIZATION = "org-1"

# Beside the sample's agents: one that is quick, and one that would be busy for hours.
TEST_AGENTS = """
  - slug: tester
    name: Tester
    connector: {type: sample}
    queries:
      - name: quick
        title: Quick
        parameters: {n: {type: integer, default: 1}}
        sql: select $n as n
        answer: 'n is {{ row.n }}.'
      - name: endless
        title: Endless
        sql: select count(*) as n from range(10000000) a, range(10000000) b where (a.range + b.range) % 3 = 1
"""


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("embedded")
    agents = folder / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + TEST_AGENTS, encoding="utf-8")
    with EmbeddedServer(folder / "data", port=0, agents=agents, sample_folder=sample) as server:
        yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def home(embedded: EmbeddedServer, request: pytest.FixtureRequest, stack: ExitStack) -> Client:
    """A client of an organisation of this test's own, on the embedded server."""
    organization, key = embedded.create_organization(request.node.name)
    return stack.enter_context(Client(embedded.url, key, organization))


@pytest.fixture
def waits() -> list[float]:
    """What `scripted` clients would have slept, in seconds."""
    return []


@pytest.fixture
def scripted(stack: ExitStack, waits: list[float]) -> Callable[[Answer], tuple[Scripted, Client]]:
    """Serves an answer, and gives a client of it that does not really sleep."""

    def serve(answer: Answer, timeout_seconds: float = 5.0) -> tuple[Scripted, Client]:
        server = stack.enter_context(Scripted(answer))
        client = Client(server.url, KEY, ORGANIZATION, timeout_seconds=timeout_seconds, sleep=waits.append)
        return server, stack.enter_context(client)

    return serve
