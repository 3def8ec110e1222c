"""A real Ctrl-C on the real command, in the middle of writing to a slow target."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from interact_gitops.shapes import fit

from ...contract.client.scripted import Request, Trouble
from .conftest import Room

JOB = """
key: job-{number}
name: Job {number}
agent: paid-search-analyst
prompt: What was spent?
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_ctrl_c_ends_what_is_under_way_and_reports(room: Room, tmp_path: Path, form: str) -> None:
    (tmp_path / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    (tmp_path / "jobs.d").mkdir()
    for number in range(12):
        (tmp_path / "jobs.d" / f"{number}.yaml").write_text(JOB.format(number=number))
    third, held = threading.Event(), threading.Event()
    writes: list[str] = []

    def hold(request: Request, _number: int) -> Trouble | None:
        """Keeps the third write and what comes with it waiting, until the signal has been sent."""
        if request.method == "POST":
            writes.append(request.target)
            if len(writes) == 3:
                third.set()
            if len(writes) >= 3:
                held.wait(20)
        return None

    room.spoil(hold)
    headers = room.fronted._transport._httpx.headers
    environment = {
        **os.environ, "INTERACT_URL": room.front.url, "INTERACT_API_KEY": headers["X-API-Key"],
        "INTERACT_ORG_ID": headers["X-Organization-Id"], "HOME": str(tmp_path), "PYTHONUTF8": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "interact_gitops", "apply", "--yes", "--parallelism", "2", "--format", form]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert third.wait(30)
            running.send_signal(signal.SIGINT)
            time.sleep(0.2)  # so that the signal comes first
        finally:
            held.set()
        out, err = running.communicate(timeout=30)
    made = room.keys()
    assert running.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert 3 <= len(made) <= 4
    if form == "json":
        document = json.loads(out)
        assert fit("apply.schema.json").is_valid(document)
        assert document["interrupted"]
        results = {outcome["key"]: outcome["result"] for outcome in document["outcomes"]}
        assert sorted(key for key, result in results.items() if result == "done") == made
        assert sorted(set(results.values())) == ["done", "not tried"]
    else:
        for key in made:
            assert f"✓ created {key}" in out
        assert f"Applied: {len(made)} done, {12 - len(made)} not tried." in out
        assert "Interrupted: nothing more was started." in out
    room.spoil(lambda _request, _number: None)
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert len(room.keys()) == 12
