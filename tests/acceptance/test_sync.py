"""`sync`, `status` and `up` as commands: a remote, a clone to work in, and a folder where the loop lives."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.serving import EmbeddedServer

from .conftest import COMMAND, Shell

Fits = Callable[[str, Any], None]
JOB = """\
key: KEY
name: NAME
agent: paid-search-analyst
prompt: Give me the overview of all campaigns by spend.
"""
# The runner starts what is due, and not the server.
OURS = """\
targets:
  local: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}", api_key: "${INTERACT_API_KEY}", schedules: runner}
"""


@dataclass
class Site:
    """A team's clone, its remote, and the folder that the loop's commands are given in."""

    remote: Path
    clone: Path
    shell: Shell

    def commit(self, message: str, **names: str | None) -> str:
        """Write (or, with None, remove) jobs by name, commit and push; the commit."""
        for name, said in names.items():
            path = self.clone / "jobs.d" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            if said is None:
                path.unlink()
            elif ":" in said:
                path.write_text(said)
            else:
                path.write_text(JOB.replace("KEY", name).replace("NAME", said))
        self.git("add", "-A")
        self.git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", message)
        self.git("push", "-q", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.clone), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def once(self, *options: str, expect: int = 0) -> str:
        return self.shell("sync", "--once", "--repo", str(self.remote), *options, expect=expect).out

    def names(self) -> dict[str, str]:
        with self.client() as client:
            return {job.key: job.name for job in client.jobs()}

    def client(self) -> Client:
        said = self.shell.environment
        return Client(said["INTERACT_URL"], said["INTERACT_API_KEY"], said["INTERACT_ORG_ID"])

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on; its output is in `said.log`."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("INTERACT_")}
        with (self.shell.folder / "said.log").open("w") as log:
            process = subprocess.Popen(
                [*COMMAND, *arguments], cwd=self.shell.folder, stdout=log, stderr=log, text=True,
                env={**environ, "PYTHONWARNINGS": "error", **self.shell.environment},
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)

    def said(self) -> str:
        return (self.shell.folder / "said.log").read_text()


def made(folder: Path, environment: dict[str, str]) -> Site:
    remote, clone, ops = folder / "jobs.git", folder / "clone", folder / "ops"
    ops.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    subprocess.run(["git", "clone", "-q", str(remote), str(clone)], check=True, capture_output=True)
    (clone / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    return Site(remote, clone, Shell(ops, environment))


@pytest.fixture
def site(tmp_path: Path, server: EmbeddedServer, request: pytest.FixtureRequest) -> Site:
    organization, key = server.create_organization(request.node.name)
    environment = {"INTERACT_URL": server.url, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization}
    return made(tmp_path, environment)


def wait(what: Callable[[], bool], seconds: float, said: Callable[[], str]) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, said()
        time.sleep(0.2)


def test_a_day_of_the_loop(site: Site, fits: Fits) -> None:
    site.commit("the first", one="One", two="Two", three="Three")
    out = site.once()
    assert "Synced: everything is as" in out
    assert "wrote" in out
    assert "3 create" in out
    assert site.names() == {"one": "One", "two": "Two", "three": "Three"}
    good = site.git("rev-parse", "HEAD")

    site.commit("a mistake", two=JOB.replace("KEY", "two").replace("prompt", "promt"))
    answer = site.shell("sync", "--once", "--repo", str(site.remote), expect=1)
    assert re.search(r"jobs\.d/two\.yaml:4:\d+: .*'promt'", answer.out + answer.err), (answer.out, answer.err)
    told = site.shell("status", "--format", "json", expect=1)
    fits("status", told.json)
    assert told.json["atWork"] is False
    assert told.json["sync"]["good"]["sha"] == good
    assert "the last good" in (text := site.shell("status", expect=1).out) or "last good" in text
    assert "jobs.d/two.yaml:4" in text
    assert site.names()["two"] == "Two"

    site.commit("mended, and two go", two=None, three=None)
    out = site.once(expect=1)
    assert site.names() == {"one": "One", "two": "Two", "three": "Three"}
    release = re.search(r"release it with `(.*)`", out)
    assert release is not None, out
    _, *command = shlex.split(release[1])
    assert release[1] in site.shell("status").out
    site.shell(*command, "--reason", "they are no longer wanted")
    assert "2 delete" in site.once()
    assert site.names() == {"one": "One"}


def test_pin_suspend_and_resume(site: Site) -> None:
    first = site.commit("first", one="One")
    site.once()
    site.commit("second", one="Uno")
    site.once()
    site.shell("sync", "pin", first, "--reason", "the new name is wrong")
    site.once()
    assert site.names() == {"one": "One"}
    assert "the new name is wrong" in site.shell("status").out
    site.shell("sync", "suspend", "--reason", "a migration")
    site.commit("third", one="Ein")
    assert "Suspended" in site.once(expect=1)
    assert site.names() == {"one": "One"}
    site.shell("sync", "resume")
    site.once()
    assert site.names() == {"one": "Ein"}


def test_it_goes_on_until_it_is_told_to_stop(site: Site) -> None:
    site.commit("first", one="One")
    with site.running("sync", "--repo", str(site.remote), "--interval", "1s", "--listen", "0") as loop:
        wait(lambda: site.names() == {"one": "One"}, 20, site.said)
        site.commit("second", one="Uno")
        wait(lambda: site.names() == {"one": "Uno"}, 20, site.said)
        second = site.shell("sync", "--once", "--repo", str(site.remote), expect=1)
        assert "another sync works in" in second.err
        assert json.loads(site.shell("status", "--format", "json").out)["atWork"] is True
        loop.send_signal(signal.SIGTERM)
        assert loop.wait(20) == 0, site.said()
    assert "stopping after this pass (SIGTERM)" in site.said()
    assert "no loop is at work now" in site.shell("status").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sync"], "no repository is named"),
        (["sync", "--repo", "ftp://git.example.com/x"], "https"),
        (["sync", "--repo", "https://user:hunter2@git.example.com/x"], "INTERACT_GITOPS_GIT_TOKEN"),
        (["sync", "--repo", "--upload-pack=touch /tmp/x"], "repository"),
        (["sync", "--repo", "/nowhere", "--branch", "-x"], "branch"),
        (["sync", "--repo", "/nowhere", "--interval", "soon"], "soon"),
        (["sync", "--repo", "/nowhere", "--listen", "everywhere"], "everywhere"),
        (["sync", "--repo", "/nowhere", "--require-signed", "ssh"], "--allowed-signers"),
        (["sync", "pin", "main"], "--reason"),
        (["sync", "pin", "main", "--reason", "x"], "'main' is not a commit's full hash"),
        (["sync", "approve", "abc"], "no plan waits"),
        (["status", "--state", "elsewhere"], "no loop has worked in 'elsewhere'"),
        (["up"], "no repository is named"),
    ],
)
def test_what_cannot_be_is_one_line(site: Site, arguments: list[str], words: str) -> None:
    answer = site.shell(*arguments, expect=None)
    assert answer.code == 1
    assert words in answer.err, answer.err
    assert "hunter2" not in answer.err + answer.out
    assert len([line for line in answer.err.splitlines() if line.startswith("error")]) <= 1


def test_what_is_served_here_is_what_is_written_to(tmp_path: Path) -> None:
    site = made(tmp_path, {"INTERACT_URL": "https://interact.example.com"})
    site.commit("first", one="One")
    answer = site.shell("up", "--repo", str(site.remote), "--serve", "--port", "0", expect=1)
    assert "INTERACT_URL names another" in answer.err
    assert "unset INTERACT_URL, or leave out --serve" in answer.err
    site.shell.environment.clear()
    (site.shell.folder / "interact-gitops.yaml").write_text(
        "targets:\n  main: {url: 'http://127.0.0.1:9', organization: org_1, api_key: nothing}\n"
    )
    answer = site.shell("up", "--repo", str(site.remote), "--serve", "--port", "0", expect=1)
    assert "the configuration names the target http://127.0.0.1:9" in answer.err


def test_everything_in_one_process(tmp_path: Path) -> None:
    """No account, no server, a folder: and a job that is due each minute is run by what git says. Then a part fails."""
    site = made(tmp_path, {})
    (site.shell.folder / "interact-gitops.yaml").write_text(OURS)
    minutely = JOB.replace("KEY", "minutely").replace("NAME", "Minutely") + "schedule: {cron: '* * * * *'}\n"
    site.commit("first", minutely=minutely)
    with site.running("up", "--repo", str(site.remote), "--serve", "--port", "0", "--interval", "1s", "--listen",
                      "0", "--log-format", "json") as running:  # fmt: skip
        wait(lambda: '"serving"' in site.said(), 20, site.said)
        there = read_credentials(site.shell.folder / ".interact")
        assert there is not None
        site.shell.environment |= {"INTERACT_URL": there.url, "INTERACT_API_KEY": there.api_key,
                                   "INTERACT_ORG_ID": there.organization_id}  # fmt: skip
        wait(lambda: site.names() == {"minutely": "Minutely"}, 20, site.said)
        os.rename(site.remote, tmp_path / "away.git")  # the loop fails from here on, and the runner goes on
        with site.client() as client:
            wait(lambda: any(True for _ in client.chats(most=1)), 90, site.said)
        report = site.shell("status", expect=1).out
        assert "Degraded" in report
        assert re.search(r"runner +\d+ (succeeded|running|dispatched)", report), report
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0, site.said()
    assert "Traceback" not in site.said()


def test_what_is_served_beside_the_loop(site: Site) -> None:
    site.commit("first", one="One")
    with site.running("sync", "--repo", str(site.remote), "--interval", "1s", "--listen", "0"):
        wait(lambda: "http://" in site.said(), 20, site.said)
        found = re.search(r"http://[\w.:]+", site.said())
        assert found is not None
        wait(lambda: site.names() == {"one": "One"}, 20, site.said)
        for path, words in (("/healthz", "alive"), ("/metrics", "interact_sync_passes_total"), ("/status", '"sync"')):
            with urllib.request.urlopen(found[0] + path, timeout=10) as answer:
                assert words in answer.read().decode()
