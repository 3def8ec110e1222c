"""What people hear of the loop: once for each commit, on their channels and at GitHub, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from interact_gitops.gitops.commit_status import CommitStatus, Forge, forge_of
from interact_gitops.gitops.memory import read_standing
from interact_gitops.gitops.telling import Audience

from .conftest import World, job

TOKEN = "ghs_CanaryOfStatuses4Xq"


@dataclass
class Ear:
    """An HTTP server that keeps what it hears. `answers` are its next statuses, then 200."""

    heard: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def ear() -> Iterator[Ear]:
    found = Ear()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.heard.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
            status, headers = found.answers.pop(0) if found.answers else (200, {})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "2"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def told(world: World, ear: Ear) -> World:
    """A loop whose operator wants to hear of it by webhook."""
    (world.folder / "interact-gitops.yaml").write_text(
        "channels: {ops: {type: webhook, url: '${OPS}'}}\nnotices: {channels: [ops], allow_private: [127.0.0.1]}\n"
    )
    world.environ["OPS"] = f"{ear.url}/ops"
    return world


def test_a_bad_commit_is_told_once_with_its_lines(told: World, ear: Ear) -> None:
    told.repository.commit(one=job("one"))
    told.once()
    assert ear.heard == []
    for _ in range(2):
        told.repository.commit(one="key: one\nnmae: One\n")
        for _ in range(3):
            told.once()
            told.later(minutes=1)
    told.restart()
    told.once()
    titles = [body["title"] for _, body, _ in ear.heard]
    assert len(titles) == 2  # two commits
    assert all("cannot be used" in title for title in titles)
    assert "jobs.d/one.yaml:2:1:" in ear.heard[0][1]["text"]
    assert "last good definitions stay in force" in ear.heard[0][1]["text"]


def test_what_could_not_be_told_is_told_later(told: World, ear: Ear) -> None:
    ear.answers += [(503, {}), (429, {"Retry-After": "1"})]
    told.repository.commit(one="nonsense: [")
    for _ in range(5):
        told.once()
        told.later(minutes=1)
    assert len(ear.heard) == 3
    assert len({headers["interact-delivery"] for _, _, headers in ear.heard}) == 1


def test_tries_in_vain_grow_apart_and_what_is_given_up_is_said(
    told: World, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    ear.answers += [(503, {})] * 100
    told.repository.commit(one="nonsense: [")
    for _ in range(120):
        told.once()
        told.later(seconds=10)
    assert 5 <= len(ear.heard) <= 12  # twenty minutes: 5 s, 10 s, 20 s …
    ear.answers[:] = [(404, {})]
    caplog.clear()
    for _ in range(120):
        told.once()
        told.later(seconds=10)
    assert ear.answers == []
    assert ["was given up" in line for line in caplog.messages if "the notice" in line] == [True]


def test_a_plan_that_waits_is_told_with_the_command(told: World, ear: Ear) -> None:
    told.repository.commit(**{name: job(name) for name in "abcde"})
    told.once()
    told.repository.commit(a=None, b=None, c=None)
    for _ in range(3):
        standing = told.once()
        told.later(minutes=1)
    assert standing.hold is not None
    ((_, body, _),) = ear.heard
    assert "wait for somebody" in body["title"]
    assert f"sync approve {standing.hold.digest}" in body["text"]
    assert all(f"{key}: to be deleted" in body["text"] for key in "abc")


def test_what_people_change_by_hand_is_told_once_for_each_change(told: World, ear: Ear) -> None:
    told.repository.commit(**{f"j{number:02d}": job(f"j{number:02d}") for number in range(13)})
    told.once()

    def heard() -> list[tuple[str, str]]:
        for _ in range(3):
            told.later(minutes=6)
            told.once()
        found = [(body["title"], body["level"]) for _, body, _ in ear.heard]
        ear.heard.clear()
        return found

    told.by_hand("j01", name="By hand")
    assert heard() == [("acme/jobs: j01 was changed by hand", "warning")]
    told.by_hand("j02", name="By hand, too")
    assert heard() == [("acme/jobs: j02 was changed by hand", "warning")], "and not the first one again"
    told.by_hand("j01", name="By hand, and again")
    assert heard() == [("acme/jobs: j01 was changed by hand", "warning")]
    for number in range(3, 13):
        told.by_hand(f"j{number:02d}", name="By hand")
    titles = [title for title, _ in heard()]
    assert len(titles) == 9
    assert titles[-1] == "acme/jobs: much was changed by hand"
    assert heard() == []


def test_a_repository_that_stays_away_is_told_once(told: World, ear: Ear) -> None:
    told.repository.commit(one=job("one"))
    told.once()
    told.repository.remote.rename(told.repository.remote.with_name("gone"))
    for _ in range(12):
        told.once()
        told.later(minutes=1)
    ((_, body, _),) = ear.heard
    assert "passes in a row failed" in body["text"]


def test_commit_statuses(world: World, ear: Ear) -> None:
    world.environ |= {"GITHUB_API_URL": ear.url, "INTERACT_GITOPS_STATUS_TOKEN": TOKEN}
    world.repository.commit(one=job("one"))
    world.once()
    assert ear.heard == []
    loop = world.loop
    assert loop is not None
    forge = Forge(api=ear.url, owner="acme", name="jobs", token=TOKEN)
    loop.audience = Audience(forge=forge)
    good = world.repository.commit(one=job("one", name="Changed"))
    for _ in range(3):
        world.once()
        world.later(minutes=1)
    bad = world.repository.commit(one="key: one\nnmae: One\n")
    ear.answers += [(502, {}), (403, {"x-ratelimit-remaining": "0"})]
    for _ in range(5):
        world.once()
        world.later(minutes=1)
    said = [(path, body["state"], body["context"]) for path, body, _ in ear.heard]
    ok = ("/repos/acme/jobs/statuses/" + good, "success", "interact-gitops/sync")
    assert said == [ok] + [("/repos/acme/jobs/statuses/" + bad, "failure", "interact-gitops/sync")] * 3
    assert ear.heard[-1][1]["description"].startswith("jobs.d/one.yaml:1:1: the field 'agent' is missing")
    assert ear.heard[-1][1]["description"].endswith("(and 2 more)")
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for _, _, headers in ear.heard)
    found = read_standing(world.folder / "state")
    assert found is not None
    assert TOKEN not in repr(found)
    assert TOKEN not in repr(loop)


def test_a_refusal_is_not_repeated(ear: Ear) -> None:
    forge = Forge(api=ear.url, owner="acme", name="jobs", token=TOKEN)
    ear.answers += [(404, {}), (403, {}), (403, {"Retry-After": "60"}), (500, {})]
    status = CommitStatus(sha="a" * 40, state="success", description="fine")
    assert [forge.say(status) for _ in range(5)] == [True, True, False, False, True]
    assert not Forge(api="http://127.0.0.1:9", owner="a", name="b", token=TOKEN).say(status)


@pytest.mark.parametrize(
    ("repository", "api", "place"),
    [
        ("https://github.com/acme/jobs", None, "https://api.github.com/repos/acme/jobs"),
        ("https://github.com/acme/jobs.git", None, "https://api.github.com/repos/acme/jobs"),
        ("git@github.com:acme/jobs.git", None, "https://api.github.com/repos/acme/jobs"),
        ("ssh://git@github.com/acme/jobs", None, "https://api.github.com/repos/acme/jobs"),
        (
            "https://git.example.com/acme/jobs",
            "https://git.example.com/api/v3/",
            "https://git.example.com/api/v3/repos/acme/jobs",
        ),
        ("https://gitlab.com/acme/jobs", None, None),
        ("https://github.com.evil.example/acme/jobs", None, None),
        ("https://github.com/acme/jobs/../../x", None, None),
        ("file:///srv/jobs.git", None, None),
    ],
)
def test_whose_commits_they_are(repository: str, api: str | None, place: str | None) -> None:
    forge = forge_of(repository, TOKEN, api)
    assert place == (f"{forge.api}/repos/{forge.owner}/{forge.name}" if forge else None)
