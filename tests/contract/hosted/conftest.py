"""A hosted Interact on a socket, a client of it, and a command line in a folder of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.interact.client import Client

from ...acceptance.conftest import Shell, fits  # noqa: F401  # a fixture, shared with the acceptance tests
from ..client.scripted import Scripted
from .interact import KEY, ORGANIZATION, Hosted, serve

CONFIGURATION = """\
targets:
  hosted:
    url: "{url}"
    organization: "${{INTERACT_ORG_ID}}"
    api_key: "${{INTERACT_API_KEY}}"
{more}"""
MONDAY = """\
key: monday-briefing
name: Monday briefing
agent: paid-search-analyst
prompt: |
  What happened last week?
  Say it in three lines.
schedule: {cron: "0 8 * * 1", timezone: Europe/Amsterdam}
"""


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(stack: ExitStack) -> tuple[Scripted, Hosted]:
    """The server and its state."""
    server, hosted = serve()
    return stack.enter_context(server), hosted


@pytest.fixture
def client(stack: ExitStack, there: tuple[Scripted, Hosted], clock: Clock) -> Client:
    """A client that does not really sleep, of a target known to be public."""
    client = Client(there[0].url, KEY, ORGANIZATION, api="public", timeout_seconds=0.4, sleep=clock.sleep)
    return stack.enter_context(client)


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., Path]:
    """Writes job files: `jobs(a="…", b="…")`."""

    def write(**files: str) -> Path:
        folder = tmp_path / "jobs.d"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def line(tmp_path: Path, there: tuple[Scripted, Hosted]) -> Shell:
    """A command line whose one target is the hosted Interact."""
    return command_line(tmp_path, there[0].url)


def command_line(folder: Path, url: str, **options: Any) -> Shell:
    more = "".join(f"    {name}: {value}\n" for name, value in options.items())
    (folder / "interact-gitops.yaml").write_text(CONFIGURATION.format(url=url, more=more), encoding="utf-8")
    return Shell(folder, {"INTERACT_API_KEY": KEY, "INTERACT_ORG_ID": ORGANIZATION})
