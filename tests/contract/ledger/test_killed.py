"""A runner is killed with SIGKILL before one of its statements, whichever: nothing half-done, lost, or done twice.

The children are forked from a process that has done nothing but import, so that hundreds of them take seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KEYS = 6

# Forks a child per statement number, until one comes through alive; after each death its leases end, and a successor
# finishes the work. Prints how many children died.
NURSERY = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import little_runner
from interact_gitops.ledger import postgres, relational, sqlite  # all imports before the first fork
if {url!r}.startswith("postgres"):
    import psycopg

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

died = 0
for statement in range(1, 1000, {step}):
    url = {url!r}.replace("NUMBER", str(statement))
    log = Path({log!r}) / str(statement)
    log.mkdir()
    if url.startswith("postgres"):
        def clean():
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SET client_min_messages = warning; DROP SCHEMA IF EXISTS interact_gitops CASCADE")
        assert child(clean) == 0

    def first():
        little_runner.die_before(statement)
        little_runner.work(url, keys={keys}, name="first", log=log, batch=3, lease=30.0)

    def second():
        little_runner.work(url, keys={keys}, name="second", log=log, batch=4, lease=30.0)
        ledger = little_runner.open_ledger(url, folder=Path("/"))
        found = ledger.check()
        assert found == (), found
        assert ledger.counts(little_runner.TARGET) == dict(succeeded={keys})
        (log / "second.done").write_text(str(len(ledger.take_notices(
            little_runner.TARGET, owner="x", lease_seconds=1, limit=99, now=little_runner.NOW))))
        ledger.close()

    status = child(first)
    assert status in (0, 9), status
    died += status == 9
    if status == 9:
        assert child(lambda: little_runner.end_leases(url)) == 0
    assert child(second) == 0
    if status == 0:
        break
print(died)
"""


# The git ledger's statements are SQLite's, in a database of its own; test_git.py kills it around its pushes.
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("ledger-postgres"))])
def test_killed_before_any_statement(kind, fresh_url, tmp_path):
    step = {"sqlite": 3, "postgres": 7}[kind]  # a fresh schema takes a while there
    url = f"sqlite:///{tmp_path}/NUMBER.db" if kind == "sqlite" else fresh_url(kind)
    script = NURSERY.format(here=str(HERE), url=url, log=str(tmp_path), keys=KEYS, step=step)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    died = int(done.stdout)
    assert died * step > 60, "the statements of the first runner"
    for log in tmp_path.glob("*/"):
        sent = [json.loads(line) for file in log.glob("*.jsonl") for line in file.read_text().splitlines()]
        # An attempt may go out again, under the same idempotency key; there is never a second attempt, and no key lost.
        assert len({one["idempotency"] for one in sent}) == KEYS
        assert len({one["key"] for one in sent}) == KEYS
        assert (log / "second.done").read_text() == str(KEYS), "one notice per run"
