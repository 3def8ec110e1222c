"""Everything at once, for as long as it is given: commits, reverts, force-pushes, hands on the target, and the loop
killed at random. Then it is let be, and the target is what git says. `CHAOS=all` gives it ten minutes; STORM_SECONDS
and STORM_SEED ask for something else."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import TargetFailure
from interact_gitops.jobs.wire import job_from_wire, job_to_wire
from interact_gitops.server.serving import EmbeddedServer

from ...contract.gitops.conftest import Repository, git, job
from ...contract.gitops.servers import HttpGit, http_git

SECONDS = float(os.environ.get("STORM_SECONDS", "600" if os.environ.get("CHAOS") == "all" else "12"))
MARK = "acme/jobs"
FIRST_JOBS, MOST_DELETES = 20, 8
GOOD = ("change", "add", "remove", "rename", "instead")  # commits that can be taken back
SETTLES = 90.0  # seconds; a lock that a killed loop left is another's for up to 30


class Storm:
    """A repository behind a git server, its jobs on a target, a loop in a process, and what all of them may say."""

    def __init__(self, folder: Path, served: EmbeddedServer, http: HttpGit) -> None:
        self.folder = folder
        remote, work = folder / "jobs.git", folder / "work"
        git(folder, "init", "-q", "--bare", "-b", "main", str(remote))
        git(folder, "clone", "-q", str(remote), str(work))
        self.repository = Repository(remote, work)
        self.url = f"{http.url}/jobs.git"
        organization, key = served.create_organization(folder.name)
        self.client = Client(served.url, key, organization)
        self.environ = {**os.environ, "INTERACT_URL": served.url, "INTERACT_API_KEY": key,
                        "INTERACT_ORG_ID": organization, "PYTHONWARNINGS": "error"}  # fmt: skip
        self.chance = random.Random(int(os.environ.get("STORM_SEED", time.time_ns() % 10**6)))
        self.said: set[tuple[str, str]] = set()
        self.counts: Counter[str] = Counter()
        self.names = 0
        self.loop: subprocess.Popen[str] | None = None
        self.log = (folder / "loop.log").open("w+")

    # --- git ---

    def in_git(self) -> dict[str, str]:
        """Key to name, of the work tree."""
        files = sorted((self.repository.work / "jobs.d").glob("*.yaml"))
        read = [yaml.safe_load(path.read_text()) for path in files]
        return {one["key"]: one["name"] for one in read}

    def push(self, message: str, *options: str) -> None:
        self.said |= set(self.in_git().items())
        git(self.repository.work, "add", "-A")
        git(self.repository.work, "commit", "-qm", message, "--allow-empty")
        self.repository.push(*options)

    def new_name(self) -> str:
        self.names += 1
        return f"Name {self.names}"

    def write(self, key: str, **fields: str) -> None:
        self.repository.write(f"jobs.d/{key}.yaml", job(key, name=self.new_name(), **fields))

    def change(self) -> None:
        for key in self.chance.sample(sorted(self.in_git()), 2):
            self.write(key)
        self.push("change")

    def add(self) -> None:
        self.write(f"job-{self.names}-new")
        self.push("add")

    def remove(self) -> None:
        keys = sorted(self.in_git())
        if len(keys) > FIRST_JOBS // 2:
            self.repository.write(f"jobs.d/{self.chance.choice(keys)}.yaml", None)
            self.push("remove")

    def rename(self) -> None:
        key = self.chance.choice(sorted(self.in_git()))
        self.repository.write(f"jobs.d/{key}.yaml", None)
        self.write(f"job-{self.names}-moved", moved_from=f"[{key}]")
        self.push("rename")

    def last_was_good(self) -> bool:
        return git(self.repository.work, "log", "-1", "--format=%s") in GOOD

    def revert(self) -> None:
        if not self.last_was_good():
            return
        git(self.repository.work, "revert", "--no-edit", "HEAD")
        self.said |= set(self.in_git().items())
        self.repository.push()

    def break_and_mend(self) -> None:
        """A commit that nobody can use, with a change that must not be written, and then one that puts it back."""
        keys = sorted(self.in_git())
        self.repository.write(f"jobs.d/{keys[0]}.yaml", job(keys[0], name="Never written"))
        self.repository.write("jobs.d/broken.yaml", "nonsense: [")
        git(self.repository.work, "add", "-A")
        git(self.repository.work, "commit", "-qm", "broken")
        self.repository.push()
        time.sleep(self.chance.uniform(0.5, 3))
        git(self.repository.work, "revert", "--no-edit", "HEAD")
        self.repository.push()

    def delete_all_and_mend(self) -> None:
        for path in (self.repository.work / "jobs.d").glob("*.yaml"):
            path.unlink()
        git(self.repository.work, "commit", "-qam", "everything goes")
        self.repository.push()
        time.sleep(self.chance.uniform(0.5, 3))
        git(self.repository.work, "revert", "--no-edit", "HEAD")
        self.repository.push()

    def force(self) -> None:
        """The last commit was never there."""
        if not self.last_was_good():
            return
        git(self.repository.work, "reset", "-q", "--hard", "HEAD~1")
        self.write(self.chance.choice(sorted(self.in_git())))
        self.push("instead", "--force")

    # --- hands ---

    def _any_of_ours(self) -> tuple[str, str, dict[str, object]] | None:
        ours = [one for one in self.client.jobs() if one.managed_by == MARK]
        if not ours:
            return None
        one = self.chance.choice(ours)
        return one.id, one.etag or "", {**job_to_wire(job_from_wire(one.raw)), "managedBy": one.managed_by}

    def edit_by_hand(self) -> None:
        if found := self._any_of_ours():
            identity, etag, body = found
            name = self.new_name()
            self.said.add((str(body["key"]), name))
            self.client.replace_job(identity, {**body, "name": name}, etag=etag)

    def delete_by_hand(self) -> None:
        if found := self._any_of_ours():
            self.client.delete_job(found[0], etag=found[1])

    # --- the loop ---

    def start(self) -> None:
        self.loop = subprocess.Popen(
            [sys.executable, "-m", "interact_gitops", "sync", "--repo", self.url, "--heal", "--interval", "1s",
             "--compare", "2s"],
            cwd=self.folder, env=self.environ, stdout=self.log, stderr=self.log, text=True, start_new_session=True,
        )  # fmt: skip

    def end(self, number: signal.Signals) -> None:
        assert self.loop is not None
        os.killpg(self.loop.pid, number)
        code = self.loop.wait(30)
        assert code in (0, -number), self.told()  # SIGTERM before it listens to signals ends it like anybody

    def kill(self) -> None:
        self.end(signal.SIGKILL)
        self.start()

    def restart(self) -> None:
        self.end(signal.SIGTERM)
        self.start()

    def told(self) -> str:
        return (self.folder / "loop.log").read_text()[-3_000:]

    # --- what must hold ---

    def watch(self, stop: threading.Event, wrong: list[str]) -> None:
        """Somebody who looks at the target all the time: nothing is there that nobody said, and never nothing."""
        with Client(self.environ["INTERACT_URL"], self.environ["INTERACT_API_KEY"],
                    self.environ["INTERACT_ORG_ID"]) as client:  # fmt: skip
            while not stop.wait(0.2):
                found = client.jobs()
                ours = [(one.key, one.name) for one in found if one.managed_by == MARK]
                self.counts["looks"] += 1
                wrong += [f"{pair} was never said" for pair in ours if pair not in self.said]
                if len(ours) < FIRST_JOBS // 4:
                    wrong.append(f"{len(ours)} jobs are left")
                if len({key for key, _ in ours}) != len(ours):
                    wrong.append(f"a key is there twice: {ours}")
                if ("theirs", "Theirs") not in {(one.key, one.name) for one in found}:
                    wrong.append("another's job was touched")

    def settled(self) -> bool:
        return {one.key: one.name for one in self.client.jobs() if one.managed_by == MARK} == self.in_git()


@pytest.fixture
def storm(tmp_path: Path) -> Iterator[Storm]:
    with EmbeddedServer(tmp_path / "interact", port=0, rate_limit=None, scheduler=False) as served:
        with http_git(tmp_path) as http:
            made = Storm(tmp_path, served, http)
            with made.client, made.log:
                yield made
                if made.loop is not None and made.loop.poll() is None:
                    os.killpg(made.loop.pid, signal.SIGKILL)
                    made.loop.wait(10)


@pytest.mark.timeout(SECONDS + 2 * SETTLES + 60)
def test_what_git_says_is_there_in_the_end(storm: Storm) -> None:
    settings = f"managed_by: {MARK}\nguards: {{max_deletes: {MOST_DELETES}, max_changes: 100%}}\n"
    storm.repository.write("interact-gitops.yaml", settings)
    for number in range(FIRST_JOBS):
        storm.write(f"job-{number:02d}")
    storm.push("the first jobs")
    first = subprocess.run(
        [sys.executable, "-m", "interact_gitops", "sync", "--once", "--repo", storm.url], cwd=storm.folder,
        env=storm.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert first.returncode == 0, (first.stdout, first.stderr)
    body = job_to_wire(job_from_wire(storm.client.jobs()[0].raw))
    theirs = {**body, "key": "theirs", "name": "Theirs", "managedBy": "other/jobs"}
    storm.client.create_job(theirs, idempotency_key="theirs")
    stop, wrong = threading.Event(), list[str]()
    watcher = threading.Thread(target=storm.watch, args=(stop, wrong))
    watcher.start()
    try:
        storm.start()
        acts = [storm.change, storm.change, storm.add, storm.remove, storm.rename, storm.revert, storm.break_and_mend,
                storm.delete_all_and_mend, storm.force, storm.edit_by_hand, storm.edit_by_hand, storm.delete_by_hand,
                storm.kill, storm.kill, storm.kill, storm.restart]  # fmt: skip
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not wrong:
            act = storm.chance.choice(acts)
            storm.counts[act.__name__] += 1
            try:
                act()
            except TargetFailure:  # the loop wrote between our look and our hand's write
                storm.counts["hands that came too late"] += 1
            time.sleep(storm.chance.choice([0, 0.1, 0.5, 1.5]))
        calm = time.monotonic()
        while not storm.settled() and not wrong:
            assert time.monotonic() - calm < SETTLES, (storm.in_git(), storm.told())
            time.sleep(0.5)
        took = time.monotonic() - calm
        storm.end(signal.SIGTERM)
    finally:
        stop.set()
        watcher.join()
    assert not wrong, (wrong[:5], storm.told())
    assert "Traceback" not in storm.told()
    last = subprocess.run(
        [sys.executable, "-m", "interact_gitops", "plan", "--detailed-exitcode"], cwd=storm.repository.work,
        env=storm.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert last.returncode == 0, last.stdout
    print(f"settled {took:.1f} s after the last act; {dict(storm.counts)}")
